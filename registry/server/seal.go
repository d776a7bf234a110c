package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// keepDeltas is how many deltas of each level are kept: those of one version, of 8, of 64, and so
// on. Each level has to reach back over the last complete delta of the next one. Level 4 reaches
// back over a day with a version each second, level 5 over a week.
var keepDeltas = [store.Levels]int{10, 10, 10, 10, 24, 20}

// reach is how many versions the deltas of a level lead over, at most.
func reach(level int) uint64 { return 1 << (3 * level) }

// sealAfter is how old the blob of a section may be that has changed since, in versions.
const sealAfter = 512

// sealing seals what a draft changes.
type sealing struct {
	*draft
	blob     func(api.Hash) ([]byte, error)
	current  api.Manifest
	contents [][32]byte                    // of the sections
	old      statuslist.Key                // with which the current version is sealed
	opened   map[api.Hash]statuslist.Delta // those that were sealed for this version
}

func (p *publisher) sealing(ctx context.Context, d *draft) *sealing {
	return &sealing{
		draft: d, current: p.manifest, contents: slices.Clone(p.contents), old: p.listKey, opened: map[api.Hash]statuslist.Delta{},
		blob: func(h api.Hash) ([]byte, error) { return p.store.Blob(ctx, h) },
	}
}

// seal makes the delta to this version, merges earlier ones with it, and seals sections where no
// deltas lead on from their blob, or too many. With another key it seals all anew: every blob that
// a manifest names is sealed with the key that it names.
func (s *sealing) seal(newEpoch bool) error {
	turn := newEpoch || s.key.Generation != s.current.Generation
	s.next.Generation = s.key.Generation
	if s.next.Deltas == nil { // the first version
		s.next.Deltas = make([][]api.Delta, store.Levels)
	}
	if newEpoch { // they lead to versions of the epoch before
		clear(s.next.Deltas)
	} else if turn {
		if err := s.sealDeltasAnew(); err != nil {
			return err
		}
	}
	if err := s.addDelta(); err != nil {
		return err
	}
	for level := 1; level < store.Levels; level++ {
		if err := s.merge(level); err != nil {
			return err
		}
	}
	for level, deltas := range s.next.Deltas {
		s.next.Deltas[level] = deltas[:min(len(deltas), keepDeltas[level])]
	}
	return s.sealSections(turn)
}

// addDelta makes the delta of this version. A delta that is too large for a blob is left out.
func (s *sealing) addDelta() error {
	d := statuslist.Delta{From: s.current.Changed(), To: s.next.Version}
	changed, room := len(s.sections) != len(s.from), statuslist.MaxChanges
	for id, section := range s.sections {
		if id < len(s.from) && section == s.from[id] {
			continue
		}
		if id >= len(s.contents) {
			s.contents = append(s.contents, [32]byte{})
		}
		s.contents[id] = section.Content()
		if changes := s.changes(id); len(changes) > 0 {
			changed = true
			s.next.Sections[id].Changed = s.next.Version
			if room -= len(changes); room >= 0 {
				d.Sections = append(d.Sections, statuslist.SectionChanges{ID: uint32(id), Changes: changes})
			}
		}
	}
	if !changed || d.From == 0 || room < 0 {
		return nil
	}
	d.Result = statuslist.Root(s.contents)
	return s.put(0, d)
}

// put seals a delta and makes it the newest of its level. It leaves out one that is too large for a
// blob: whole sections cost less.
func (s *sealing) put(level int, d statuslist.Delta) error {
	named, err := s.sealDelta(d)
	if errors.Is(err, statuslist.ErrTooLarge) {
		return nil
	}
	if err == nil {
		s.next.Deltas[level] = append([]api.Delta{named}, s.next.Deltas[level]...)
	}
	return err
}

func (s *sealing) sealDelta(d statuslist.Delta) (api.Delta, error) {
	sealed, err := d.Seal(s.key, s.next.List)
	if err != nil {
		return api.Delta{}, err
	}
	h := s.add(sealed)
	s.opened[h] = d
	return api.Delta{From: d.From, To: d.To, Size: sizeOf(sealed), Blob: h}, nil
}

func sizeOf(blob []byte) uint32 { return uint32(len(blob) / statuslist.SizeStep) }

// merge makes a delta of a level, at the version at which one ends, of those of the level below it.
// Deltas between which one is missing cannot be merged, and whole sections cost less than a large
// one.
func (s *sealing) merge(level int) error {
	if s.next.Version%reach(level) != 0 {
		return nil
	}
	begin := s.next.Version - reach(level)
	var parts []api.Delta // the newest first
	size := 0
	for _, d := range s.next.Deltas[level-1] {
		if d.To <= begin || len(parts) > 0 && d.To != parts[len(parts)-1].From {
			break
		}
		parts, size = append(parts, d), size+int(d.Size)
	}
	if len(parts) == 0 || size > 2*statuslist.MaxBlob/statuslist.SizeStep { // it would not fit a blob
		return nil
	}
	if len(parts) == 1 {
		s.next.Deltas[level] = append(parts, s.next.Deltas[level]...)
		return nil
	}
	slices.Reverse(parts)
	deltas := make([]statuslist.Delta, len(parts))
	for i, named := range parts {
		var err error
		if deltas[i], err = s.open(named.Blob); err != nil {
			return fmt.Errorf("merge the deltas to version %d: %w", s.next.Version, err)
		}
	}
	return s.put(level, statuslist.Merge(deltas...))
}

func (s *sealing) open(h api.Hash) (statuslist.Delta, error) {
	if d, ok := s.opened[h]; ok {
		return d, nil
	}
	sealed, err := s.blob(h)
	if err != nil {
		return statuslist.Delta{}, err
	}
	return statuslist.OpenDelta(sealed, s.next.List, s.old)
}

func (s *sealing) sealDeltasAnew() error {
	anew := map[api.Hash]api.Delta{} // one blob may be in several levels
	for level, deltas := range s.next.Deltas {
		s.next.Deltas[level] = slices.Clone(deltas)
		for i, named := range deltas {
			again, done := anew[named.Blob]
			if !done {
				d, err := s.open(named.Blob)
				if err != nil {
					return fmt.Errorf("seal the delta to version %d anew: %w", named.To, err)
				}
				if again, err = s.sealDelta(d); err != nil {
					return err
				}
				anew[named.Blob] = again
			}
			s.next.Deltas[level][i] = again
		}
	}
	return nil
}

// sealSections seals all sections, or those from whose blob no deltas lead on, and one whose blob
// has grown old.
func (s *sealing) sealSections(all bool) error {
	oldest := -1
	for id, named := range s.next.Sections {
		behind := named.Version < named.Changed
		lost := named.Blob == (api.Hash{})
		if behind {
			_, _, ok := s.next.Path(named.Version)
			lost = lost || !ok
		}
		switch {
		case all || lost:
			if err := s.sealSection(id); err != nil {
				return err
			}
		case behind && (oldest < 0 || named.Version < s.next.Sections[oldest].Version):
			oldest = id
		}
	}
	if oldest < 0 || s.next.Version-s.next.Sections[oldest].Version < sealAfter {
		return nil
	}
	return s.sealSection(oldest)
}

func (s *sealing) sealSection(id int) error {
	named := &s.next.Sections[id]
	named.Version = s.next.Version
	sealed, err := statuslist.SealSection(s.key, s.next.List, statuslist.Token{ID: uint32(id), Version: named.Version}, s.sections[id])
	if err != nil {
		return err
	}
	named.Blob, named.Size = s.add(sealed), sizeOf(sealed)
	return nil
}
