// Package cache keeps on the card what a door needs to decide without a network: the status list, the venue rules, the
// issuers' keys, the newest time seen, and the reports that still have to go out.
//
// All of it is one bbolt file of 4096-byte pages, whatever the page size of the kernel, so that a card may move between
// models of the board. The file always holds exactly one complete version of the manifest: Apply is one transaction,
// and whole sections are loaded beside the current ones (Stage) until Apply switches to them. Changes are in force before they
// are on the card, which they reach together and not more often than it can bear (writebehind.go). Nobody but the owner may
// read it; it holds no identity all the same, only statuses by random index.
//
// Numbers are big-endian; a section's packed form is that of package statuslist.
//
//	meta       "format"         "1"
//	           "head"           manifest version (8), as of (8, Unix s), URI of the list; absent: no data yet
//	           "rules", "keys"  as given to Apply
//	           "seen"           newest trusted time (8, Unix s)
//	sections   section (4)   -> version (8), content (32), slot (8)
//	staged     section (4)   -> the same
//	slots      slot (8)      -> bucket: chunk (2) -> 512 bytes of the packed section
//	outbox     sequence (8)  -> length of the id (2), id, body
//
// There is one format. docs/adr/0009 says what a second one will need.
//
// A slot belongs to exactly one entry of sections or staged and its number is never used twice. A chunk is that small
// because the database rewrites whole pages: seven chunks fill one, so a changed entry costs one page of 4 KiB; a chunk
// of 4 KiB would put two to four of them on a run of pages that is always written as one.
package cache
