// Package statuslist is the packed list of everybody's status, the sealed form in which it travels,
// and the differences between its versions. It is pure: no files, no network, no clock. Registry
// and door both use it.
//
// # Section
//
// A list is cut into sections of SectionSize entries; index n of the list is entry n % SectionSize
// of section n / SectionSize. A section packs its entries as draft-ietf-oauth-status-list section
// 4.1 does with bits = 4: entry i is in byte i/2, the even one in the low half, so a section is
// PackedSize bytes. The SHA-256 of these bytes is its Content; the SHA-256 of all Contents of a
// list, one after the other, is the list's Root.
//
// # Blob
//
// Sections and deltas travel as blobs, which everybody may have and only who has the list key can
// read. A blob is
//
//	4   generation of the list key, big-endian
//	24  nonce, random
//	    XChaCha20-Poly1305 of: 4 length n of the payload, big-endian; n payload; zeros to the end
//
// Its additional data is "section" or "delta", a zero byte and the name of the list, so no blob can
// stand for another kind or list. A blob as a whole has a size class, so that its length says
// little of its content: 1, 2, 4, 8, 16, 32 or 64 KiB, or a multiple of 64 KiB up to MaxBlob. The
// smallest class that fits is the only one that is accepted. All who read a list share its key, so
// it does not prove who wrote a blob: the SHA-256 of the blob in a signed manifest does.
//
// # Section payload
//
// A CBOR map in deterministic encoding, with exactly these keys:
//
//	1  section  uint  its number
//	2  version  uint  of the list, from 1, that it is a part of
//	3  list     bstr  a zlib stream (RFC 1950) of the packed section: it unpacks to exactly PackedSize
//	                  bytes, and nothing follows it
//
// # Delta payload
//
// A delta leads from version from, or any later one before version to, to version to. A CBOR map in
// deterministic encoding:
//
//	1  from      uint           from 1
//	2  to        uint           above from
//	3  sections  [* changes]    by ascending number, only those that change
//	4  result    bstr .size 32  Root of the list in version to
//
// where changes is the array
//
//	section    uint  its number
//	n          uint  number of changes, from 1
//	parameter  uint  of the gaps' Rice code, at most 20: the one that makes them shortest, the lowest
//	                 of those
//	gaps       bstr  for each change, in ascending order, the number of other entries between the
//	                 change before it (or the section's start) and itself: the part above the lowest
//	                 parameter bits as so many ones and a zero, then these bits. They fill bytes from
//	                 the highest bit on, and the rest of the last byte is 0.
//	statuses   bstr  the new statuses in the same order, packed as in a section; an odd half is 0
//
// Both sides reject statuses without a meaning (Status.Known).
package statuslist
