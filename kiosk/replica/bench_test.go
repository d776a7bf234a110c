package replica_test

import (
	"math/rand/v2"
	"testing"

	"ashyq-kiosk/kiosk/statuslist"
)

// BenchmarkFollowDelta is what a door does when 200 people's statuses have changed in one of its 20
// sections (20 M people): long poll answered, delta fetched over loopback, checked and made
// durable.
func BenchmarkFollowDelta(b *testing.B) {
	r := newRegistry(b, 20)
	d := newDoor(b, r)
	d.follow(b)
	random := rand.New(rand.NewPCG(1, 2))
	bytes := 0
	for b.Loop() {
		b.StopTimer()
		entries := map[uint64]statuslist.Status{}
		for range 200 {
			entries[7<<20+random.Uint64N(statuslist.SectionSize)] = statuses[3+random.IntN(3)]
		}
		r.publish(set(entries))
		b.StartTimer()
		result, err := d.Follow1(b.Context())
		if err != nil || result.Deltas != 1 {
			b.Fatalf("Follow1 = %+v, %v", result, err)
		}
		bytes += result.Bytes
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "wire-B/op")
	d.checkIs(b, r.version())
}

// BenchmarkFollowSnapshot is the same for a door that starts with nothing, for each section.
func BenchmarkFollowSnapshot(b *testing.B) {
	r := newRegistry(b, 1)
	random := rand.New(rand.NewPCG(1, 2))
	r.publish(func(e *edition) {
		for i := range uint32(statuslist.SectionSize) {
			e.sections[0].Set(i, statuses[[]int{0, 0, 0, 0, 0, 0, 5, 5, 4, 3}[random.IntN(10)]])
		}
	})
	bytes := 0
	for b.Loop() {
		b.StopTimer()
		d := openDoor(b, r, b.TempDir())
		b.StartTimer()
		result, err := d.Follow1(b.Context())
		if err != nil || result.Whole != 1 {
			b.Fatalf("Follow1 = %+v, %v", result, err)
		}
		b.StopTimer()
		bytes += result.Bytes
		d.stop(b)
		b.StartTimer()
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "wire-B/op")
}
