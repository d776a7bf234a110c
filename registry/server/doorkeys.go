package server

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/store"
)

// What a door gets: index keys from yesterday, which phones with slow clocks still show, to four
// days ahead, which is what a stolen card can turn into indexes; and the paper keys of all paper
// passes that are good.
const (
	doorDays   = 6
	doorMonths = 7
)

// doorKeys gives a door its keys.
func (s *Server) doorKeys(r *http.Request, door int64) (any, error) {
	lists, err := s.listKeys(r.Context())
	if err != nil {
		return nil, err
	}
	to, err := s.opt.Store.Sealing(r.Context(), door)
	if err != nil {
		return nil, turnedAway(err)
	}
	sealed, _, err := s.envelope(r.Context(), to, lists)
	if err != nil {
		return nil, err
	}
	return raw{"application/cose", "no-store", sealed, nil}, nil
}

// doorKeysFor gives an administrator the keys of a door, for a stick. They are sealed: only the
// door can read them.
func (s *Server) doorKeysFor(r *http.Request, within string) (any, error) {
	door, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, badRequest("the address names no door", "write /v1/doors/ID/keys")
	}
	lists, err := s.listKeys(r.Context())
	if err != nil {
		return nil, err
	}
	to, err := s.opt.Store.Sealing(r.Context(), door)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "there is no such door", "GET " + PathDoors + " lists them", err}
	}
	if within != "" && to.Region != within && (err == nil || errors.Is(err, store.ErrRevoked)) {
		return nil, otherRegion()
	}
	if err != nil {
		return nil, turnedAway(err)
	}
	sealed, key, err := s.envelope(r.Context(), to, lists)
	if err != nil {
		return nil, err
	}
	return StickKeysAnswer{doorkeys.FileName(key), base64.RawURLEncoding.EncodeToString(sealed)}, nil
}

// listKeys are the live ones. They are read before the look whether the door is revoked: one that
// is made because it was revoked in between is not among them.
func (s *Server) listKeys(ctx context.Context) (lists []doorkeys.ListKey, err error) {
	keys, err := s.opt.Store.ListKeys(ctx)
	for _, k := range keys {
		lists = append(lists, doorkeys.ListKey{Generation: k.Generation, Key: k.Key})
	}
	return lists, err
}

func (s *Server) envelope(
	ctx context.Context, to store.Sealing, lists []doorkeys.ListKey,
) (sealed []byte, door *ecdh.PublicKey, err error) {
	if to.Key == nil {
		return nil, nil, &failure{http.StatusConflict, "this door is not enrolled yet", "enrol it first: only then has it a key", nil}
	}
	if door, err = doorkeys.ParseKey(to.Key); err != nil {
		return nil, nil, fmt.Errorf("the door's key in the database: %w", err)
	}
	at := now()
	places, err := s.opt.Store.PlaceKeys(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	keys := doorkeys.Keys{
		Issued:    at,
		Lists:     lists,
		PlaceKeys: places.From(pass.DayOf(at)-1, doorDays, pass.MonthOf(at), doorMonths),
	}
	sealed, err = doorkeys.Seal(s.opt.RegistryKey, door, keys)
	return sealed, door, err
}

// readSealKey reads the key that a door has made for what is sealed to it.
func readSealKey(text string) (*ecdh.PublicKey, error) {
	key, err := api.ParseKey(text)
	if err == nil {
		if public, err := doorkeys.ParseKey(key); err == nil {
			return public, nil
		}
	}
	return nil, badRequest("the door's own key cannot be read", `send its X25519 public key in seal_key: k1 and 43 characters of base64url`)
}

// StickKeysAnswer is the envelope of a door's keys for a stick: GET PathDoors/{id}/keys.
type StickKeysAnswer struct {
	File     string `json:"file"`     // its name in the folder keys of an offline snapshot
	Envelope string `json:"envelope"` // base64url
}
