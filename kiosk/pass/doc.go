// Package pass makes, reads and verifies the citizen's code "AQ1:", the text in the QR code that a
// person shows to the door, and remembers which codes were used.
//
// The text is "AQ1:" and the base45 (RFC 9285, upper case) of one message. A message is an untagged
// COSE_Sign1 as in package sign1: Ed25519, deterministic CBOR, empty unprotected header, no typ.
// There are two:
//
//	               kid      payload      signed by      what it is
//	paper code     present  map, no cnf  issuer         a credential for people without a phone
//	rotating code  absent   array        holder (cnf)   a credential with cnf, signed each Period
//
// The kid alone tells them apart, and one payload cannot be mistaken for the other: one is a map,
// the other an array. A credential with cnf is refused on its own, because nobody proved to hold
// its key. A credential without cnf is refused in a rotating code.
//
// The credential's payload is a CWT claims set (RFC 8392):
//
//	A4                          map of 4; A3 in the paper code
//	  04  1A u32                exp, Unix s
//	  06  1A u32                iat, Unix s, before exp
//	  08  A1 01                 cnf: COSE_Key (RFC 8747 section 3.2); absent in the paper code
//	      A3 01 01              kty: OKP
//	         20 06              crv: Ed25519
//	         21 58 20 ...32     x: the holder's public key
//	  19 FFFF  A1               status (Token Status List, section 6.3)
//	      6B "status_list" A2
//	         63 "idx" u32       index, in the shortest form
//	         63 "uri" tstr      the list, 1 to MaxList bytes of visible ASCII
//
// The rotating code's payload is an array of two:
//
//	82                          array of 2
//	  1A u32                    iat: when the phone made it, Unix s
//	  58 bstr                   the sealed credential
//
// Times and indexes have at most 32 bits, so the format ends on 2106-02-07 and no code is larger
// than MaxText.
//
// The byte budget, for a list URI of 10 bytes and the largest index:
//
//	credential's payload   map 1, exp 6, iat 6, cnf 43, status 41                       =  97
//	credential             array 1, protected 10, unprotected 1, payload 2+97, sig 66  = 177
//	rotating payload       array 1, iat 5, credential 2+177                             = 185
//	rotating code          array 1, protected 4, unprotected 1, payload 2+185, sig 66  = 259
//	text                   prefix 4, base45 of 259 bytes 389                            = 393
//
// The text fits into QR version 10-L (57 x 57 modules, 395 alphanumeric characters); a URI of 11
// bytes just fits too. That is why the payload is an array: as a CWT claims set with the credential
// under a label of the private range (below -65536, 5 bytes) the text would have 402 characters.
// The paper code for the same list has 134 bytes, 205 characters: QR version 7-L, or 10-Q where
// folds and stains are likely.
package pass
