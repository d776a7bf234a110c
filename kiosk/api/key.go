package api

import (
	"encoding/base64"
	"errors"
	"strings"
)

// KeySize is the length of an Ed25519 public key or a bearer key, bytes.
const KeySize = 32

// keyPrefix begins the text of every key. Without it, one key in 64 would begin with "-", and a
// command line would take it for a flag.
const keyPrefix = "k1"

// FormatKey returns a key as text to copy: "k1" and base64url without padding, 45 characters. It
// panics if the key is not KeySize long, which is a mistake of the program.
func FormatKey(key []byte) string {
	if len(key) != KeySize {
		panic("api: a key of another size")
	}
	return keyPrefix + base64.RawURLEncoding.EncodeToString(key)
}

// ParseKey reads what FormatKey writes and no other spelling. Errors do not quote the text, which
// may be a secret.
func ParseKey(text string) ([]byte, error) {
	body, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return nil, errors.New(`the key does not begin with "k1"`)
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(key) != KeySize || strings.ContainsAny(body, "\r\n") { // base64 skips these
		return nil, errors.New(`the key is not "k1" and 43 characters of base64url`)
	}
	return key, nil
}
