package replica

import (
	"bytes"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
)

// Door is told what the registry vouches for (kiosk.Door).
type Door interface {
	Follow(t kiosk.Trust)
	Vouch(asOf time.Time)
}

// Handover passes on to the door what the cache holds. It parses rules and keys only if they have
// changed; otherwise it passes on only the time. Only one goroutine may use it.
type Handover struct {
	store Store
	door  Door
	rules []byte // as the door has them; nil: it has no rules yet
	keys  []byte // the same
}

// NewHandover makes a handover between the two.
func NewHandover(store Store, door Door) *Handover { return &Handover{store: store, door: door} }

// Pass tells the door what is new. ok is false while the cache holds no version. After an error the
// door keeps what it has, and the next Pass tries again.
func (h *Handover) Pass() (ok bool, err error) {
	state, err := h.store.State()
	if err != nil || state.Version == 0 {
		return false, err
	}
	rules, err := h.store.Rules()
	if err != nil {
		return false, err
	}
	keys, err := h.store.Keys()
	if err != nil {
		return false, err
	}
	if h.rules != nil && bytes.Equal(rules, h.rules) && bytes.Equal(keys, h.keys) {
		h.door.Vouch(state.AsOf)
		return true, nil
	}
	trust := kiosk.Trust{AsOf: state.AsOf}
	if trust.Rules, err = kiosk.ParseRules(rules); err != nil {
		return false, fmt.Errorf("parse the rules of version %d: %w", state.Version, err)
	}
	issuers, err := api.UnmarshalKeys(keys)
	if err != nil {
		return false, fmt.Errorf("parse the issuers' keys of version %d: %w", state.Version, err)
	}
	trust.Issuers = pass.NewIssuers(issuers)
	h.door.Follow(trust)
	h.rules, h.keys = rules, keys
	return true, nil
}
