//go:build hil

package hil

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// A cut of a recording gives the same content as the same cut of the disk.
func TestRecording(t *testing.T) {
	const sectors = 64
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		content := make([]byte, sectors*sectorSize)
		for i := range content {
			content[i] = byte(r.Uint32())
		}
		before := r.IntN(5)
		n := 1 + r.IntN(20)
		loss := []Loss{AllLost, NoneLost}[r.IntN(2)]
		recorded, cut := NewDisk(bytes.Clone(content)), NewDisk(bytes.Clone(content))
		recorded.On(0, nil)
		cut.On(0, nil)
		file := filepath.Join(t.TempDir(), "before")
		for i := range before + 20 {
			if i == before {
				if err := recorded.Record(file); err != nil {
					t.Fatal(err)
				}
				cut.On(n, func() {})
			}
			data := make([]byte, sectorSize*(1+r.IntN(3)))
			off := int64(sectorSize * r.IntN(sectors-2))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			flush := r.IntN(4) == 0
			for _, d := range []*Disk{recorded, cut} {
				if flush {
					d.Fsync(context.Background(), nil, 0)
				} else {
					d.Write(context.Background(), nil, data, off)
				}
			}
		}
		recording := recorded.Recorded()
		if got := recording.Requests(); got != 20 {
			t.Fatalf("seed %d: %d requests recorded, want 20", seed, got)
		}
		if loss == NoneLost && recording.requests[recording.pending+n-1].data != nil {
			n-- // on the disk the last write fails, in the recording it is interrupted
		}
		got := filepath.Join(t.TempDir(), "cut")
		if _, _, err := recording.Cut(got, n, loss, r); err != nil {
			t.Fatal(err)
		}
		cut.Lose(loss, r)
		image, err := os.ReadFile(got)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(image, cut.durable) {
			t.Fatalf("seed %d: cut at %d, %v: recording and disk differ", seed, n, loss)
		}
	}
}
