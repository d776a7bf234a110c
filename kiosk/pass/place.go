package pass

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"ashyq-kiosk/kiosk/statuslist"
)

// Place is where a person is in the status list.
type Place struct {
	Index uint32
	Since statuslist.Edition // the first that holds the index; its version is from 1 to 2^32-1
}

// Block is a Place under the key of a day, or of a month on paper: noise to everybody without that
// key, and another noise each day.
type Block [aes.BlockSize]byte

// PlaceKey is an AES-128 key: the index key of a day or the paper key of a month. Registry and
// doors have it, and nobody else.
type PlaceKey [16]byte

// Why a block is not opened.
var (
	ErrNoKey = errors.New("no key for the credential's day or month")
	ErrBlock = errors.New("the credential's block does not hold a place")
)

// PlaceKeys are the keys of some days and months. They never change, so that any goroutine may use
// them.
type PlaceKeys struct {
	days   map[Day]cipher.Block
	months map[Month]cipher.Block
}

// NewPlaceKeys makes the ciphers of the keys.
func NewPlaceKeys(days map[Day]PlaceKey, months map[Month]PlaceKey) *PlaceKeys {
	return &PlaceKeys{days: ciphers(days), months: ciphers(months)}
}

func ciphers[N Day | Month](keys map[N]PlaceKey) map[N]cipher.Block {
	made := make(map[N]cipher.Block, len(keys))
	for n, key := range keys {
		c, err := aes.NewCipher(key[:])
		if err != nil {
			panic("pass: AES with a key of 16 bytes: " + err.Error()) // never: 16 bytes are a key
		}
		made[n] = c
	}
	return made
}

// SealDay makes the block of a phone's credential. ErrNoKey: there is no key of that day.
func (k *PlaceKeys) SealDay(day Day, p Place) (Block, error) { return sealPlace(k.days[day], p) }

// SealMonth makes the block of a paper code. ErrNoKey: there is no key of that month.
func (k *PlaceKeys) SealMonth(month Month, p Place) (Block, error) {
	return sealPlace(k.months[month], p)
}

// sealPlace encrypts one block, and each place once under each key: without a mode of operation
// there is nothing to go wrong. The issuer's signature protects it against changes.
func sealPlace(key cipher.Block, p Place) (b Block, err error) {
	if key == nil {
		return b, ErrNoKey
	}
	if p.Since.Version == 0 || p.Since.Version > math.MaxUint32 {
		return b, fmt.Errorf("list version %d is not from 1 to 2^32-1", p.Since.Version)
	}
	binary.BigEndian.PutUint32(b[0:], p.Index)
	binary.BigEndian.PutUint32(b[4:], p.Since.Epoch)
	binary.BigEndian.PutUint32(b[8:], uint32(p.Since.Version))
	key.Encrypt(b[:], b[:])
	return b, nil
}

// Open reads the place in a credential that was verified. ErrNoKey: there is no key of its day or
// month. ErrBlock: this key does not open it.
func (k *PlaceKeys) Open(c Credential) (Place, error) {
	if k == nil {
		return Place{}, ErrNoKey
	}
	key := k.days[c.Day]
	if c.IsPaper() {
		key = k.months[c.Month]
	}
	if key == nil {
		return Place{}, ErrNoKey
	}
	var b Block
	key.Decrypt(b[:], c.Block[:])
	p := Place{Index: binary.BigEndian.Uint32(b[0:]), Since: statuslist.Edition{
		Epoch: binary.BigEndian.Uint32(b[4:]), Version: uint64(binary.BigEndian.Uint32(b[8:])),
	}}
	if p.Since.Version == 0 || binary.BigEndian.Uint32(b[12:]) != 0 {
		return Place{}, ErrBlock
	}
	return p, nil
}
