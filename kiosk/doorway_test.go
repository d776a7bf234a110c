package kiosk_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// register is a Lookup over a map that can be told to fail.
type register struct {
	mu     sync.Mutex // guards status: the door reads it while the test changes it
	status map[uint64]statuslist.Status
	asOf   time.Time
	until  time.Time
	err    error
	asked  int
}

func (r *register) Status(_ context.Context, p kiosk.Person) (kiosk.Standing, error) {
	r.asked++
	if r.err != nil {
		return kiosk.Standing{}, r.err
	}
	r.mu.Lock()
	s, ok := r.status[p.Index]
	r.mu.Unlock()
	if !ok {
		return kiosk.Standing{}, kiosk.ErrUnknownPerson
	}
	return kiosk.Standing{Status: s, AsOf: r.asOf, Until: r.until}, nil
}

// Check makes it a registry, which has all keys.
func (r *register) Check(ctx context.Context, code string) (kiosk.Standing, error) {
	c, err := pass.Parse([]byte(code))
	if err != nil {
		return kiosk.Standing{}, err
	}
	p, err := allKeys().Open(c.Credential)
	if err != nil {
		return kiosk.Standing{}, err
	}
	return r.Status(ctx, kiosk.Person{Index: uint64(p.Index), Since: p.Since})
}

func (r *register) set(index uint64, s statuslist.Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status[index] = s
}

// screen is an Outlet that remembers.
type screen struct {
	mu  sync.Mutex
	all []kiosk.Verdict // guarded by mu
}

func (s *screen) Show(v kiosk.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, v)
}

// since returns what was shown from the nth verdict on.
func (s *screen) since(n int) []kiosk.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all[n:])
}

// doorway is a working door in a synctest bubble.
type doorway struct {
	t        *testing.T
	door     *kiosk.Door
	faults   *kiosk.Faults
	register *register
	screen   *screen
	seen     int // verdicts already taken by next
}

func openDoor(t *testing.T, change func(*kiosk.Options)) *doorway {
	d := &doorway{t: t, faults: new(kiosk.Faults), screen: &screen{}, register: &register{asOf: time.Now(), status: map[uint64]statuslist.Status{
		1: statuslist.Red, 2: statuslist.Yellow, 3: statuslist.Valid, 4: statuslist.Green, 5: statuslist.Invalid, 6: statuslist.Suspended,
	}}}
	opt := kiosk.Options{
		Venue: "restaurant", Zone: kiosk.GreenZone, AcceptPaper: true, Again: time.Minute,
		Cache: d.register, Keys: allKeys, Faults: d.faults, Outlets: []kiosk.Outlet{d.screen}, Now: time.Now,
	}
	if change != nil {
		change(&opt)
	}
	d.door = kiosk.NewDoor(opt)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.door.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if last := d.last(); last.Signal != kiosk.Idle {
			t.Errorf("after the end the door shows %v, want idle", last.Signal)
		}
	})
	d.trust(time.Now())
	d.faults.Report(kiosk.Starting, nil)
	synctest.Wait()
	d.seen = len(d.screen.since(0))
	return d
}

func (d *doorway) last() kiosk.Verdict {
	all := d.screen.since(0)
	return all[len(all)-1]
}

func (d *doorway) trust(asOf time.Time) {
	d.door.Follow(kiosk.Trust{Issuers: pass.NewIssuers([]ed25519.PublicKey{public(key(1))}), Rules: defaultRules(d.t), AsOf: asOf})
	synctest.Wait()
}

// bubble is when a synctest bubble begins.
var bubble = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// allKeys are those of the days and months around the start of a bubble.
var allKeys = sync.OnceValue(func() *pass.PlaceKeys {
	days, months := make(map[pass.Day]pass.PlaceKey), make(map[pass.Month]pass.PlaceKey)
	for n := range 10 {
		days[pass.DayOf(bubble)+pass.Day(n)-2] = pass.PlaceKey{1, byte(n)}
		months[pass.MonthOf(bubble)+pass.Month(n)-2] = pass.PlaceKey{2, byte(n)}
	}
	return pass.NewPlaceKeys(days, months)
})

// phone is somebody's phone, with credentials of all days.
type phone struct {
	t      *testing.T
	issuer ed25519.PrivateKey
	index  uint64
}

func newPhone(t *testing.T, index uint64) *phone { return phoneOf(t, key(1), index) }

func phoneOf(t *testing.T, issuer ed25519.PrivateKey, index uint64) *phone {
	return &phone{t, issuer, index}
}

func placeOf(index uint64) pass.Place {
	return pass.Place{Index: uint32(index), Since: statuslist.Edition{Version: 1}}
}

func (p *phone) code(at time.Time) string {
	p.t.Helper()
	day, holder := pass.DayOf(at), key(byte(100+p.index))
	block, err := allKeys().SealDay(day, placeOf(p.index))
	if err != nil {
		p.t.Fatal(err)
	}
	credential, err := pass.Issue(p.issuer, day, block, public(holder))
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := pass.Rotate(holder, credential, at)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

func (p *phone) parsed(at time.Time) *pass.Code {
	p.t.Helper()
	c, err := pass.Parse([]byte(p.code(at)))
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func paperOf(t *testing.T, index uint64) string {
	return paperUntil(t, index, pass.MonthOf(time.Now()))
}

func paperUntil(t *testing.T, index uint64, month pass.Month) string {
	t.Helper()
	block, err := allKeys().SealMonth(month, placeOf(index))
	if err != nil {
		t.Fatal(err)
	}
	credential, err := pass.IssuePaper(key(1), month, block)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pass.Paper(credential)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// present shows a code for one frame and returns what the door shows for it, "" for nothing.
func (d *doorway) present(text string) string {
	d.t.Helper()
	d.door.Present(kiosk.Sighting{Text: []byte(text), Taken: time.Now()})
	return d.next()
}

// next lists the verdicts since the last call.
func (d *doorway) next() string {
	synctest.Wait()
	var out []string
	for _, v := range d.screen.since(d.seen) {
		d.seen++
		out = append(out, words(v))
	}
	return strings.Join(out, ", ")
}

func words(v kiosk.Verdict) string {
	s := v.Signal.String()
	if v.Colour != kiosk.NoColour {
		s += " " + v.Colour.String()
	}
	if v.Reason != kiosk.NoReason {
		s += " " + string(v.Reason)
	}
	return s
}

// forge changes a character in the holder's signature so that the code still parses.
func forge(t *testing.T, text string) string {
	t.Helper()
	for i := len(text) - 1; i > len(text)-20; i-- {
		bad := text[:i] + "0" + text[i+1:]
		if _, err := pass.Parse([]byte(bad)); err == nil && bad != text {
			return bad
		}
	}
	t.Fatal("no character of the signature can be changed")
	return ""
}
