package pass_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"math"

	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/sign1/sign1test"
)

var validRecipes = []recipe{
	{name: "rotating", comment: "a phone's code, read in the second it was made", result: "valid"},
	{name: "paper", comment: "a printed code", result: "valid", paper: true},
	{name: "rotating-oldest", comment: "25 s old: the last second of its window", result: "valid", signed: nowAt - 25},
	{name: "rotating-newest", comment: "10 s ahead: as far as a phone's clock may be", result: "valid", signed: nowAt + 10},
	{name: "day-first-second", comment: "00:00:00 UTC: the first code of a day", result: "valid", signed: dayStart, now: dayStart},
	{name: "day-last-second", comment: "23:59:59 UTC: the last code of a day", result: "valid", signed: dayEnd - 1, now: dayEnd - 1},
	{name: "day-after-midnight", comment: "the last code of a day, read on the next: its window is not over", result: "valid",
		signed: dayEnd - 1, now: dayEnd + 24},
	{name: "day-before-midnight", comment: "a phone's clock ahead: the first code of a day, read on the day before", result: "valid",
		signed: dayStart, now: dayStart - 10},
	{name: "day-least", comment: "256, the first day that takes three bytes", result: "valid", day: 256, signed: 256 * 86400, now: 256 * 86400},
	{name: "time-largest", comment: "iat is 2^32 - 1, in the year 2106", result: "valid", day: math.MaxUint32 / 86400,
		signed: math.MaxUint32, now: math.MaxUint32},
	{name: "paper-last-second", comment: "one second before the end of its month, by UTC", result: "valid", paper: true, now: 1785542399},
	{name: "paper-least", comment: "256, the first month that takes three bytes", result: "valid", paper: true, month: 256, now: 670000000},
	{name: "block-zeros", comment: "any 16 bytes can be a block", result: "valid", block: make([]byte, 16)},
	{name: "two-issuers", comment: "the kid picks one of several trusted keys", result: "valid", issuer: foreignKey,
		trusted: []ed25519.PrivateKey{issuerKey, foreignKey}},
}

var refusedRecipes = []recipe{
	{name: "foreign-issuer", comment: "sealed by a key that is not trusted", result: "unknown-issuer", issuer: foreignKey},
	{name: "foreign-issuer-stale", comment: "the first thing wrong is the reason: nothing is said about a stranger's times",
		result: "unknown-issuer", issuer: foreignKey, signed: nowAt - 26},
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
	{name: "block-changed", comment: "one bit of the block was changed after it was sealed", result: "forged", detail: "issuer's",
		block:      make([]byte, 16),
		credential: func(b []byte) []byte { return replace(bytesItem(make([]byte, 16)), bytesItem(changedBlock))(b) },
		read:       func(v *vector) { v.Credential.Block = hex.EncodeToString(changedBlock) }},
	{name: "month-changed", comment: "a paper code that was given another month", result: "forged", detail: "issuer's", paper: true,
		credential: replace(uintItem(paperMonth), uintItem(paperMonth+1)),
		read:       func(v *vector) { v.Credential.Month++ }},
	{name: "holder-signature-flipped", comment: "one bit of the holder's signature differs", result: "forged", detail: "holder's",
		message: flipSignature},
	{name: "another-holder", comment: "signed by a key that the credential does not name: somebody else's credential", result: "forged",
		detail: "holder's", holder: foreignKey},
	{name: "time-changed", comment: "iat of the rotating code was moved to now after it was signed", result: "forged", detail: "holder's",
		signed:  nowAt - 3600,
		message: func(b []byte) []byte { return bytes.Replace(b, uintItem(nowAt-3600), uintItem(nowAt), 1) },
		read:    func(v *vector) { v.Signed = nowAt }},
	{name: "expired-paper", comment: "the first second after its month, by UTC", result: "expired", paper: true, now: 1785542400},
	{name: "stale-tomorrow", comment: "the code of yesterday", result: "stale", now: nowAt + 86400},
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

var changedBlock = append(make([]byte, 15), 1)

// payloadOf cuts the payload out of a phone's sealed credential: it follows 84, the header of 10
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
