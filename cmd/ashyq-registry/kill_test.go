package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// TestKilled kills the registry again and again while a laboratory posts and a door follows. What
// was acknowledged is kept, versions never go back, and a version that a door has seen never turns
// into another one.
func TestKilled(t *testing.T) {
	const rounds, perRound = 12, 8
	p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
	p.serve()
	iins := numbers(rounds * perRound)
	lab, phones := p.people(iins)
	d := &door{process: p, seen: map[uint64]api.Manifest{}}

	taken := time.Now().Add(-time.Hour) // the same when an answer was lost and a sample is posted again
	ill := 0                            // the first ones, acknowledged
	for ill < len(phones) {
		var all sync.WaitGroup
		first := make(chan struct{}, perRound) // as many as there can be: nobody waits
		all.Go(func() {
			for range min(perRound, len(phones)-ill) {
				code, err := p.post(server.PathResults, lab, server.ResultRequest{
					IIN: iins[ill], Sample: fmt.Sprint(ill), Result: "positive", Taken: taken}, nil)
				if err != nil {
					return // killed
				}
				if code != http.StatusNoContent {
					t.Errorf("post a result: %d", code)
				}
				ill++
				first <- struct{}{}
			}
		})
		all.Go(func() {
			for d.follow(time.Second) == nil {
			}
		})
		// It publishes about 100 ms after the first result: before, in the middle, or after.
		<-first
		<-time.After(60*time.Millisecond + rand.N(120*time.Millisecond))
		p.kill()
		all.Wait()
		p.serve()
	}

	deadline := time.Now().Add(90 * time.Second)
	for !d.knows(phones[:ill]) {
		if time.Now().After(deadline) {
			t.Fatal("not everybody who was acknowledged is red")
		}
		if err := d.follow(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	p.kill()
	t.Logf("%d versions seen", len(d.seen))
	if len(d.seen) < rounds/2 {
		t.Errorf("%d versions seen: too little happened", len(d.seen))
	}
}

// TestKilledInMassChange kills the registry again and again while the colours of many people change
// at once. Afterwards the list says of everybody what their records say, and so does the database;
// and it was one version.
func TestKilledInMassChange(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves the change of 150,000 people to make test")
	}
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			m := newMass(t, address(t), 150_000)
			defer m.close()
			before := m.count(listVersion)
			const waiting = `SELECT COUNT(*) FROM citizens WHERE due = 1`
			collecting, storing := 0, 0 // kills
			for due := m.people; due > 0 && (collecting < 3 || storing < 3); {
				m.cmd = m.program()
				if err := m.cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if collecting < 3 {
					time.Sleep(rand.N(2 * time.Second))
				} else {
					for end := time.Now().Add(time.Minute); m.count(waiting) == due && time.Now().Before(end); {
						time.Sleep(time.Millisecond)
					}
					time.Sleep(rand.N(100 * time.Millisecond))
				}
				m.kill()
				left := m.count(waiting)
				if left == due {
					collecting++
				} else if left > 0 {
					storing++
				}
				due = left
			}
			m.serve()
			m.settled()
			m.changed()
			if after := m.count(listVersion); after != before+1 {
				t.Errorf("version %d after %d, want one more", after, before)
			}
			t.Logf("%d kills while collecting, %d in the middle of storing", collecting, storing)
			if collecting == 0 || storing == 0 {
				t.Error("too few kills")
			}
		})
	}
}

const listVersion = `SELECT version FROM registry`

// newMass is a registry that does not run, with so many healthy people, of whom every third one is
// ill as soon as it runs.
func newMass(t *testing.T, address string, people int) *measured {
	m := &measured{process: &process{T: t, data: filepath.Join(t.TempDir(), "data"), db: address}, people: people}
	m.open()
	m.sql(`INSERT INTO sources (name, kind, key, hourly) VALUES ('lab', 'laboratory', $1, 100)`, []byte("key"))
	m.load()
	m.country()
	m.kill()
	m.sql(`UPDATE records SET kind = 'positive' WHERE citizen % 3 = 0`)
	m.sql(`UPDATE citizens SET due = 1`)
	return m
}

// changed compares everybody of newMass with the list and the database.
func (m *measured) changed() {
	m.Helper()
	list := m.list(m.manifest(0, 0))
	checked := 0
	m.each(`SELECT idx, citizen % 3, status FROM credentials
		JOIN citizens ON citizens.id = citizen`, func(index, third, stored int64) {
		want := statuslist.Green
		if third == 0 {
			want = statuslist.Red
		}
		if got, kept := list.Get(uint32(index)), statuslist.Status(stored); got != want || kept != want {
			m.Errorf("index %d is %v in the list and %v in the database, want %v", index, got, kept, want)
		}
		checked++
	})
	if checked != m.people {
		m.Errorf("%d people, want %d", checked, m.people)
	}
}

// numbers makes up IINs with right check digits; the 13th month does not exist.
func numbers(n int) []string { return numbersOf("0113", n) }

func numbersOf(month string, n int) (list []string) {
	for i := 0; len(list) < n; i++ {
		text := fmt.Sprintf("%s%08d", month, i)
		if _, err := store.ParseIIN(text); err == nil {
			list = append(list, text)
		}
	}
	return list
}

// people activates a phone for each, all at once: each activation waits for a version of the list. It
// returns a laboratory's key and the phones' indexes.
func (p *process) people(iins []string) (lab string, indexes []uint32) {
	p.Helper()
	raw, err := os.ReadFile(filepath.Join(p.data, adminFile))
	if err != nil {
		p.Fatal(err)
	}
	admin := strings.TrimSpace(string(raw))
	var source server.SourceAnswer
	if code, err := p.post(server.PathSources, admin, server.SourceRequest{Name: "lab", Kind: "laboratory"}, &source); err != nil || code != http.StatusOK {
		p.Fatalf("make a source: %d, %v", code, err)
	}
	indexes = make([]uint32, len(iins))
	var phones errgroup.Group
	phones.SetLimit(50)
	for i, iin := range iins {
		phones.Go(func() error {
			c, err := p.phone(admin, iin)
			indexes[i] = c.Index
			return err
		})
	}
	if err := phones.Wait(); err != nil {
		p.Fatal(err)
	}
	return source.Key, indexes
}

// phone activates a new phone and returns where its pass is in the list.
func (p *process) phone(admin, iin string) (pass.Place, error) {
	var citizen server.CitizenAnswer
	if code, err := p.post(server.PathCitizens, admin, server.CitizenRequest{IIN: iin}, &citizen); err != nil || code != http.StatusOK {
		return pass.Place{}, fmt.Errorf("ask for a code: %d, %w", code, err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return pass.Place{}, err
	}
	mine := phone.New(key)
	request := server.ActivateRequest{Code: citizen.Code, Key: mine.Key()}
	if code, err := p.post(server.PathActivate, "", request, nil); err != nil || code != http.StatusNoContent {
		return pass.Place{}, fmt.Errorf("activate a phone: %d, %w", code, err)
	}
	now := time.Now()
	ask, err := mine.TopUp(now, 1)
	if err != nil {
		return pass.Place{}, err
	}
	var answer server.TopUpAnswer
	if code, err := p.post(server.PathTopUp, "", server.TopUpRequest{TopUp: ask}, &answer); err != nil || code != http.StatusOK {
		return pass.Place{}, fmt.Errorf("top a phone up: %d, %w", code, err)
	}
	if err := mine.Take(answer.Credentials); err != nil {
		return pass.Place{}, err
	}
	c, err := pass.OpenCredential(mine.Credential(pass.DayOf(now)))
	if err != nil {
		return pass.Place{}, err
	}
	return p.places().Open(c)
}

// door follows the registry and remembers every version it saw.
type door struct {
	*process
	newest uint64
	seen   map[uint64]api.Manifest // times left out
}

// follow is one long poll. Its error says that the registry was killed; anything wrong in an answer
// fails the test.
func (d *door) follow(wait time.Duration) error {
	sealed, err := d.get(fmt.Sprintf("%s?after=%d&wait=%s", api.PathManifest, d.newest, wait))
	if err != nil {
		return err
	}
	m, err := api.OpenManifest(sealed, d.key())
	if err != nil {
		d.Error(err)
		return err
	}
	m.Issued, m.Expires, m.Next = 0, 0, api.Turnover{} // these are not of the version
	if known, ok := d.seen[m.Version]; ok && !reflect.DeepEqual(known, m) {
		d.Errorf("version %d changed:\n%+v\n%+v", m.Version, known, m)
	}
	if m.Version < d.newest {
		d.Errorf("version %d after %d", m.Version, d.newest)
	}
	d.newest, d.seen[m.Version] = m.Version, m
	return nil
}

// listKeys are the live list keys of a registry, as a door gets them.
type listKeys struct{ *process }

// ListKey implements statuslist.Keyring.
func (k listKeys) ListKey(generation uint32) (secret [32]byte, ok bool) {
	k.Helper()
	db, err := (&dataDir{name: k.data}).open(k.Context(), k.db)
	if err != nil {
		k.Fatal(err)
	}
	keys, err := db.ListKeys(k.Context())
	if err = errors.Join(err, db.Close()); err != nil {
		k.Fatal(err)
	}
	for _, one := range keys {
		if one.Generation == generation {
			return one.Key, true
		}
	}
	return secret, false
}

// Need implements replica.Keys.
func (listKeys) Need() {}

// Announced implements replica.Keys.
func (listKeys) Announced(uint32, time.Time) {}

// Take implements replica.Keys.
func (listKeys) Take(string) (bool, error) { return false, nil }

func (d *door) key() ed25519.PublicKey {
	key, err := (&dataDir{name: d.data}).key(registryFile)
	if err != nil {
		d.Error(err)
		return make(ed25519.PublicKey, ed25519.PublicKeySize)
	}
	return key.Public().(ed25519.PublicKey)
}

// knows loads the newest version as a whole, checks that all deltas can be read, and looks for the
// ill.
func (d *door) knows(ill []uint32) bool {
	d.Helper()
	m, keys := d.seen[d.newest], listKeys{d.process}
	list, err := api.ReadList(m, keys, func(h api.Hash) ([]byte, error) { return d.blob(h), nil })
	if err != nil {
		d.Fatalf("version %d: %v", m.Version, err)
	}
	for _, level := range m.Deltas {
		for _, named := range level {
			delta, err := statuslist.OpenDelta(d.blob(named.Blob), m.List, keys)
			if err != nil || delta.From != named.From || delta.To != named.To {
				d.Fatalf("delta from version %d: %+v, %v", named.From, delta, err)
			}
		}
	}
	for _, index := range ill {
		if list[0].Get(index) != statuslist.Red {
			return false
		}
	}
	return true
}
