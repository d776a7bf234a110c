package pass_test

import (
	"bytes"
	"strings"
)

const notDeterministic = "not the deterministic encoding"

// malformedRecipes make texts that are not passes: the result of each recipe that names no other.
var malformedRecipes = []recipe{
	// The text.
	{name: "url", comment: "most QR codes are something else", detail: "does not start", text: always("https://example.kz/menu?table=7")},
	{name: "empty", comment: "no text at all", detail: "does not start", text: always("")},
	{name: "prefix-only", comment: "nothing behind the prefix", detail: "COSE_Sign1", text: always("AQ1:")},
	{name: "prefix-lowercase", comment: "the prefix is upper case", detail: "does not start",
		text: func(s string) string { return "aq1:" + s[4:] }},
	{name: "prefix-other-version", comment: "another version of the format", detail: "does not start",
		text: func(s string) string { return "AQ2:" + s[4:] }},
	{name: "space-in-front", comment: "nothing is trimmed", detail: "does not start", text: func(s string) string { return " " + s }},
	{name: "newline-behind", comment: "nothing is trimmed", detail: "base45", text: func(s string) string { return s + "\n" }},
	{name: "too-long", comment: "430 characters: refused unread", detail: "longer",
		text: func(s string) string { return s + strings.Repeat("0", 430-len(s)) }},
	{name: "base45-lowercase", comment: "the alphabet has upper case only", detail: "base45: character",
		text: func(s string) string { return s[:4] + strings.ToLower(s[4:]) }},
	{name: "base45-character", comment: "an underscore is not in the alphabet", detail: "base45: character",
		text: func(s string) string { return s[:10] + "_" + s[11:] }},
	{name: "base45-utf8", comment: "neither is anything beyond ASCII", detail: "base45: character",
		text: func(s string) string { return s[:10] + "Қ" + s[12:] }},
	{name: "base45-length", comment: "no bytes are encoded in 3n+1 characters", detail: "base45: a single",
		paper: true, epoch: 24, text: func(s string) string { return s + "0" }},
	{name: "base45-triple", comment: "a triple of 65536, one more than two bytes hold", detail: "base45: group",
		text: func(s string) string { return s[:4] + "GGW" + s[7:] }},
	{name: "base45-pair", comment: "a final pair of 256, one more than a byte holds", detail: "base45: group",
		epoch: 24, text: func(s string) string { return s[:len(s)-2] + "V5" }},

	// The message.
	{name: "message-tagged", comment: "COSE_Sign1 with its CBOR tag 18", detail: "COSE_Sign1",
		message: func(b []byte) []byte { return append(unhex("d2"), b...) }},
	{name: "message-trailing-byte", comment: "a byte behind the message", detail: "COSE_Sign1",
		message: func(b []byte) []byte { return append(bytes.Clone(b), 0) }},
	{name: "message-cut", comment: "the last byte is missing", detail: "COSE_Sign1",
		message: func(b []byte) []byte { return b[:len(b)-1] }},
	{name: "message-indefinite", comment: "an array of indefinite length", detail: "COSE_Sign1",
		message: func(b []byte) []byte { return join(unhex("9f"), b[1:], unhex("ff")) }},
	{name: "message-long-length", comment: "the header's length in two bytes where one does", detail: notDeterministic,
		message: func(b []byte) []byte { return join(unhex("84 58 03"), b[2:]) }},
	{name: "message-signature-63", comment: "a signature of 63 bytes", detail: "signature of 63 bytes",
		message: func(b []byte) []byte { return join(b[:len(b)-66], bytesItem(b[len(b)-63:])) }},
	{name: "message-unprotected", comment: "something in the unprotected header", detail: "unprotected",
		message: resealed(holderKey, holderHeader, unhex("a1 04 44 01020304"))},
	{name: "message-algorithm", comment: "alg is ES256", detail: "algorithm", message: resealed(holderKey, unhex("a1 01 26"), emptyMap)},
	{name: "message-no-algorithm", comment: "alg is missing", detail: "algorithm", message: resealed(holderKey, unhex("a0"), emptyMap)},
	{name: "message-unknown-header", comment: "a content type (3) in the header", detail: "unknown protected header",
		message: resealed(holderKey, unhex("a2 01 27 03 18 3c"), emptyMap)},
	{name: "message-typ", comment: "codes have no typ", detail: "type", message: resealed(holderKey, unhex("a2 01 27 10 63 612f62"), emptyMap)},
	{name: "rotating-with-kid", comment: "a rotating code has no kid: with one it has to be a credential", detail: "credential's claims",
		message: resealed(holderKey, issuerHeader(holderKey), emptyMap)},

	// The rotating code's payload.
	{name: "rotating-as-map", comment: "the payload as a map instead of an array", detail: "rotating code's payload",
		presentation: func(b []byte) []byte { return join(unhex("a2 06"), b[1:6], unhex("3a 00010000"), b[6:]) }},
	{name: "rotating-third-element", comment: "an array of three", detail: "rotating code's payload",
		presentation: func(b []byte) []byte { return join(unhex("83"), b[1:], unhex("00")) }},
	{name: "rotating-long-time", comment: "iat in eight bytes where four do", detail: notDeterministic,
		presentation: replace(uintItem(nowAt), join(unhex("1b 00000000"), uintItem(nowAt)[1:]))},
	{name: "rotating-time-negative", comment: "iat before 1970", detail: "rotating code's payload",
		presentation: replace(uintItem(nowAt), unhex("20"))},
	{name: "rotating-time-float", comment: "iat as a floating-point number", detail: "rotating code's payload",
		presentation: replace(uintItem(nowAt), unhex("fb 41da55c2a0000000"))},
	{name: "rotating-time-33-bits", comment: "iat is 2^32, in the year 2106", detail: "rotating code's payload",
		presentation: replace(uintItem(nowAt), uintItem(1<<32))},
	{name: "rotating-trailing-byte", comment: "a byte behind the payload", detail: "rotating code's payload",
		presentation: func(b []byte) []byte { return append(bytes.Clone(b), 0) }},
	{name: "rotating-embedded", comment: "the credential itself instead of a byte string that holds it", detail: "rotating code's payload",
		presentation: func(b []byte) []byte { return join(b[:6], b[8:]) }},
	{name: "rotating-paper", comment: "a credential without holder in a rotating code", detail: "without a holder",
		claims: withoutHolder},
	{name: "rotating-rotating", comment: "a rotating code in a rotating code", detail: "no key id",
		credential: resealed(holderKey, holderHeader, emptyMap)},

	// The credential.
	{name: "credential-bare", comment: "a phone's credential without the phone's signature: what a stolen copy would be", paper: true,
		detail: "without the phone's signature", claims: withHolder},
	{name: "credential-tagged", comment: "the credential with CBOR tag 18", detail: "COSE_Sign1",
		credential: func(b []byte) []byte { return append(unhex("d2"), b...) }},
	{name: "credential-cwt-tag", comment: "the credential with the CWT tag 61 in front of that", detail: "COSE_Sign1",
		credential: func(b []byte) []byte { return append(unhex("d83d d2"), b...) }},
	{name: "credential-kid-8", comment: "a kid of 8 bytes", detail: "key id of 8 bytes",
		credential: resealed(issuerKey, unhex("a2 01 27 04 48 0102030405060708"), emptyMap)},
	{name: "credential-typ", comment: "a credential has no typ", detail: "type",
		credential: resealed(issuerKey, join(unhex("a3"), issuerHeader(issuerKey)[1:], unhex("10 63 612f62")), emptyMap)},
	{name: "credential-header-order", comment: "kid before alg", detail: notDeterministic,
		credential: resealed(issuerKey, join(unhex("a2"), issuerHeader(issuerKey)[3:], unhex("01 27")), emptyMap)},

	// Its claims.
	{name: "claims-as-map", comment: "the payload as a map instead of an array", detail: "credential's claims",
		claims: func(b []byte) []byte { return join(unhex("a3"), b[1:]) }},
	{name: "claims-long-time", comment: "exp in eight bytes where four do", detail: notDeterministic,
		claims: replace(uintItem(expiresAt), join(unhex("1b 00000000"), uintItem(expiresAt)[1:]))},
	{name: "claims-time-33-bits", comment: "exp is 2^32, in the year 2106", detail: "credential's claims",
		claims: replace(uintItem(expiresAt), uintItem(1<<32))},
	{name: "claims-time-float", comment: "exp as a floating-point number", detail: "credential's claims",
		claims: replace(uintItem(expiresAt), unhex("fb 41da731800000000"))},
	{name: "claims-seven", comment: "an array of seven", detail: "credential's claims",
		claims: func(b []byte) []byte { return join(unhex("87"), b[1:], unhex("00")) }},
	{name: "claims-five", comment: "the holder's key is missing instead of empty", detail: "credential's claims", paper: true,
		claims: func(b []byte) []byte { return join(unhex("85"), b[1:len(b)-1]) }},
	{name: "claims-trailing-byte", comment: "a byte behind the claims", detail: "credential's claims",
		claims: func(b []byte) []byte { return append(bytes.Clone(b), 0) }},
	{name: "epoch-33-bits", comment: "the epoch is 2^32", detail: "credential's claims",
		claims: replace(join(uintItem(0), uintItem(firstVersion)), join(uintItem(1<<32), uintItem(firstVersion)))},
	{name: "version-0", comment: "no list has version 0", detail: "version is 0", claims: replace(uintItem(firstVersion), uintItem(0))},
	{name: "version-33-bits", comment: "the version is 2^32", detail: "credential's claims",
		claims: replace(uintItem(firstVersion), uintItem(1<<32))},
	{name: "holder-null", comment: "the holder's key is null instead of empty", detail: notDeterministic, paper: true,
		claims: func(b []byte) []byte { return join(b[:len(b)-1], unhex("f6")) }},
	{name: "holder-key-31", comment: "the holder's key has 31 bytes", detail: "holder's key of 31 bytes",
		claims: replace(bytesItem(publicOf(holderKey)), bytesItem(publicOf(holderKey)[1:]))},
	{name: "holder-key-text", comment: "the holder's key as a text", detail: "credential's claims",
		claims: replace(bytesItem(publicOf(holderKey)), textItem(strings.Repeat("x", 32)))},
	{name: "index-huge", comment: "the index is 2^32", detail: "credential's claims",
		claims: replace(uintItem(0x01c0ffee), uintItem(1<<32))},
	{name: "index-huger", comment: "the index is 2^64 - 1", detail: "credential's claims",
		claims: replace(uintItem(0x01c0ffee), uintItem(1<<64-1))},
	{name: "index-negative", comment: "the index is -1", detail: "credential's claims", claims: replace(uintItem(0x01c0ffee), unhex("20"))},
	{name: "list-empty", comment: "an empty list URI", detail: "list URI of 0 bytes", claims: replace(textItem("aq:kz/2026"), textItem(""))},
	{name: "list-of-65-bytes", comment: "a list URI longer than 64 bytes", detail: "list URI of 65 bytes", index: 1,
		list: strings.Repeat("x", 65)},
	{name: "list-newline", comment: "a control character in the list URI", detail: "visible ASCII", list: "aq:kz\n2026"},
	{name: "list-utf8", comment: "a list URI with a letter beyond ASCII", detail: "visible ASCII", list: "aq:қаз/26"},
	{name: "list-bytes", comment: "the list URI as a byte string", detail: "credential's claims",
		claims: replace(textItem("aq:kz/2026"), bytesItem([]byte("aq:kz/2026")))},
}

// withoutHolder turns a phone's claims into a paper credential's.
func withoutHolder(b []byte) []byte {
	return replace(bytesItem(publicOf(holderKey)), bytesItem(nil))(b)
}

// withHolder turns a paper credential's claims into a phone's.
func withHolder(b []byte) []byte { return join(b[:len(b)-1], bytesItem(publicOf(holderKey))) }
