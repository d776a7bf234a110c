package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

// witness has seen everything that doors were sent, and checks each thing once: it compares the
// bytes with those that were checked before.
type witness struct {
	key     ed25519.PublicKey
	problem func(format string, args ...any)
	newest  atomic.Pointer[seen]

	mu        sync.RWMutex // guards the rest
	manifests map[[32]byte]*seen
	contents  map[statuslist.Edition]api.Manifest // without what is not of the version
	blobs     map[api.Hash][]byte
}

func newWitness(key ed25519.PublicKey, problem func(string, ...any)) *witness {
	return &witness{key: key, problem: problem, manifests: map[[32]byte]*seen{},
		contents: map[statuslist.Edition]api.Manifest{}, blobs: map[api.Hash][]byte{}}
}

// seen is a manifest with a good signature.
type seen struct {
	sealed   []byte
	manifest api.Manifest

	mu    sync.Mutex            // guards paths
	paths map[uint64][]api.Hash // by the version from which they lead on; nil: none do
}

// manifest checks one that a door got.
func (w *witness) manifest(sealed []byte) (*seen, error) {
	if last := w.newest.Load(); last != nil && bytes.Equal(sealed, last.sealed) {
		return last, nil
	}
	name := sha256.Sum256(sealed)
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.manifests[name]; s != nil {
		return s, nil
	}
	m, err := api.OpenManifest(sealed, w.key)
	if err != nil {
		w.problem("a door got a manifest that it cannot open: %v", err)
		return nil, err
	}
	s := &seen{sealed: bytes.Clone(sealed), manifest: m, paths: map[uint64][]api.Hash{}}
	w.manifests[name] = s
	m.Issued, m.Expires, m.Next = 0, 0, api.Turnover{}
	if known, ok := w.contents[m.Edition()]; ok && !reflect.DeepEqual(known, m) {
		w.problem("version %v is two", m.Edition())
	}
	w.contents[m.Edition()] = m
	if last := w.newest.Load(); last == nil || m.Edition().Compare(last.manifest.Edition()) >= 0 {
		w.newest.Store(s)
	}
	return s, nil
}

// blob checks what a door got under that name.
func (w *witness) blob(h api.Hash, data []byte) error {
	w.mu.RLock()
	known, ok := w.blobs[h]
	w.mu.RUnlock()
	if ok && bytes.Equal(known, data) {
		return nil
	}
	if api.HashOf(data) != h {
		w.problem("a door got other bytes than those of blob %v", h)
		return fmt.Errorf("blob %v has another hash", h)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blobs[h] = bytes.Clone(data)
	return nil
}

// deltas are the blobs that lead on to this manifest. false: none do.
func (s *seen) deltas(from statuslist.Edition) (blobs []api.Hash, ok bool) {
	if from.Epoch != s.manifest.Epoch || from.Version == 0 {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	blobs, ok = s.paths[from.Version]
	if !ok {
		if path, _, leads := s.manifest.Path(from.Version); leads {
			blobs = []api.Hash{}
			for _, d := range path {
				blobs = append(blobs, d.Blob)
			}
		}
		s.paths[from.Version] = blobs
	}
	return slices.Clip(blobs), blobs != nil
}

// whole are the blobs of the whole list.
func (s *seen) whole() (blobs []api.Hash, ok bool) {
	for _, section := range s.manifest.Sections {
		blobs = append(blobs, section.Blob)
	}
	path, ok := s.manifest.Whole()
	for _, d := range path {
		blobs = append(blobs, d.Blob)
	}
	return blobs, ok
}

// unseen counts the versions that no door was sent, from the first one that one was sent.
func (w *witness) unseen() (n int) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var versions []uint64
	for e := range w.contents {
		versions = append(versions, e.Version)
	}
	slices.Sort(versions)
	return int(versions[len(versions)-1]-versions[0]) + 1 - len(versions)
}

// becoming finds the versions in which people turned red, by the deltas that doors have loaded.
func (w *witness) becoming(people []uint32, keys statuslist.Keyring) (map[uint32]uint64, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	versions := map[uint32]uint64{}
	done := map[api.Hash]bool{}
	for _, m := range w.contents {
		if len(m.Deltas) == 0 {
			continue
		}
		for _, named := range m.Deltas[0] {
			sealed, ok := w.blobs[named.Blob]
			if !ok || done[named.Blob] {
				continue
			}
			done[named.Blob] = true
			delta, err := statuslist.OpenDelta(sealed, m.List, keys)
			if err != nil || delta.From != named.From || delta.To != named.To {
				return nil, fmt.Errorf("delta to version %d: it leads from %d to %d, %w", named.To, delta.From, delta.To, err)
			}
			for _, section := range delta.Sections {
				for _, c := range section.Changes {
					index := section.ID*statuslist.SectionSize + c.Index
					if c.Status == statuslist.Red && slices.Contains(people, index) {
						versions[index] = delta.To
					}
				}
			}
		}
	}
	return versions, nil
}
