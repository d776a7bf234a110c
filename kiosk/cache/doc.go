// Package cache keeps on the card what a door needs to decide without a network: the status list,
// the venue rules, the issuers' keys, the times seen, and the reports that are not sent yet.
//
// All of it is in one bbolt file. Its pages have 4096 bytes on every kernel, so that a card may
// move between models of the board. The file always holds exactly one complete version of the
// manifest: Apply is one transaction, and whole sections are stored beside the current ones (Stage)
// until Apply switches to them. Only the owner may read the file, although it holds no identities,
// only statuses by random index.
//
// Open reads the list into memory and compares it with its hashes, and all lookups answer from
// there (view.go). Changes are in force before they are on the card; they reach it together, within
// a write budget (writebehind.go).
//
// Numbers are big-endian; package statuslist describes the packed form of a section.
//
//	meta       "format"         "1"
//	           "head"           manifest version (8), as of (8, Unix s), URI of the list
//	           "rules", "keys"  as given to Apply
//	           "clock"          newest trusted time (8, Unix s), start of the machine (16), how long it
//	                            had been running (8, ns), how late it was then at least, by the
//	                            registry (8, Unix ms) and by a time source that signs (8); 0: unknown
//	sections   section (4)   -> version of the list that changed it last (8), content (32), slot (8),
//	                            hash of the blob that it came in (32)
//	staged     section (4)   -> version of the list that it is of (8), and the same
//	slots      slot (8)      -> bucket: chunk (2) -> 2022 bytes of the packed section; the last: 590
//	outbox     sequence (8)  -> length of the id (2), id, body
//
// There is one format. docs/adr/0009 says what a second one will need.
//
// A slot belongs to exactly one entry of sections or staged, and its number is never used again.
// Two chunks fill a page: its header has 16 bytes, and so has that of each of its entries, whose
// key has 2. The database rewrites whole pages, so a changed entry costs one page of 4 KiB. It puts
// at least two entries on a page: with chunks of 4 KiB, two to four of them would be on a run of
// pages that is always written together.
package cache
