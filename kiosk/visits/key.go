package visits

import (
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/pass"
)

// key is the venue's of one day.
type key [32]byte

func newKey() key {
	var k key
	if _, err := rand.Read(k[:]); err != nil {
		panic("visits: no random numbers: " + err.Error()) // crypto/rand documents that it does not happen
	}
	return k
}

// hash is what a place in the list looks like to whoever has not the key.
func (k key) hash(index uint32) [api.VisitHash]byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("ashyq visit"))
	mac.Write(binary.BigEndian.AppendUint32(nil, index))
	return [api.VisitHash]byte(mac.Sum(nil)[:api.VisitHash])
}

func infoOf(day pass.Day) []byte {
	return binary.BigEndian.AppendUint16([]byte("ashyq visits"), uint16(day))
}

// seal seals the key of a day to a door.
func (k key) seal(day pass.Day, to string) (string, error) {
	raw, err := api.ParseKey(to)
	if err != nil {
		return "", err
	}
	door, err := doorkeys.ParseKey(raw)
	if err != nil {
		return "", err
	}
	public, err := hpke.NewDHKEMPublicKey(door)
	if err != nil {
		return "", err
	}
	sealed, err := hpke.Seal(public, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), infoOf(day), k[:])
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// openKey opens what another door has sealed.
func openKey(day pass.Day, sealed string, door *ecdh.PrivateKey) (k key, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return k, err
	}
	private, err := hpke.NewDHKEMPrivateKey(door)
	if err != nil {
		return k, err
	}
	text, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), infoOf(day), raw)
	if err == nil && len(text) != len(k) {
		err = errors.New("the key has another length")
	}
	if err != nil {
		return k, err
	}
	return key(text), nil
}
