// Package statuslist is the packed list of everybody's status, the sealed form in which it travels,
// and the difference between two versions of it. It is pure: no files, no network, no clock.
// Registry and door both use it.
//
// # Section
//
// A list is cut into sections of SectionSize entries; index n of the list is entry n % SectionSize
// of section n / SectionSize. A section packs its entries as draft-ietf-oauth-status-list section
// 4.1 does with bits = 4: entry i is in byte i/2, the even one in the low half, so a section is
// PackedSize bytes. The SHA-256 of these bytes (Content) identifies a section. A hash of the sealed
// form would not: signatures and compressors may differ.
//
// # Token
//
// A whole section travels as a Status List Token in CWT form (the draft's section 5.2), sealed by
// package sign1 with typ "application/statuslist+cwt". The payload is a CBOR map in deterministic
// encoding, with exactly these claims:
//
//	2      sub          tstr  URI of the list, as in the credentials
//	6      iat          uint  Unix s
//	65533  status_list  map   {"lst": bstr, "bits": 4}
//	-65537 section      uint  number of the section; private claim
//	-65538 version      uint  of the section, from 1; private claim
//
// lst is a zlib stream (RFC 1950) of the packed section: it unpacks to exactly PackedSize bytes,
// and nothing follows it. A reader that knows only the draft can use section 0 as it is; for other
// sections it has to add to the index.
//
// # Delta
//
// A delta leads from one version of a section to the next. It is sealed with typ
// "application/ashyq-status-delta+cwt"; the payload is again a CBOR map in deterministic encoding:
//
//	2      sub       tstr           URI of the list
//	-65537 section   uint           number of the section
//	-65539 from      uint           version that it starts from, from 1
//	-65540 gaps      bstr           for each change, in ascending order, the number of unchanged
//	                                entries between the change before it (or the section's start)
//	                                and itself, as a little-endian base-128 number (LEB128) in as
//	                                few bytes as it needs
//	-65541 statuses  bstr           the new statuses in the same order, packed as in a section;
//	                                an odd half stays 0
//	-65542 result    bstr .size 32  Content of the section after it
//
// Both sides reject statuses without a meaning (Status.Known).
package statuslist
