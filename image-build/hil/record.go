//go:build hil

package hil

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
)

// Recording is all that a machine asks of its Disk from one moment to another. Whenever the power goes in between, what is on the card
// follows from it, so one run of a machine stands for any number of cuts.
type Recording struct {
	before   string  // file with what was there
	requests []write // a flush has no data
	pending  int     // of them were written before, and not flushed
}

// Record begins a recording; file is made, for what is on the disk now.
func (d *Disk) Record(file string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := writeSparse(file, d.durable); err != nil {
		return fmt.Errorf("record the disk: %w", err)
	}
	d.record = &Recording{before: file, requests: slices.Clone(d.pending), pending: len(d.pending)}
	return nil
}

// Recorded ends it.
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

// Cut makes a file of what is on the card when the power goes during the n-th request, from 1, and the card loses some of what was not
// flushed by then. It returns how many sectors were at stake and how many of them got through.
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
		case i < r.pending+n-1: // a flush that came to its end
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

// writeSparse makes a file that takes no room for what is zero.
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
