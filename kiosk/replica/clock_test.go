package replica_test

import (
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

const years = 20 * 365 * 24 * time.Hour

func shifted(by time.Duration) func(*api.Manifest) {
	return func(m *api.Manifest) {
		m.Issued, m.Expires = m.Issued+int64(by/time.Second), m.Expires+int64(by/time.Second)
	}
}

// TestManifestBesideAClockThatIsNotSet: a door that woke up years ago learns from the manifest how
// late it is at least.
func TestManifestBesideAClockThatIsNotSet(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	r.tamper(shifted(years)) // as a clock that is behind sees it
	d.unchanged(t, replica.ErrTime)
	d.unset = true
	d.follow(t)
	state, err := d.cache.State()
	if err != nil || state.AsOf.Sub(r.clock()) < years-time.Minute {
		t.Errorf("the list is of %v, %v", state.AsOf, err)
	}
}

// TestRegistryClockThatWasWrong: a registry whose clock was years ahead was believed by a door
// whose own was not set. When that one is, the next version may be of an earlier time; no other
// may.
func TestRegistryClockThatWasWrong(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.unset = true
	good := r.current.manifest
	r.tamper(shifted(years))
	d.follow(t)
	d.unset = false
	r.tamper(func(m *api.Manifest) { *m = good })
	d.unchanged(t, replica.ErrOlder)
	r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red}))
	d.follow(t)
	r.publish(set(map[uint64]statuslist.Status{7: statuslist.Green}))
	r.tamper(func(m *api.Manifest) { m.Issued -= 2 })
	d.unchanged(t, replica.ErrOlder)
}

// TestRegistryOutranksATimeSource: a time source that signs was years ahead. The registry's own
// word mends that, and a copy of it does not.
func TestRegistryOutranksATimeSource(t *testing.T) {
	for _, live := range []bool{false, true} {
		r := newRegistry(t, 1)
		d := newDoor(t, r)
		d.live = live
		d.restart(t)
		wrong := r.clock().Add(years)
		d.cache.Attest(wrong)
		d.follow(t)
		if forgotten := d.cache.NotBefore().Before(wrong); forgotten != live {
			t.Errorf("live %v: it is not before %v", live, d.cache.NotBefore())
		}
	}
}
