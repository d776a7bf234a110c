package pass_test

import (
	"bytes"
	"crypto/ed25519"
	"math"
	"strings"

	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/sign1/sign1test"
)

var validRecipes = []recipe{
	{name: "rotating", comment: "a phone's code, read in the second it was made", result: "valid"},
	{name: "paper", comment: "a printed code", result: "valid", paper: true},
	{name: "rotating-oldest", comment: "25 s old: the last second of its window", result: "valid", signed: nowAt - 25},
	{name: "rotating-newest", comment: "10 s ahead: as far as a phone's clock may be", result: "valid", signed: nowAt + 10},
	{name: "credential-last-second", comment: "one second before exp", result: "valid", exp: nowAt + 1},
	{name: "version-first", comment: "the first version that a registry publishes", result: "valid", version: 1},
	{name: "version-largest", comment: "2^32 - 1", result: "valid", version: math.MaxUint32},
	{name: "epoch-later", comment: "issued after the registry was restored from a backup", result: "valid", epoch: 1767000000},
	{name: "index-1-byte", comment: "CBOR writes 23 in the head itself", result: "valid", index: 23},
	{name: "index-2-bytes", comment: "and 24 behind it", result: "valid", index: 24},
	{name: "index-3-bytes", comment: "65535 in two bytes", result: "valid", index: 65535},
	{name: "index-largest", comment: "2^32 - 1", result: "valid", index: math.MaxUint32},
	{name: "list-of-64-bytes", comment: "the longest list URI: with the largest numbers the largest code there is, 429 characters", result: "valid",
		list: "https://status.example.kz/" + strings.Repeat("x", 38), index: math.MaxUint32, epoch: math.MaxUint32, version: math.MaxUint32},
	{name: "two-issuers", comment: "the kid picks one of several trusted keys", result: "valid", issuer: foreignKey,
		trusted: []ed25519.PrivateKey{issuerKey, foreignKey}},
}

var refusedRecipes = []recipe{
	{name: "foreign-issuer", comment: "sealed by a key that is not trusted", result: "unknown-issuer", issuer: foreignKey},
	{name: "foreign-issuer-expired", comment: "the first thing wrong is the reason: nothing is said about a stranger's times",
		result: "unknown-issuer", issuer: foreignKey, exp: nowAt - 1},
	{name: "foreign-key-with-trusted-kid", comment: "the kid is the trusted key's, the signature is not", result: "forged", detail: "issuer's",
		issuer:     foreignKey,
		credential: func(b []byte) []byte { return seal(foreignKey, issuerHeader(issuerKey), emptyMap, payloadOf(b)) },
		read: func(v *vector) {
			id := sign1.IDOf(publicOf(issuerKey))
			v.Credential.Kid = id.String()
		}},
	{name: "issuer-signature-flipped", comment: "one bit of the issuer's signature differs; the holder signed that", result: "forged",
		detail: "issuer's", credential: flipSignature},
	{name: "issuer-signature-flipped-paper", comment: "the same on paper", result: "forged", detail: "issuer's", paper: true,
		credential: flipSignature},
	{name: "index-changed", comment: "the index in the credential was changed after it was sealed", result: "forged", detail: "issuer's",
		index: 77,
		credential: func(b []byte) []byte {
			return bytes.Replace(b, join(uintItem(firstVersion), unhex("184d")), join(uintItem(firstVersion), unhex("184e")), 1)
		},
		read: func(v *vector) { v.Credential.Index = 78 }},
	{name: "holder-signature-flipped", comment: "one bit of the holder's signature differs", result: "forged", detail: "holder's",
		message: flipSignature},
	{name: "another-holder", comment: "signed by a key that the credential does not name: somebody else's credential", result: "forged",
		detail: "holder's", holder: foreignKey},
	{name: "time-changed", comment: "iat of the rotating code was moved to now after it was signed", result: "forged", detail: "holder's",
		signed:  nowAt - 3600,
		message: func(b []byte) []byte { return bytes.Replace(b, uintItem(nowAt-3600), uintItem(nowAt), 1) },
		read:    func(v *vector) { v.Signed = nowAt }},
	{name: "expired", comment: "exp is the first second in which the credential is not good", result: "expired", exp: nowAt},
	{name: "expired-paper", comment: "the same on paper", result: "expired", exp: nowAt, paper: true},
	{name: "expired-and-stale", comment: "expiry comes before staleness: a fresh code would not help", result: "expired", exp: nowAt, signed: nowAt - 26},
	{name: "stale", comment: "26 s old: a screenshot, or the phone's clock is behind", result: "stale", signed: nowAt - 26},
	{name: "future", comment: "11 s ahead: the phone's clock", result: "future", signed: nowAt + 11},
	weakHolder(0, "holder-key-order-1", "the holder's key is the neutral element: anybody signs for it"),
	weakHolder(1, "holder-key-order-2", "the holder's key is a point of order 2: every second signature can be made by anybody"),
	weakHolder(6, "holder-key-order-8", "the holder's key is a point of order 8"),
	weakHolder(9, "holder-key-not-canonical", "the neutral element with y = p + 1, in the encoding that no signer writes"),
}

// weakHolder makes a code for a key that signs without a private one.
func weakHolder(i int, name, comment string) recipe {
	weak := sign1test.WeakKeys[i]
	return recipe{
		name: name, comment: comment, result: "forged", detail: "holder's", claims: heldBy(weak), message: forgedBy(weak),
		read: func(v *vector) { v.HolderSeed, v.Credential.Holder = "", weak.Hex },
	}
}

// payloadOf cuts the payload out of a recipe's sealed credential: it follows 84, the header of 10
// bytes, A0 and its own head of 2.
func payloadOf(sealed []byte) []byte { return sealed[14 : len(sealed)-66] }

func flipSignature(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-ed25519.SignatureSize] ^= 1
	return b
}

func replace(from, to []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		if bytes.Count(b, from) != 1 {
			panic("recipe does not find what it replaces")
		}
		return bytes.Replace(b, from, to, 1)
	}
}

func always(text string) func(string) string { return func(string) string { return text } }

// resealed makes the recipe's message again with other headers.
func resealed(key ed25519.PrivateKey, protected, unprotected []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		m, err := sign1.Parse(b)
		if err != nil {
			panic(err)
		}
		return seal(key, protected, unprotected, m.Payload)
	}
}
