package replica_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

var _ replica.Door = (*kiosk.Door)(nil)

// doorplate notes what a door is told.
type doorplate struct {
	trusts  []kiosk.Trust
	vouched []time.Time
}

func (d *doorplate) Follow(t kiosk.Trust) { d.trusts = append(d.trusts, t) }
func (d *doorplate) Vouch(asOf time.Time) { d.vouched = append(d.vouched, asOf) }

// The door gets rules and keys when they have changed, and only the time when they have not,
// however the version moves.
func TestHandover(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	told := &doorplate{}
	h := replica.NewHandover(d.cache, told)
	if ok, err := h.Pass(); ok || err != nil || len(told.trusts)+len(told.vouched) != 0 {
		t.Fatalf("an empty cache: %v, %v, told %+v", ok, err, told)
	}
	for _, step := range []struct {
		name   string
		change func(*edition) // nil: only the time moves
		trust  bool
		rules  string
		keys   []byte
	}{
		{"first version", func(*edition) {}, true, "rules 0", []byte{7}},
		{"the time", nil, false, "", nil},
		{"statuses", set(map[uint64]statuslist.Status{5: statuslist.Red}), false, "", nil},
		{"rules", func(e *edition) { e.rules = testRules(1) }, true, "rules 1", []byte{7}},
		{"keys", func(e *edition) { e.keys = marshalKeys(t, 7, 8) }, true, "rules 1", []byte{7, 8}},
		{"the time again", nil, false, "", nil},
		{"both, as they were", func(e *edition) { e.rules, e.keys = testRules(0), marshalKeys(t, 7) }, true,
			"rules 0", []byte{7}},
		{"no keys", func(e *edition) { e.keys = marshalKeys(t) }, true, "rules 0", nil},
		{"the time without keys", nil, false, "", nil},
	} {
		if step.change == nil {
			r.reissue(time.Minute)
		} else {
			r.publish(step.change)
		}
		d.follow(t)
		*told = doorplate{}
		if ok, err := h.Pass(); !ok || err != nil {
			t.Fatalf("%s: %v, %v", step.name, ok, err)
		}
		if !step.trust {
			if len(told.trusts) != 0 || !slices.Equal(told.vouched, []time.Time{r.clock()}) {
				t.Errorf("%s: told %+v, want only the time %v", step.name, told, r.clock())
			}
			continue
		}
		if len(told.trusts) != 1 || len(told.vouched) != 0 {
			t.Errorf("%s: told %+v, want one trust", step.name, told)
			continue
		}
		got := told.trusts[0]
		if got.Rules.Name != step.rules || len(got.Issuers) != len(step.keys) || !got.AsOf.Equal(r.clock()) {
			t.Errorf("%s: rules %q, %d issuers, as of %v", step.name, got.Rules.Name, len(got.Issuers), got.AsOf)
		}
		for _, seed := range step.keys {
			if key := publicKey(seed); !slices.Equal(got.Issuers[sign1.IDOf(key)], key) {
				t.Errorf("%s: issuer %d is missing", step.name, seed)
			}
		}
	}
}

// broken is a cache that holds rules or keys which this version cannot read.
type broken struct {
	*cache.Cache
	rules, keys []byte
}

func (b *broken) Rules() ([]byte, error) { return b.rules, nil }
func (b *broken) Keys() ([]byte, error)  { return b.keys, nil }

// What cannot be parsed leaves the door with what it has, and is tried again.
func TestHandoverOfWhatCannotBeParsed(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.follow(t)
	told := &doorplate{}
	store := &broken{Cache: d.cache, rules: testRules(0), keys: marshalKeys(t, 7)}
	h := replica.NewHandover(store, told)
	if ok, err := h.Pass(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for name, spoil := range map[string]func(){
		"the rules":         func() { store.rules = []byte("{}") },
		"the issuers' keys": func() { store.keys = []byte("{}") },
	} {
		spoil()
		for range 2 {
			if ok, err := h.Pass(); ok || err == nil || !strings.Contains(err.Error(),
				fmt.Sprintf("parse %s of version 1", name)) {
				t.Errorf("%s: %v, %v", name, ok, err)
			}
		}
		store.rules, store.keys = testRules(0), marshalKeys(t, 7)
	}
	if ok, err := h.Pass(); !ok || err != nil || len(told.trusts) != 1 || len(told.vouched) != 1 {
		t.Errorf("at last %v, %v, told %d times to follow and %d times of the hour, want once each", ok, err,
			len(told.trusts), len(told.vouched))
	}
}
