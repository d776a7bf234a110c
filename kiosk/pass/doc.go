// Package pass makes, reads and verifies the citizen's code "AQ1:", the text in the QR code that a
// person shows to the door, and remembers which codes were used.
//
// The text is "AQ1:" and the base45 (RFC 9285, upper case) of one message. A message is an untagged
// COSE_Sign1 as in package sign1: Ed25519, deterministic CBOR, empty unprotected header, no typ.
// There are two:
//
//	               kid      payload               signed by   what it is
//	paper code     present  [month, block]        issuer      a credential for people without a phone
//	rotating code  absent   [iat, credential]     holder      a credential of the day, signed each Period
//
// The kid alone tells them apart. A phone's credential, which has a holder, is refused on its own,
// because nobody proved to hold its key. A paper credential is refused in a rotating code.
//
// The payload of a phone's credential is an array of three, that of a paper code an array of two:
//
//	83                          array of 3               82                    array of 2
//	  19 u16                    day                        19 u16              month
//	  50 ...16                  block                      50 ...16            block
//	  58 20 ...32               holder's Ed25519 key
//
// The day counts from 1970-01-01 and the month from January 1970, both by UTC, and both are at
// least 256: so they always take three bytes. The code's iat is in the credential's day; a paper
// code is in force to the end of its month.
//
// The block is AES-128 of {index u32, epoch u32, version u32, 0 u32}, big-endian, under the day's
// index key or the month's paper key: where the person is in the status list, and the first edition
// of the list that holds them. Nobody but registry and doors has these keys. So the credentials of
// two days of one person have nothing in common, and those of two persons differ in nothing but
// noise: block, key, signature.
//
// The rotating code's payload is an array of two:
//
//	82                          array of 2
//	  1A u32                    iat: when the phone made it, Unix s
//	  58 87 ...135              the sealed credential
//
// A phone's requests to its registry are no codes and are never shown: a code can be photographed.
// The phone signs them with its phone key, which no code shows; each has its own typ:
//
//	application/ashyq-top-up    [iat, phone key, [[day, holder's key], ...]]    days ascend, at most MaxDays
//	application/ashyq-self      [iat, phone key]
//	application/ashyq-ask       [iat, phone key, what]
//
// Times have at most 32 bits, so the format ends on 2106-02-07.
//
// The byte budget, the same for every code:
//
//	credential's payload   array 1, day 3, block 17, holder 34                             =  55
//	credential             array 1, protected 10, unprotected 1, payload 2+55, sig 66     = 135
//	rotating payload       array 1, iat 5, credential 2+135                                = 143
//	rotating code          array 1, protected 4, unprotected 1, payload 2+143, sig 66     = 217
//	text                   prefix 4, base45 of 217 bytes 326                               = 330
//
// The text fits into QR version 9-L (53 x 53 modules, 335 alphanumeric characters). The paper code
// has 100 bytes, 154 characters: exactly QR version 5-L, or 8-Q (157) where folds and stains are
// likely.
package pass
