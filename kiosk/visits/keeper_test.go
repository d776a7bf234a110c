package visits

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/store"
)

// venue is a venue with doors at a real database.
type venue struct {
	*testing.T
	db    *store.Store
	place int64

	look sync.Mutex // guards what the registry sees
	seen [][]byte
}

func newVenue(t *testing.T) *venue {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	v := &venue{T: t, db: db}
	v.must(db.PutRegions(t.Context(), []store.Region{{Code: "KZ-75", KK: "Алматы", RU: "Алматы", EN: "Almaty"}}))
	v.must(db.PutVenues(t.Context(), []store.Venue{{BIN: "990140000007", Name: "Mall", Kind: "mall",
		Region: "KZ-75", Zone: "green"}}))
	venues, err := db.Venues(t.Context(), "KZ-75", nil, 1)
	v.must(err)
	v.place = venues[0].ID
	return v
}

func (v *venue) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// door is one door's line to the registry.
type door struct {
	*venue
	*Keeper
	id    int64
	key   *ecdh.PrivateKey
	fails func(api.VisitsAnswer) (api.VisitsAnswer, error) // nil: the registry answers
	asked int
}

// newDoor enrols a door, perhaps in the place of another one.
func (v *venue) newDoor(name, device string) *door {
	v.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	v.must(err)
	d := &door{venue: v, key: key}
	token := store.SecretOf(name + device)
	v.must(v.db.PutTokens(v.Context(), []store.Door{{Name: name, Place: v.place, Venue: "mall", Zone: "green",
		Way: "entry", Ring: "all"}},
		[]store.Secret{token}, time.Now().Add(time.Hour)))
	by := store.Enrollee{Device: device, Key: token, SealKey: key.PublicKey().Bytes()}
	v.must(v.db.Enrol(v.Context(), token, by, time.Now(), func(is store.Door) (store.Certificate, error) {
		d.id = is.ID
		return store.Certificate{Door: is.ID, Print: token, Until: time.Now().Add(time.Hour)}, nil
	}))
	d.restart()
	return d
}

// restart forgets what the program knew.
func (d *door) restart() {
	d.Keeper = New(Options{Registry: d, Door: d.key, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

// Visits implements Registry.
func (d *door) Visits(ctx context.Context, q api.VisitsRequest) (a api.VisitsAnswer, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	d.look.Lock()
	d.asked++
	d.seen = append(d.seen, body)
	d.look.Unlock()
	if err := q.Check(); err != nil {
		return a, err
	}
	a, err = d.db.Visits(ctx, d.id, q, time.Now())
	if d.fails != nil {
		return d.fails(a)
	}
	return a, err
}

// exchanges makes every door ask some times.
func exchanges(doors ...*door) {
	for range 4 {
		for _, d := range doors {
			if _, err := d.exchange(d.Context()); err != nil {
				d.Fatal(err)
			}
		}
	}
}

func TestDoorsKnowWhoWasLetIn(t *testing.T) {
	v := newVenue(t)
	north, south, west := v.newDoor("north", "a"), v.newDoor("south", "b"), v.newDoor("west", "c")
	exchanges(north, south, west)
	now := time.Now()
	north.Admitted(7, now)
	south.Admitted(1<<32-1, now)
	exchanges(north, south, west)
	for _, c := range []struct {
		who   string
		d     *door
		index uint32
		want  bool
	}{{"south", south, 7, true}, {"west", west, 7, true}, {"west", west, 1<<32 - 1, true}, {"west", west, 8, false},
		{"north of its own", north, 7, false}} {
		if at := c.d.Last(c.index); at.IsZero() == c.want || c.want && at.Unix() != now.Unix() {
			t.Errorf("%s about %d: %v", c.who, c.index, at)
		}
	}
	west.restart()
	exchanges(west)
	if west.Last(7).IsZero() {
		t.Error("a door that restarts does not know")
	}
	late := v.newDoor("east", "d") // and gets the key from those that have it
	exchanges(late, north, late)
	if late.Last(7).IsZero() {
		t.Error("a new door does not know")
	}
}

// What the registry relays does not tell it who is meant.
func TestUnlinkableVisits(t *testing.T) {
	v := newVenue(t)
	north, south := v.newDoor("north", "a"), v.newDoor("south", "b")
	exchanges(north, south)
	north.Admitted(7, time.Now())
	exchanges(north, south)
	own := north.days[0].key
	if own == nil || *own != *south.days[0].key {
		t.Fatal("the doors have no common key")
	}
	hash := own.hash(7)
	var all []byte // as it is sent, and what its texts stand for
	for _, body := range v.seen {
		all = append(all, body...)
		var q api.VisitsRequest
		v.must(json.Unmarshal(body, &q))
		for _, visit := range q.Visits {
			raw, err := base64.RawURLEncoding.DecodeString(visit.Hash)
			v.must(err)
			all = append(all, raw...)
		}
		for _, e := range q.Envelopes {
			raw, err := base64.RawURLEncoding.DecodeString(e.Sealed)
			v.must(err)
			all = append(all, raw...)
			for _, d := range []*door{north, south} {
				if d.id == e.Door {
					continue
				}
				if _, err := openKey(north.days[0].day, e.Sealed, d.key); err == nil {
					t.Error("a door opens the envelope of another one")
				}
			}
		}
	}
	if bytes.Contains(all, own[:]) {
		t.Error("the registry sees the key")
	}
	if other := newKey(); other.hash(7) == hash {
		t.Error("the same person has the same hash on another day, or at another venue")
	}
	if _, err := openKey(north.days[0].day+1, north.days[0].sealed, north.key); err == nil {
		t.Error("the key of another day is taken for that of today")
	}
}

func TestDoorAloneSendsNothing(t *testing.T) {
	v := newVenue(t)
	only := v.newDoor("only", "a")
	exchanges(only)
	only.Admitted(7, time.Now())
	exchanges(only)
	for _, body := range v.seen {
		if want := fmt.Sprintf(`{"day":%d,"after":0}`, pass.DayOf(time.Now())); string(body) != want {
			t.Errorf("it sends %s, want %s", body, want)
		}
	}
}

// A door that is revoked, and whoever has its card, knows nothing of what comes after.
func TestDoorsOnlyOfTheVenueHaveTheKey(t *testing.T) {
	v := newVenue(t)
	north, south, west := v.newDoor("north", "a"), v.newDoor("south", "b"), v.newDoor("west", "c")
	exchanges(north, south, west)
	before := *west.days[0].key
	v.must(v.db.RevokeDoor(t.Context(), "west", time.Now()))
	exchanges(north, south)
	after := north.days[0].key
	if after == nil || *after == before || *after != *south.days[0].key {
		t.Fatal("the other doors have not made another key")
	}
	north.Admitted(7, time.Now())
	exchanges(north, south)
	if south.Last(7).IsZero() {
		t.Error("the other doors no longer know")
	}
	exchanges(west)
	if !west.Last(7).IsZero() || !west.single {
		t.Error("the revoked door knows")
	}
}

// A registry that answers garbage, or not at all, costs a door what others know and nothing else.
func TestVisitsFromAStrangeRegistry(t *testing.T) {
	for name, fails := range map[string]func(api.VisitsAnswer) (api.VisitsAnswer, error){
		"no answer":   func(a api.VisitsAnswer) (api.VisitsAnswer, error) { return a, errors.New("no route") },
		"nothing":     func(api.VisitsAnswer) (api.VisitsAnswer, error) { return api.VisitsAnswer{}, nil },
		"no envelope": func(a api.VisitsAnswer) (api.VisitsAnswer, error) { a.Envelope = "!"; return a, nil },
		"another's envelope": func(a api.VisitsAnswer) (api.VisitsAnswer, error) {
			a.Envelope = strings.Repeat("A", 107)
			return a, nil
		},
		"strange hashes": func(a api.VisitsAnswer) (api.VisitsAnswer, error) {
			a.Visits = []api.Visit{{Hash: "", At: 1 << 40}, {Hash: "!", At: -1}, {Hash: strings.Repeat("A", 1000)}}
			return a, nil
		},
		"keys that hide nothing": func(a api.VisitsAnswer) (api.VisitsAnswer, error) {
			a.Made, a.Envelope = false, ""
			a.Missing = slices.Repeat([]api.VisitDoor{{Door: 1, Key: api.FormatKey(make([]byte, 32))}, {Door: -1,
				Key: "x"}}, 100)
			return a, nil
		},
		"back in its numbers": func(a api.VisitsAnswer) (api.VisitsAnswer, error) { a.After = -5; return a, nil },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t)
			north, south := v.newDoor("north", "a"), v.newDoor("south", "b")
			north.fails = fails
			for range 5 {
				_, _ = north.exchange(t.Context())
				_, _ = south.exchange(t.Context())
				north.Admitted(7, time.Now())
				if at := north.Last(8); !at.IsZero() {
					t.Errorf("somebody was here at %v", at)
				}
			}
		})
	}
}

// Yesterday's key counts on for people who came before midnight, and a day's key is used on that day.
func TestKeyOfTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		time.Sleep(23*time.Hour + 58*time.Minute)
		north, south := v.newDoor("north", "a"), v.newDoor("south", "b")
		exchanges(north, south)
		north.Admitted(7, time.Now())
		exchanges(north, south)
		time.Sleep(3 * time.Minute)
		exchanges(north, south)
		if south.Last(7).IsZero() {
			t.Error("forgotten at midnight")
		}
		if *north.days[0].key == *north.days[1].key || *north.days[0].key != *south.days[0].key {
			t.Error("the key of the day before goes on")
		}
	})
}

// Doors of a busy venue, in real order of time: news take seconds, and a quiet door asks seldom.
func TestVisitsTakeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		doors := []*door{v.newDoor("north", "a"), v.newDoor("south", "b")}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for _, d := range doors {
			all.Go(func() { _ = d.Run(ctx) })
		}
		time.Sleep(11 * time.Minute) // each has heard of the other one
		north, south := doors[0], doors[1]
		quiet := south.count()
		time.Sleep(10 * time.Minute)
		if n := south.count() - quiet; n < 25 || n > 35 {
			t.Errorf("a quiet door asked %d times in ten minutes", n)
		}
		south.Last(1) // somebody else comes to the other door
		time.Sleep(time.Minute)
		north.Admitted(7, time.Now())
		time.Sleep(busy + 2*soon)
		if south.Last(7).IsZero() {
			t.Error("the other door does not know yet")
		}
		cancel()
		all.Wait()
	})
}

func (d *door) count() int {
	d.look.Lock()
	defer d.look.Unlock()
	return d.asked
}
