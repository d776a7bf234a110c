package server

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// BenchmarkPublish is one version with 50 changes in one section, half of which is given out: 2 %
// red, 3 % yellow, 15 % green. It includes the commit to SQLite on this machine's disk.
func BenchmarkPublish(b *testing.B) {
	r := newRig(b)
	r.stop() // what is measured runs here
	db, err := store.Open(b.Context(), r.file)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	r.opt.Store, r.opt.Log = db, slog.New(slog.DiscardHandler)
	p, err := newPublisher(b.Context(), r.opt, newMetrics())
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	d := p.draft()
	for range statuslist.SectionSize / 2 {
		d.set(random.Uint64N(statuslist.SectionSize), randomStatus(random))
	}
	if err := p.commit(b.Context(), d); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d := p.draft()
		for range 50 {
			d.set(random.Uint64N(statuslist.SectionSize), randomStatus(random))
		}
		if err := p.commit(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(r.sealedSize(p.manifest.Deltas[0][0].Blob, db))), "delta-B")
}

func randomStatus(random *rand.Rand) statuslist.Status {
	switch n := random.IntN(100); {
	case n < 2:
		return statuslist.Red
	case n < 5:
		return statuslist.Yellow
	case n < 20:
		return statuslist.Green
	}
	return statuslist.Valid
}

func (r *rig) sealedSize(h api.Hash, db *store.Store) []byte {
	r.Helper()
	data, err := db.Blob(r.Context(), h)
	if err != nil {
		r.Fatal(err)
	}
	return data
}

// BenchmarkResults is one laboratory posting one result after the other, each on disk before its
// answer.
func BenchmarkResults(b *testing.B) {
	r := newRig(b)
	lab := r.source(Laboratory)
	n := 0
	for b.Loop() {
		n++
		r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: fmt.Sprint(n), Result: "negative", Taken: now()}, nil)
	}
}

// BenchmarkWaitingDoors is one version told to 10 000 doors that wait, each with its answer signed
// and written.
func BenchmarkWaitingDoors(b *testing.B) {
	r := newRig(b)
	r.stop()
	public := newPublication(r.opt.RegistryKey, r.publisher.manifest, r.metrics)
	const doors = 10_000
	m := r.publisher.manifest
	for b.Loop() {
		done, after := make(chan error, doors), m.Version
		for range doors {
			go func() {
				public.wait(b.Context(), after, LongestWait)
				_, err := public.current()
				done <- err
			}()
		}
		m.Version++
		public.announce(m, now(), time.Time{})
		for range doors {
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
	}
}
