package statuslist

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

var (
	// ErrNoKey says that a blob is sealed with a key that is not here.
	ErrNoKey = errors.New("sealed with a list key that is not here")
	// ErrSealed says that a blob is damaged, or something else than what it should be.
	ErrSealed = errors.New("not sealed as this part of the list")
)

// KeySize is the length of a list key, bytes.
const KeySize = chacha20poly1305.KeySize

// Key is a list key. Everybody who reads the list has it.
type Key struct {
	Generation uint32
	Secret     [KeySize]byte
}

// Keyring finds a key by its generation.
type Keyring interface {
	ListKey(generation uint32) (secret [KeySize]byte, ok bool)
}

// ListKey makes one key a Keyring.
func (k Key) ListKey(generation uint32) (secret [KeySize]byte, ok bool) {
	return k.Secret, k.Generation == generation
}

// kind is what a blob is; a blob of one kind or list cannot stand for another.
type kind string

const (
	kindSection kind = "section"
	kindDelta   kind = "delta"
)

func (k kind) data(list string) []byte { return []byte(string(k) + "\x00" + list) }

const (
	generationSize = 4
	lengthSize     = 4
	overhead       = generationSize + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead + lengthSize
)

// MaxBlob is the largest size of a blob, bytes.
const MaxBlob = 1 << 20

// MaxPayload is the most that fits a blob.
const MaxPayload = MaxBlob - overhead

// SizeStep is what all sizes of blobs are multiples of.
const SizeStep = 1 << 10

// manySteps is the size from which on classes are multiples of it, and not powers of two.
const manySteps = 64 * SizeStep

// sizeClass is the size of a blob with n bytes in it, see the package comment.
func sizeClass(n int) int {
	if n > manySteps {
		return (n + manySteps - 1) / manySteps * manySteps
	}
	size := SizeStep
	for size < n {
		size *= 2
	}
	return size
}

// seal makes a blob of a payload.
func (k Key) seal(what kind, list string, payload []byte) ([]byte, error) {
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%d bytes in one blob, want at most %d", len(payload), MaxPayload)
	}
	aead, err := chacha20poly1305.NewX(k.Secret[:])
	if err != nil {
		return nil, err
	}
	size := sizeClass(overhead + len(payload))
	blob := make([]byte, generationSize+chacha20poly1305.NonceSizeX, size)
	binary.BigEndian.PutUint32(blob, k.Generation)
	nonce := blob[generationSize:]
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	plain := make([]byte, size-overhead+lengthSize)
	binary.BigEndian.PutUint32(plain, uint32(len(payload)))
	copy(plain[lengthSize:], payload)
	return aead.Seal(blob, nonce, plain, what.data(list)), nil
}

// open returns the payload of a blob. Errors: ErrNoKey, ErrSealed.
func open(blob []byte, what kind, list string, keys Keyring) ([]byte, error) {
	if len(blob) > MaxBlob || len(blob) != sizeClass(len(blob)) {
		return nil, fmt.Errorf("%w: %d bytes", ErrSealed, len(blob))
	}
	generation, rest := binary.BigEndian.Uint32(blob), blob[generationSize:]
	secret, ok := keys.ListKey(generation)
	if !ok {
		return nil, fmt.Errorf("%w: generation %d", ErrNoKey, generation)
	}
	aead, err := chacha20poly1305.NewX(secret[:])
	if err != nil {
		return nil, err
	}
	nonce, sealed := rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, nonce, sealed, what.data(list))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	length, rest := binary.BigEndian.Uint32(plain), plain[lengthSize:]
	if uint64(length) > uint64(len(rest)) || sizeClass(overhead+int(length)) != len(blob) {
		return nil, fmt.Errorf("%w: a payload of %d bytes in %d", ErrSealed, length, len(blob))
	}
	for _, b := range rest[length:] {
		if b != 0 {
			return nil, fmt.Errorf("%w: padded with something else than zeros", ErrSealed)
		}
	}
	return rest[:length], nil
}
