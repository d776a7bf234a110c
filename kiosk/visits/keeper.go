// Package visits lets the entry doors of a venue know whom the others have let in, so that a code
// that was passed on is refused at the next door, too (docs/adr/0017). It works through the
// registry, which relays hashes and cannot compute them.
//
// A door that needs the venue's key of a day, where no door has made one, makes it and seals it to
// each door of the venue. The visit of a person is the first 8 bytes of
//
//	HMAC-SHA256(key of the day, "ashyq visit" | place in the list, 4 bytes big-endian)
//
// and an envelope is HPKE (RFC 9180) in base mode, with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// ChaCha20-Poly1305: 32 bytes of encapsulated key, and the key of the day under info
// "ashyq visits" | day, 2 bytes big-endian.
package visits

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"log/slog"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/retry"
)

const (
	// soon is how long a door waits for more people before it tells of one.
	soon = time.Second
	// busy and idle are how often a door asks: while people come, and otherwise.
	busy, idle = 5 * time.Second, 20 * time.Second
	// busyFor is how long after a person a door is busy.
	busyFor = 5 * time.Minute
	// alone is how often a door asks that has no other one beside it.
	alone = 10 * time.Minute
	// lasts is how long a visit is remembered: the longest door.again.
	lasts = time.Hour
	// most bounds the visits that wait to be told and those that are remembered.
	most = 20_000
)

// Registry relays (package client).
type Registry interface {
	Visits(ctx context.Context, q api.VisitsRequest) (api.VisitsAnswer, error)
}

// Options are all required.
type Options struct {
	Registry Registry
	Door     *ecdh.PrivateKey // this door's, to which others seal
	Now      func() time.Time
	Log      *slog.Logger
}

// Keeper is a kiosk.Visits, and the task that exchanges visits.
type Keeper struct {
	opt  Options
	kick chan struct{} // one slot; full: Run knows already that there is something to tell

	mu     sync.Mutex // guards the rest; never held during a request
	days   [2]day     // today's, and the one before it: near midnight both count
	single bool       // no other door is known
	came   time.Time  // when somebody was here last
}

// day is what is known of one day. Nothing of it is saved: the registry has it again for a door
// that restarts.
type day struct {
	day     pass.Day
	key     *key // nil: not known yet
	sealed  string
	after   int64
	missing []api.VisitDoor
	made    bool
	seen    map[[api.VisitHash]byte]time.Time // at other doors
	untold  []api.Visit
}

// New makes a keeper that knows of no other door.
func New(opt Options) *Keeper {
	return &Keeper{opt: opt, single: true, kick: make(chan struct{}, 1)}
}

// String names the task.
func (k *Keeper) String() string { return "visits" }

// Last implements kiosk.Visits.
func (k *Keeper) Last(index uint32) (at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.opt.Now()
	was := now.Sub(k.came) < busyFor
	k.came = now
	if k.single {
		return at
	}
	if !was { // the others may have news, for the next person
		k.wake()
	}
	for _, d := range k.days {
		if d.key == nil {
			continue
		}
		if seen := d.seen[d.key.hash(index)]; seen.After(at) {
			at = seen
		}
	}
	return at
}

// Admitted implements kiosk.Visits.
func (k *Keeper) Admitted(index uint32, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := &k.days[0]
	if k.single || d.key == nil || len(d.untold) >= most {
		return
	}
	hash := d.key.hash(index)
	d.untold = append(d.untold, api.Visit{Hash: base64.RawURLEncoding.EncodeToString(hash[:]), At: at.Unix()})
	k.wake()
}

func (k *Keeper) wake() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// Run exchanges visits until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	retry.Forever(ctx, k.opt.Log, "exchange visits with the venue's other doors",
		func(ctx context.Context) (time.Duration, error) {
			more, err := k.exchange(ctx)
			if err != nil || more {
				return soon, err
			}
			k.wait(ctx)
			return 0, nil
		})
	return nil
}

// wait ends when it is time to ask again, or a moment after somebody came.
func (k *Keeper) wait(ctx context.Context) {
	k.mu.Lock()
	pause := idle
	switch {
	case k.single:
		pause = alone
	case k.opt.Now().Sub(k.came) < busyFor:
		pause = busy
	}
	k.mu.Unlock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
		return
	case <-k.kick:
	}
	timer.Reset(soon)
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// exchange makes one request; more: there is something to say at once.
func (k *Keeper) exchange(ctx context.Context) (more bool, err error) {
	q := k.request()
	a, err := k.opt.Registry.Visits(ctx, q)
	if err != nil {
		return false, err
	}
	return k.take(q, a), nil
}

func (k *Keeper) request() api.VisitsRequest {
	k.mu.Lock()
	defer k.mu.Unlock()
	today := pass.DayOf(k.opt.Now())
	d := &k.days[0]
	if d.day != today || d.seen == nil {
		k.days[1] = *d
		*d = day{day: today, seen: map[[api.VisitHash]byte]time.Time{}}
	}
	q := api.VisitsRequest{Day: int64(today), After: d.after}
	q.Visits = d.untold[:min(len(d.untold), api.MaxVisits)]
	if k.single || len(d.missing) == 0 || d.made && d.key == nil {
		return q
	}
	own := d.key
	if own == nil { // the registry tells which door's counts if several do this
		made := newKey()
		own = &made
	}
	for _, other := range d.missing {
		sealed, err := own.seal(today, other.Key)
		if err != nil {
			continue // the registry has checked that key; the door stays without
		}
		if q.Envelopes = append(q.Envelopes, api.VisitEnvelope{Door: other.Door,
			Sealed: sealed}); len(q.Envelopes) == api.MaxVisitEnvelopes {
			break
		}
	}
	return q
}

// take uses an answer.
func (k *Keeper) take(q api.VisitsRequest, a api.VisitsAnswer) (more bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := &k.days[0]
	if int64(d.day) != q.Day {
		return false
	}
	if k.single = a.Alone; k.single {
		*d = day{day: d.day, seen: map[[api.VisitHash]byte]time.Time{}}
		return false
	}
	k.takeKey(d, a)
	d.untold = d.untold[min(len(q.Visits), len(d.untold)):]
	had := d.after
	d.made, d.missing, d.after = a.Made, a.Missing, max(d.after, a.After)
	now := k.opt.Now()
	for _, v := range a.Visits {
		raw, err := base64.RawURLEncoding.DecodeString(v.Hash)
		at := time.Unix(v.At, 0)
		if err != nil || len(raw) != api.VisitHash || now.Sub(at) > lasts || len(d.seen) >= most {
			continue
		}
		if at.After(now) { // a door whose clock is ahead makes nobody wait for longer
			at = now
		}
		hash := [api.VisitHash]byte(raw)
		if at.After(d.seen[hash]) {
			d.seen[hash] = at
		}
	}
	for hash, at := range d.seen {
		if now.Sub(at) > lasts {
			delete(d.seen, hash)
		}
	}
	mayMake := !a.Made || d.key != nil
	return d.after > had && len(a.Visits) > 0 || len(a.Missing) > 0 && mayMake && len(q.Envelopes) == 0 ||
		len(d.untold) > 0
}

// takeKey opens the envelope, which changes when the doors of the venue have changed.
func (k *Keeper) takeKey(d *day, a api.VisitsAnswer) {
	if a.Envelope == d.sealed {
		return
	}
	d.sealed, d.key, d.untold = a.Envelope, nil, nil
	if a.Envelope == "" {
		return
	}
	opened, err := openKey(d.day, a.Envelope, k.opt.Door)
	if err != nil {
		k.opt.Log.Warn("another door has sealed a key that this one cannot open; until tomorrow it does not know whom the others let in", "error", err)
		return
	}
	d.key = &opened
}
