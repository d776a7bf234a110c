package replica

import (
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
)

// skew is how far apart the clocks of door and registry may be. Time servers keep both.
const skew = 2 * time.Minute

var (
	// ErrOlder says that the registry, or a proxy before it, sent something older than the door
	// has.
	ErrOlder = errors.New("older than what the door has")
	// ErrTime says that the manifest does not fit the door's clock.
	ErrTime = errors.New("does not fit the door's clock")
	// ErrContradiction says that the registry changed what it has published before.
	ErrContradiction = errors.New("contradicts what was published before")
)

// checkManifest decides whether a manifest with a good signature may follow what the cache has.
func (r *Replica) checkManifest(m api.Manifest, have cache.State) error {
	now := r.opt.Now()
	set := !r.opt.Offline && (r.opt.ClockSet == nil || r.opt.ClockSet())
	if set && m.Edition().Compare(have.Edition()) > 0 && have.AsOf.After(now.Add(skew)) {
		have.AsOf = time.Time{} // the registry's clock, or this one, was wrong when that was taken over
	}
	if err := checkFollows(m, have); err != nil || !set {
		return err
	}
	return checkTime(m, now)
}

func checkTime(m api.Manifest, now time.Time) error {
	switch {
	case m.IssuedAt().After(now.Add(skew)):
		return fmt.Errorf("%w: it was issued at %s, the door's clock says %s", ErrTime, stamp(m.IssuedAt()), stamp(now))
	case time.Unix(m.Expires, 0).Before(now.Add(-skew)):
		return fmt.Errorf("%w: it expired at %s, the door's clock says %s", ErrTime,
			stamp(time.Unix(m.Expires, 0)), stamp(now))
	}
	return nil
}

func checkFollows(m api.Manifest, have cache.State) error {
	switch {
	case m.Edition().Compare(have.Edition()) < 0:
		return fmt.Errorf("%w: version %v after %v", ErrOlder, m.Edition(), have.Edition())
	case have.List != "" && m.List != have.List:
		return fmt.Errorf("%w: list %q after %q", ErrContradiction, m.List, have.List)
	case m.Epoch > have.Epoch:
		return nil // a restored registry starts from older data, and its time says so
	case m.IssuedAt().Before(have.AsOf.Truncate(time.Second)):
		return fmt.Errorf("%w: issued %s after %s", ErrOlder, stamp(m.IssuedAt()), stamp(have.AsOf))
	case len(m.Sections) < len(have.Sections):
		return fmt.Errorf("%w: %d sections after %d", ErrContradiction, len(m.Sections), len(have.Sections))
	case m.Version == have.Version && len(m.Sections) != len(have.Sections):
		return fmt.Errorf("%w: %d sections instead of %d", ErrContradiction, len(m.Sections), len(have.Sections))
	}
	for i, old := range have.Sections {
		if err := checkSection(m.Sections[i], old, m.Version == have.Version); err != nil {
			return fmt.Errorf("section %d: %w", i, err)
		}
	}
	return nil
}

func checkSection(s api.Section, have cache.SectionState, sameManifest bool) error {
	switch {
	case s.Changed < have.Version:
		return fmt.Errorf("%w: changed in version %d, the door has it as of %d", ErrOlder, s.Changed, have.Version)
	case s.Changed != have.Version && sameManifest:
		return fmt.Errorf("%w: changed in version %d instead of %d", ErrContradiction, s.Changed, have.Version)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
