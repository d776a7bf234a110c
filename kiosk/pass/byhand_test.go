package pass_test

import (
	"bytes"
	"crypto/aes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

// The place in the vectors' credentials, and its keys.
var (
	goodPlace = pass.Place{Index: 0x01c0ffee, Since: statuslist.Edition{Epoch: 1767000000, Version: 70001}}
	dayKey    = pass.PlaceKey(bytes.Repeat([]byte{0x44}, 16))
	monthKey  = pass.PlaceKey(bytes.Repeat([]byte{0x55}, 16))
)

// blockByHand is AES-128 of index, epoch, version and a zero, 32 bits each, big-endian.
func blockByHand(key pass.PlaceKey, p pass.Place) []byte {
	plain := make([]byte, 0, aes.BlockSize)
	for _, n := range []uint32{p.Index, p.Since.Epoch, uint32(p.Since.Version), 0} {
		plain = binary.BigEndian.AppendUint32(plain, n)
	}
	c, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	c.Encrypt(plain, plain)
	return plain
}

// The vectors are made with a second CBOR, COSE and base45, written from the standards as briefly
// as possible. They use nothing of the code under test.

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// head encodes a CBOR head in its shortest form, RFC 8949 section 3.
func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n <= 0xff:
		return []byte{major<<5 | 24, byte(n)}
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	case n <= 0xffffffff:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
}

func uintItem(n uint64) []byte  { return head(0, n) }
func bytesItem(b []byte) []byte { return append(head(2, uint64(len(b))), b...) }
func textItem(s string) []byte  { return append(head(3, uint64(len(s))), s...) }

// seal makes a COSE_Sign1 by hand, RFC 9052 section 4.4.
func seal(key ed25519.PrivateKey, protected, unprotected, payload []byte) []byte {
	toSign := join([]byte{0x84}, textItem("Signature1"), bytesItem(protected), bytesItem(nil), bytesItem(payload))
	return join([]byte{0x84}, bytesItem(protected), unprotected, bytesItem(payload), bytesItem(ed25519.Sign(key, toSign)))
}

var (
	emptyMap     = []byte{0xa0}
	holderHeader = unhex("a1 01 27")
)

func issuerHeader(key ed25519.PrivateKey) []byte {
	id := sign1.IDOf(publicOf(key))
	return join(unhex("a2 01 27 04 44"), id[:])
}

// base45Reference follows RFC 9285 section 4 to the letter, with divisions only.
func base45Reference(data []byte) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	var out strings.Builder
	for i := 0; i < len(data); i += 2 {
		if i+1 == len(data) {
			n := int(data[i])
			out.WriteByte(alphabet[n%45])
			out.WriteByte(alphabet[n/45])
			break
		}
		n := int(data[i])*256 + int(data[i+1])
		out.WriteByte(alphabet[n%45])
		out.WriteByte(alphabet[n/45%45])
		out.WriteByte(alphabet[n/2025])
	}
	return out.String()
}
