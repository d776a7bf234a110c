// Package pass makes, reads and verifies the citizen's code "AQ1:", the text in the QR code that a
// person shows to the door, and remembers which codes were used.
//
// The text is "AQ1:" and the base45 (RFC 9285, upper case) of one message. A message is an untagged
// COSE_Sign1 as in package sign1: Ed25519, deterministic CBOR, empty unprotected header, no typ.
// There are two:
//
//	               kid      payload        signed by   what it is
//	paper code     present  array of six   issuer      a credential for people without a phone
//	rotating code  absent   array of two   holder      a credential with a holder, signed each Period
//
// The kid alone tells them apart, and the length of the array says it once more. A credential with a
// holder is refused on its own, because nobody proved to hold its key. A credential without one is
// refused in a rotating code.
//
// The credential's payload:
//
//	86                          array of six
//	  1A u32                    exp, Unix s: from then on it is refused
//	  u32                       epoch and
//	  u32                       version of the first list that holds the index; the version is not 0
//	  u32                       index in the list
//	  tstr                      URI of the list, 1 to MaxList bytes of visible ASCII
//	  58 20 ...32               the holder's Ed25519 public key; 40 in the paper code
//
// The rotating code's payload is an array of two:
//
//	82                          array of 2
//	  1A u32                    iat: when the phone made it, Unix s
//	  58 bstr                   the sealed credential
//
// A phone's request to its registry is no code and is never shown: a rotating code can be photographed.
// It has the typ AskType and an array of three, signed by the holder:
//
//	83                          array of 3
//	  1A u32                    iat, as above
//	  58 bstr                   the sealed credential
//	  tstr                      what the phone asks
//
// Times and indexes have at most 32 bits, so the format ends on 2106-02-07 and no code is larger
// than MaxText.
//
// The byte budget, for epoch 0, a list URI of 6 bytes and the largest numbers:
//
//	credential's payload   array 1, exp 5, epoch 1, version 5, index 5, URI 7, holder 34  =  58
//	credential             array 1, protected 10, unprotected 1, payload 2+58, sig 66     = 138
//	rotating payload       array 1, iat 5, credential 2+138                                = 146
//	rotating code          array 1, protected 4, unprotected 1, payload 2+146, sig 66     = 220
//	text                   prefix 4, base45 of 220 bytes 330                               = 334
//
// The text fits into QR version 9-L (53 x 53 modules, 335 alphanumeric characters). In a later epoch
// it has six more and takes version 10-L (395). The paper code has 105 bytes, 162 characters: QR
// version 6-L (195), or 9-Q (193) where folds and stains are likely.
package pass
