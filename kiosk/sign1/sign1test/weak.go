// Package sign1test has the Ed25519 public keys that every reader must refuse, and signs for them
// without a private key.
package sign1test

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"

	"filippo.io/edwards25519"
)

// WeakKey is 32 bytes that many libraries accept as a public key.
type WeakKey struct {
	Name  string
	Hex   string
	Small bool // of small order: Forge signs for it
}

// WeakKeys are all 14 encodings of the eight points of small order, and two others that are not
// canonical.
var WeakKeys = []WeakKey{
	{"order 1", "0100000000000000000000000000000000000000000000000000000000000000", true},
	{"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", true},
	{"order 4", "0000000000000000000000000000000000000000000000000000000000000000", true},
	{"order 4, negative", "0000000000000000000000000000000000000000000000000000000000000080", true},
	{"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", true},
	{"order 8, negative", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", true},
	{"order 8, other", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", true},
	{"order 8, other, negative", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", true},
	{"order 1, minus zero", "0100000000000000000000000000000000000000000000000000000000000080", true},
	{"order 1, y is p+1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", true},
	{"order 1, y is p+1, minus zero", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", true},
	{"order 2, minus zero", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", true},
	{"order 4, y is p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", true},
	{"order 4, y is p, negative", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", true},
	{"y is p+3", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", false},
	{"y is p+18, negative", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false},
}

// Key returns the encoding.
func (w WeakKey) Key() ed25519.PublicKey {
	key, err := hex.DecodeString(w.Hex)
	if err != nil {
		panic("sign1test: " + err.Error())
	}
	return key
}

// Forge makes a signature that satisfies RFC 8032's equation S B = R + k A for the key. With a
// small order k A is the neutral element for at least every eighth k, and then R = S B is enough:
// it tries one S after the other.
func (w WeakKey) Forge(message []byte) []byte {
	a, err := new(edwards25519.Point).SetBytes(w.Key())
	if err != nil || !w.Small {
		panic("sign1test: " + w.Name + " cannot be forged for")
	}
	for tries := uint64(1); ; tries++ {
		s := scalar(binary.LittleEndian.AppendUint64(nil, tries))
		r := new(edwards25519.Point).ScalarBaseMult(s)
		hash := sha512.New()
		hash.Write(r.Bytes())
		hash.Write(w.Key())
		hash.Write(message)
		k, err := edwards25519.NewScalar().SetUniformBytes(hash.Sum(nil))
		if err != nil {
			panic("sign1test: " + err.Error())
		}
		if new(edwards25519.Point).ScalarMult(k, a).Equal(edwards25519.NewIdentityPoint()) == 1 {
			return append(r.Bytes(), s.Bytes()...)
		}
	}
}

func scalar(little []byte) *edwards25519.Scalar {
	s, err := edwards25519.NewScalar().SetCanonicalBytes(append(little, make([]byte, 32-len(little))...))
	if err != nil {
		panic("sign1test: " + err.Error())
	}
	return s
}
