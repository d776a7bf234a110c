package decree_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/decree"
)

// register is the status of everybody, one person of each colour, always fresh.
type register struct {
	now func() time.Time
}

var everybody = []statuslist.Status{statuslist.Red, statuslist.Yellow, statuslist.Valid, statuslist.Green}

func (r register) Status(_ context.Context, p kiosk.Person) (kiosk.Standing, error) {
	return kiosk.Standing{Status: everybody[p.Index], AsOf: r.now()}, nil
}

// entrance is a real door, and what it has shown last.
type entrance struct {
	door  *kiosk.Door
	venue kiosk.Venue
	zone  kiosk.Zone

	mu   sync.Mutex
	last kiosk.Verdict // guarded by mu
}

func (e *entrance) Show(v kiosk.Verdict) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = v
}

func (e *entrance) shown() kiosk.Verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

func seed(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// keysAt are those of a day.
func keysAt(at time.Time) *pass.PlaceKeys {
	return pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{pass.DayOf(at): {1}}, nil)
}

// codeOf is a good code of a person at a time.
func codeOf(t *testing.T, issuer ed25519.PrivateKey, person int, at time.Time) string {
	t.Helper()
	holder, day := seed(byte(10+person)), pass.DayOf(at)
	block, err := keysAt(at).SealDay(day, pass.Place{Index: uint32(person), Since: statuslist.Edition{Version: 1}})
	if err != nil {
		t.Fatal(err)
	}
	credential, err := pass.Issue(issuer, day, block, holder.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	text, err := pass.Rotate(holder, credential, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// atDoors lets one person of each colour come to each of some doors every quarter of an hour, for a
// day from from on, and returns what the doors count by hour.
func atDoors(t *testing.T, rules *kiosk.Rules, from time.Time) (checks []decree.Checks) {
	counts := map[decree.Checks]int64{}
	synctest.Test(t, func(t *testing.T) {
		at := from
		var mu sync.Mutex // guards at
		now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
		issuer := seed(1)
		issuers := pass.NewIssuers([]ed25519.PublicKey{issuer.Public().(ed25519.PublicKey)})
		var doors []*entrance
		for _, venue := range []kiosk.Venue{"cinema", "shop"} {
			for _, zone := range []kiosk.Zone{kiosk.RedZone, kiosk.GreenZone} {
				e := &entrance{venue: venue, zone: zone}
				faults := new(kiosk.Faults)
				e.door = kiosk.NewDoor(kiosk.Options{
					Venue: venue, Zone: zone, Cache: register{now}, Keys: func() *pass.PlaceKeys { return keysAt(now()) }, Fresh: time.Hour, Faults: faults,
					Outlets: []kiosk.Outlet{e}, Now: now,
				})
				go func() { _ = e.door.Run(t.Context()) }()
				e.door.Follow(kiosk.Trust{
					Rules: rules, AsOf: from, Issuers: issuers,
				})
				faults.Report(kiosk.Starting, nil)
				doors = append(doors, e)
			}
		}
		for at.Before(from.Add(24 * time.Hour)) {
			for person := range everybody {
				text := codeOf(t, issuer, person, at)
				for _, e := range doors {
					e.door.Present(kiosk.Sighting{Text: []byte(text), Taken: time.Now()})
				}
				synctest.Wait()
				for _, e := range doors {
					v := e.shown()
					counts[decree.Checks{
						Venue: string(e.venue), Zone: string(e.zone), Region: "region of " + string(e.zone),
						Hour: at.Truncate(time.Hour), Name: v.Signal.String() + "/" + v.Colour.String(),
					}]++
				}
			}
			mu.Lock()
			at = at.Add(15 * time.Minute)
			mu.Unlock()
		}
	})
	for check, n := range counts {
		check.N = n
		checks = append(checks, check)
	}
	return checks
}

// outcomes sums what doors have counted.
func outcomes[K comparable](
	t *testing.T, checks []decree.Checks, key func(decree.Checks, kiosk.Colour) K,
) map[K]decree.Outcome {
	sums := map[K]decree.Outcome{}
	for _, c := range checks {
		signal, colour, ok := decree.Counted(c.Name)
		if !ok {
			t.Fatalf("a door counted %q, which no rule decides", c.Name)
		}
		sum := sums[key(c, colour)]
		switch signal {
		case kiosk.Admitted:
			sum.Admitted += c.N
		case kiosk.AdmittedHere:
			sum.Here += c.N
		case kiosk.TurnedBack:
			sum.TurnedBack += c.N
		case kiosk.AskStaff:
			sum.AskStaff += c.N
		}
		sums[key(c, colour)] = sum
	}
	return sums
}

type group struct {
	venue  kiosk.Venue
	zone   kiosk.Zone
	colour kiosk.Colour
}

// TestSameDayAtRealDoors: the people of Friday come again on Saturday, to real doors with the rules
// of before and to real doors with the draft. The preview of the draft, made of Friday's counts,
// says the same.
func TestSameDayAtRealDoors(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	saturday := time.Date(2026, 11, 28, 0, 0, 0, 0, zone)
	friday := saturday.AddDate(0, 0, -1)
	before := rules(t, `"name":"red","colours":["red"],"then":"turned-back"`,
		`"name":"yellow","colours":["yellow"],"venues":["shop"],"then":"admitted-here",
			"hours":{"from":"08:00","until":"01:30"}`,
		`"name":"others","colours":["blue","green"],"then":"admitted"`)
	after := rules(t, `"name":"red","colours":["red"],"then":"turned-back"`,
		`"name":"weekend","colours":["blue"],"venues":["cinema"],"then":"turned-back",
			"weekdays":["saturday","sunday"],"from":"2026-11-28T09:45:00+05:00"`,
		`"name":"night","colours":["yellow","blue","green"],"zones":["red"],"then":"turned-back",
			"hours":{"from":"22:15","until":"06:30"}`,
		`"name":"yellow","colours":["yellow"],"venues":["shop"],"then":"admitted-here"`,
		`"name":"blue","colours":["blue"],"until":"2026-11-28T20:30:00+05:00","then":"admitted"`,
		`"name":"green","colours":["green"],"then":"admitted"`)
	counted := atDoors(t, before, friday)
	p := decree.Compute(before, after, counted, decree.Assumed{Shift: 24 * time.Hour, Occupancy: -1})
	old, next := atDoors(t, before, saturday), atDoors(t, after, saturday)

	b := p.All.Before
	if n := b.Admitted + b.Here + b.TurnedBack + b.AskStaff; n != 2*2*4*96 || p.Excluded != 0 || p.Others != 0 {
		t.Errorf("%d checks on Friday, %d excluded, %d not by these rules", n, p.Excluded, p.Others)
	}
	all := func(decree.Checks, kiosk.Colour) bool { return true }
	same(t, "all", []decree.Line{p.All}, outcomes(t, old, all), outcomes(t, next, all),
		func(decree.Line) bool { return true })
	byKind := func(c decree.Checks, colour kiosk.Colour) group {
		return group{kiosk.Venue(c.Venue), kiosk.Zone(c.Zone), colour}
	}
	same(t, "kinds", p.Kinds, outcomes(t, old, byKind), outcomes(t, next, byKind),
		func(l decree.Line) group { return group{l.Venue, l.Zone, l.Colour} })
	byRegion := func(c decree.Checks, _ kiosk.Colour) string { return c.Region }
	same(t, "regions", p.Regions, outcomes(t, old, byRegion), outcomes(t, next, byRegion),
		func(l decree.Line) string { return l.Region })
	byHour := func(c decree.Checks, _ kiosk.Colour) int { return c.Hour.In(zone).Hour() }
	same(t, "hours", p.Hours, outcomes(t, old, byHour), outcomes(t, next, byHour),
		func(l decree.Line) int { return *l.Hour })
}

// same compares the lines of a preview with what doors did. A preview leaves out what does not
// change.
func same[K comparable](
	t *testing.T, name string, lines []decree.Line, before, after map[K]decree.Outcome, key func(decree.Line) K,
) {
	t.Helper()
	type pair struct{ before, after decree.Outcome }
	said, did := map[K]pair{}, map[K]pair{}
	for _, l := range lines {
		said[key(l)] = pair{l.Before, l.After}
	}
	for k := range before {
		if before[k] != after[k] {
			did[k] = pair{before[k], after[k]}
		}
	}
	if len(did) == 0 || !reflect.DeepEqual(said, did) {
		t.Errorf("%s: the preview said %+v, the doors did %+v", name, said, did)
	}
}
