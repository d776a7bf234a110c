package sign1

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"filippo.io/edwards25519"
)

// CheckKey refuses what is not the public key of exactly one holder: points of small order, for
// which anybody can sign, and encodings that are not canonical, which give one key two names. Every
// error wraps ErrKey.
//
// crypto/ed25519 takes both, as RFC 8032 lets it: its signer chose the key and would only hurt
// itself. Here the key is chosen by a citizen, and hurt are those whom the door keeps apart from
// them.
func CheckKey(key ed25519.PublicKey) error {
	point, err := new(edwards25519.Point).SetBytes(key)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrKey, err)
	case !bytes.Equal(point.Bytes(), key):
		return fmt.Errorf("%w: its encoding is not canonical", ErrKey)
	case new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1:
		return fmt.Errorf("%w: it has a small order, so that anybody can sign for it", ErrKey)
	}
	return nil
}
