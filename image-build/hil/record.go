//go:build hil

package hil

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
)

// Recording holds all requests of a machine to its Disk during some time. The card's content after
// a cut at any moment follows from it, so one run of a machine serves for any number of cuts.
type Recording struct {
	before   string  // file with the content before the first request
	requests []write // a flush has no data
	pending  int     // how many of them were made before the recording and not flushed
}

// Record begins a recording. It writes the disk's present content to file.
func (d *Disk) Record(file string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := writeSparse(file, d.durable); err != nil {
		return fmt.Errorf("record the disk: %w", err)
	}
	d.record = &Recording{before: file, requests: slices.Clone(d.pending), pending: len(d.pending)}
	return nil
}

// Recorded ends the recording and returns it.
func (d *Disk) Recorded() *Recording {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.record
	d.record = nil
	return r
}

// keep adds a request to the recording, if there is one. d.mu is held.
func (d *Disk) keep(w write) {
	if d.record != nil {
		d.record.requests = append(d.record.requests, w)
	}
}

// Requests counts the writes and flushes.
func (r *Recording) Requests() int { return len(r.requests) - r.pending }

// Cut writes to file what is on the card when the power is cut during the n-th request, counted
// from 1, and some of what was not flushed is lost. It returns how many sectors were at stake and
// how many of them were kept.
func (r *Recording) Cut(file string, n int, loss Loss, random *rand.Rand) (atStake, kept int, err error) {
	before, err := os.ReadFile(r.before)
	if err != nil {
		return 0, 0, err
	}
	var pending []write
	for i, w := range r.requests[:r.pending+n] {
		switch {
		case w.data != nil:
			pending = append(pending, w)
		case i < r.pending+n-1: // a flush that was completed
			for _, w := range pending {
				copy(before[w.off:], w.data)
			}
			pending = nil
		}
	}
	atStake, through := survivors(pending, loss, random)
	for _, s := range through {
		copy(before[s.off:], s.data)
	}
	return atStake, len(through), writeSparse(file, before)
}

// writeSparse writes a file with holes where the data is zero.
func writeSparse(name string, data []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(int64(len(data))); err != nil {
		return err
	}
	zeros := make([]byte, 1<<16)
	for off := 0; off < len(data); off += len(zeros) {
		block := data[off:min(off+len(zeros), len(data))]
		if slices.Equal(block, zeros[:len(block)]) {
			continue
		}
		if _, err := f.WriteAt(block, int64(off)); err != nil {
			return err
		}
	}
	return f.Close()
}
