package server

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

// simDoor is a door of TestTurnoverOfTenThousandDoors: the list keys that it was given, and when it
// fetches them, as a doorkeys.Task does.
type simDoor struct {
	name    string
	spread  float64
	keys    keyring
	fetch   time.Time // when it will fetch for the announced turnover; zero: it has that key
	revoked time.Time // zero: never
	read    time.Time // when the newest list that it could read was published
	off     bool
}

// sim is the doors, and the registry that they follow.
type sim struct {
	*rig
	doors []*simDoor
	last  api.Manifest
	next  uint32 // the generation for which the doors have planned to fetch
}

func newSim(t testing.TB, doors int) *sim {
	s := &sim{rig: newRig(t)}
	random := rand.New(rand.NewPCG(1, 2))
	for from := 0; from < doors; from += 500 {
		var rows []string
		for n := from; n < min(from+500, doors); n++ {
			d := &simDoor{name: fmt.Sprint("door ", n), spread: random.Float64(), keys: keyring{}}
			s.doors = append(s.doors, d)
			rows = append(rows, fmt.Sprintf("('%s', 'shop', 'green', 'entry', 'all', 'board')", d.name))
		}
		s.sql(`INSERT INTO doors (name, venue, zone, way, ring, device) VALUES ` + strings.Join(rows, ", "))
	}
	for _, d := range s.doors {
		s.give(d)
	}
	return s
}

// give is what the registry gives to a door that asks for its keys.
func (s *sim) give(d *simDoor) {
	if d.revoked.IsZero() {
		for generation, key := range s.listKeys() {
			d.keys[generation] = key
		}
	}
	d.fetch = time.Time{}
}

func (s *sim) revoke(n int) {
	s.Helper()
	if err := s.opt.Store.RevokeDoor(s.Context(), s.doors[n].name, now()); err != nil {
		s.Fatal(err)
	}
	s.doors[n].revoked = time.Now()
}

// step is the time between two results. A source may send some hundred an hour.
const step = 45 * time.Second

// until lets time pass. Each step a result changes the list, and every door looks at the newest one
// and fetches keys when it is time to. blind hears of a door that is not revoked and cannot read
// it.
func (s *sim) until(end time.Time, lab string, blind func(*simDoor)) {
	for n := 0; time.Now().Before(end); n++ {
		kind := []string{"positive", "negative"}[n%2]
		s.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: fmt.Sprint(time.Now().UnixNano()), Result: kind, Taken: now()}, nil)
		time.Sleep(step)
		m := s.manifestAfter(0, 0)
		blob := s.blobOf(m.Sections[0].Blob)
		for _, level := range m.Deltas {
			if len(level) > 0 {
				blob = s.blobOf(level[0].Blob)
				break
			}
		}
		opens := s.opens(blob, m)
		for _, d := range s.doors {
			if d.off {
				continue
			}
			s.plan(d, m)
			if !d.fetch.IsZero() && !time.Now().Before(d.fetch) {
				s.give(d)
			}
			_, has := d.keys[m.Generation]
			switch {
			case has && opens[m.Generation]:
				d.read = m.IssuedAt()
			case d.revoked.IsZero():
				blind(d)
				s.give(d) // it says that it needs a key
			}
		}
		s.last, s.next = m, m.Next.Generation
	}
}

// plan lets a door choose when to fetch the key of a turnover that it hears of.
func (s *sim) plan(d *simDoor, m api.Manifest) {
	if m.Next.Generation == 0 || m.Next.Generation == s.next {
		return
	}
	within := time.Until(time.Unix(m.Next.Since, 0).Add(-3 * time.Minute))
	d.fetch = time.Now().Add(time.Duration(d.spread * float64(within)))
}

// opens tells with which generations of keys a blob of the list really opens.
func (s *sim) opens(blob []byte, m api.Manifest) map[uint32]bool {
	s.Helper()
	opens := map[uint32]bool{}
	for generation, key := range s.listKeys() {
		one := keyring{generation: key}
		_, err := statuslist.OpenDelta(blob, m.List, one)
		if err != nil {
			_, _, err = statuslist.OpenSection(blob, m.List, one)
		}
		opens[generation] = err == nil
	}
	return opens
}

// TestTurnoverOfTenThousandDoors revokes doors of 10,000, one of them while a turnover is announced
// and it already has the next key. Neither reads a list that is published more than an hour after
// it was revoked, and every other door reads every list. Doors that were off come back.
func TestTurnoverOfTenThousandDoors(t *testing.T) {
	doors := 10_000
	if testing.Short() {
		doors = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, doors)
		s.looks = 10 * time.Second
		s.pass(0)
		lab := s.source(Laboratory)
		s.activate(iinA, 3)
		blind := 0
		everybody := func(d *simDoor) {
			blind++
			if blind < 5 {
				t.Errorf("%s cannot read version %d, at %v", d.name, s.last.Version, time.Now())
			}
		}
		for _, d := range s.doors[doors-100:] {
			d.off = true
		}
		s.until(time.Now().Add(time.Minute), lab, everybody)
		s.revoke(0)
		s.until(time.Now().Add(2*step), lab, everybody)
		second := slices.IndexFunc(s.doors, func(d *simDoor) bool {
			_, has := d.keys[s.last.Next.Generation]
			return has && !d.off
		})
		if second < 0 {
			t.Fatalf("no door has the next key, of %+v", s.last.Next)
		}
		s.revoke(second)
		s.until(time.Now().Add(70*time.Minute), lab, everybody)
		for _, d := range s.doors[doors-100:] {
			d.off = false
		}
		came := 0
		s.until(time.Now().Add(step), lab, func(*simDoor) { came++ })
		s.until(time.Now().Add(step), lab, everybody)
		if came != 100 {
			t.Errorf("%d doors missed a key after they were off, want 100", came)
		}
		for n, d := range s.doors {
			switch {
			case !d.revoked.IsZero():
				if after := d.read.Sub(d.revoked); after > time.Hour || after < 0 {
					t.Errorf("door %d read a list that was published %v after it was revoked", n, after)
				}
			case time.Since(d.read) > 2*step:
				t.Errorf("door %d has not read a list since %v", n, d.read)
			}
		}
		t.Logf("door 0 read for %v, door %d for %v; %d keys are live", s.doors[0].read.Sub(s.doors[0].revoked),
			second, s.doors[second].read.Sub(s.doors[second].revoked), len(s.listKeys()))
	})
}

// TestTurnoverWithAWrongClock sets the registry's clock while a turnover is announced. Back: nobody
// waits longer for it than the lead. Forward: it comes at once.
func TestTurnoverWithAWrongClock(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back": -24 * time.Hour, "forward": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, 1)
				s.revoke(0)
				time.Sleep(10 * time.Minute)
				m := s.manifestAfter(0, 0)
				if m.Next.Generation == 0 {
					t.Fatal("no turnover is announced")
				}
				// The bubble's clock cannot be set: the announced time moves the other way.
				s.sql(`UPDATE list_keys SET since = since - $1 WHERE generation = $2`, int64(jump/time.Second), int64(m.Next.Generation))
				time.Sleep(time.Minute)
				after := s.manifestAfter(0, 0)
				if jump > 0 && after.Generation != m.Next.Generation {
					t.Errorf("generation %d is in use, want %d", after.Generation, m.Next.Generation)
				}
				if wait := time.Until(time.Unix(after.Next.Since, 0)); jump < 0 && (wait > lead || wait < lead-2*time.Minute) {
					t.Errorf("the turnover comes in %v, want %v at most", wait, lead)
				}
				time.Sleep(lead)
				if after = s.manifestAfter(0, 0); after.Generation != m.Next.Generation || after.Next.Generation != 0 {
					t.Errorf("afterwards: generation %d, next %+v", after.Generation, after.Next)
				}
			})
		})
	}
}

// TestTurnoverAcrossARestart: the registry is off when the time comes.
func TestTurnoverAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1)
		p := s.activate(iinA, 3)
		s.revoke(0)
		time.Sleep(10 * time.Minute)
		before := s.manifestAfter(0, 0)
		s.pass(time.Hour)
		after := s.manifestAfter(0, 0)
		if after.Generation != before.Next.Generation || after.Version != before.Version+1 || after.Next.Generation != 0 {
			t.Errorf("version %d, generation %d, next %+v; before: version %d, next %d", after.Version, after.Generation, after.Next, before.Version, before.Next.Generation)
		}
		if got := s.section(after, 0).Get(p.index); got != statuslist.Valid {
			t.Errorf("the person is %v", got)
		}
	})
}

// TestDoorsOnlyByPublicPaths looks at all that the registry gives to everybody. Two registries live
// through the same, and differ only in who is ill: what they publish differs only where it is
// random.
func TestDoorsOnlyByPublicPaths(t *testing.T) {
	var one, other []string
	synctest.Test(t, func(t *testing.T) { one = publicFaces(t, iinA) })
	synctest.Test(t, func(t *testing.T) { other = publicFaces(t, iinB) })
	if len(one) != len(other) {
		t.Fatalf("%d and %d public answers", len(one), len(other))
	}
	for i := range one {
		if one[i] != other[i] {
			t.Errorf("answer %d tells who is ill:\n%s\n%s", i, one[i], other[i])
		}
	}
}

// publicFaces is what everybody can learn of a registry in which one of two people gets ill.
func publicFaces(t *testing.T, ill string) (faces []string) {
	r := newRig(t)
	defer r.stop()
	lab := r.source(Laboratory)
	// The same index for both, or where the ill one is would differ.
	p, q := r.activate(iinA, 3), r.activate(iinB, 4)
	well := map[string]string{iinA: iinB, iinB: iinA}[ill]
	for _, result := range []ResultRequest{{IIN: ill, Sample: "1", Result: "positive"}, {IIN: well, Sample: "2", Result: "negative"}} {
		version := r.manifestAfter(0, 0).Version
		result.Taken = now().Add(-time.Hour)
		r.post(PathResults, lab, result, nil)
		m := r.follow(version)
		list := r.section(m, 0)
		if a, b := list.Get(p.index), list.Get(q.index); a == b {
			t.Fatalf("both are %v", a)
		}
		faces = append(faces, r.publicFace(m)...)
	}
	r.sql(`UPDATE list_keys SET known = 1`) // the turnover seals the sections with what is in them now
	version := r.manifestAfter(0, 0).Version
	time.Sleep(lead + time.Minute) // fake
	return append(faces, r.publicFace(r.follow(version))...)
}

// publicFace is what everybody can learn of one version.
func (r *rig) publicFace(m api.Manifest) (faces []string) {
	r.Helper()
	content := r.section(m, 0).Content()
	secrets := [][32]byte{content, statuslist.Root([][32]byte{content}), statuslist.NewSection().Content()}
	w := r.call("GET", api.PathManifest, "", "")
	for _, secret := range secrets {
		if strings.Contains(w.Body.String(), string(secret[:])) {
			r.Error("the manifest holds a hash of what is sealed")
		}
	}
	m.Rules, m.Keys = api.Hash{}, api.Hash{}
	blobs := blobsNamed(m)
	for i := range m.Sections {
		m.Sections[i].Blob = api.Hash{}
	}
	for _, level := range m.Deltas {
		for i := range level {
			level[i].Blob = api.Hash{}
		}
	}
	faces = append(faces, fmt.Sprintf("%+v", m))
	for _, h := range blobs {
		blob := r.blobOf(h)
		for _, secret := range secrets {
			if strings.Contains(string(blob), string(secret[:])) {
				r.Error("a blob shows a hash of what is sealed")
			}
		}
		if _, err := statuslist.OpenDelta(blob, m.List, keyring{m.Generation: {}}); err == nil {
			r.Error("a blob is sealed with a key of zeros")
		}
		faces = append(faces, fmt.Sprintf("blob of %d bytes, generation %d", len(blob), binary.BigEndian.Uint32(blob)))
	}
	return faces
}

// TestDoorsOnlyNotARevokedOne: after the turnover a revoked door opens nothing that the manifest
// names, also not with its key under the new generation, and what it knows of the list before does
// not help it to test a guess: no hash of what may be in a blob, or of a blob that it makes of it,
// is public.
func TestDoorsOnlyNotARevokedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1)
		lab, p := s.source(Laboratory), s.activate(iinA, 3)
		s.activate(iinB, 4)
		version := s.manifestAfter(0, 0).Version
		s.post(PathResults, lab, ResultRequest{IIN: iinB, Sample: "0", Result: "positive", Taken: now().Add(-time.Hour)}, nil)
		before := s.follow(version)
		old := s.section(before, 0)
		s.revoke(0)
		time.Sleep(lead + 5*time.Second)
		version = s.manifestAfter(0, 0).Version
		s.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: now().Add(-time.Hour)}, nil)
		m := s.follow(version)
		if newest := m.Deltas[0]; len(newest) != 2 || newest[1].To != before.Version {
			t.Fatalf("the deltas %+v do not lead over the turnover", newest)
		}
		had := s.doors[0].keys
		if _, has := had[m.Generation]; has || len(had) != 1 {
			t.Fatalf("the revoked door has %d keys, among them the new one: %v", len(had), has)
		}
		renamed := keyring{}
		for _, key := range had {
			renamed[m.Generation] = key
		}
		guess := old.Clone() // the right one
		guess.Set(p.index, statuslist.Red)
		public := s.call("GET", api.PathManifest, "", "").Body.String()
		for _, h := range blobsNamed(m) {
			blob := s.blobOf(h)
			for name, keys := range map[string]keyring{"its own": had, "renamed": renamed} {
				_, _, sectionErr := statuslist.OpenSection(blob, m.List, keys)
				_, deltaErr := statuslist.OpenDelta(blob, m.List, keys)
				if sectionErr == nil || deltaErr == nil {
					t.Errorf("a revoked door opens a blob with %s keys", name)
				}
			}
			public += string(blob)
		}
		for generation, key := range had {
			again, err := statuslist.SealSection(statuslist.Key{Generation: generation, Secret: key}, m.List, statuslist.Token{Version: m.Version}, guess)
			if err != nil {
				t.Fatal(err)
			}
			for name, sum := range map[string][32]byte{
				"content": guess.Content(), "root": statuslist.Root([][32]byte{guess.Content()}), "blob": api.HashOf(again),
			} {
				if strings.Contains(public, string(sum[:])) {
					t.Errorf("the hash of the guessed %s is public", name)
				}
			}
		}
	})
}

// blobsNamed are the blobs of the list that a manifest names.
func blobsNamed(m api.Manifest) (blobs []api.Hash) {
	for _, s := range m.Sections {
		blobs = append(blobs, s.Blob)
	}
	for _, level := range m.Deltas {
		for _, d := range level {
			blobs = append(blobs, d.Blob)
		}
	}
	return blobs
}
