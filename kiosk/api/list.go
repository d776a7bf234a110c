package api

import (
	"errors"
	"fmt"

	"ashyq-kiosk/kiosk/statuslist"
)

// ReadList reads the whole list of a manifest, from its blobs.
func ReadList(m Manifest, keys statuslist.Keyring, blob func(Hash) ([]byte, error)) ([]*statuslist.Section, error) {
	path, ok := m.Whole()
	if !ok {
		return nil, errors.New("no deltas lead from the sections to the manifest's version")
	}
	sections := make([]*statuslist.Section, len(m.Sections))
	for id, s := range m.Sections {
		sealed, err := blob(s.Blob)
		if err != nil {
			return nil, fmt.Errorf("section %d: %w", id, err)
		}
		token, section, err := statuslist.OpenSection(sealed, m.List, keys)
		if err != nil {
			return nil, fmt.Errorf("section %d: %w", id, err)
		}
		if token != (statuslist.Token{ID: uint32(id), Version: s.Version}) {
			return nil, fmt.Errorf("section %d: it is section %d of version %d, want version %d", id, token.ID, token.Version, s.Version)
		}
		sections[id] = section
	}
	for i, named := range path {
		sealed, err := blob(named.Blob)
		if err != nil {
			return nil, fmt.Errorf("delta to version %d: %w", named.To, err)
		}
		d, err := statuslist.OpenDelta(sealed, m.List, keys)
		if err != nil {
			return nil, fmt.Errorf("delta to version %d: %w", named.To, err)
		}
		if d.From != named.From || d.To != named.To {
			return nil, fmt.Errorf("delta from version %d to %d, want %d to %d", d.From, d.To, named.From, named.To)
		}
		for _, s := range d.Sections {
			if int(s.ID) >= len(sections) {
				return nil, fmt.Errorf("delta to version %d: changes section %d of %d", d.To, s.ID, len(sections))
			}
			if m.Sections[s.ID].Version >= d.To {
				continue
			}
			for _, c := range s.Changes {
				sections[s.ID].Set(c.Index, c.Status)
			}
		}
		if i == len(path)-1 && RootOf(sections) != d.Result {
			return nil, fmt.Errorf("delta to version %d: does not lead to the list that it promises", d.To)
		}
	}
	return sections, nil
}

// RootOf is statuslist.Root of these sections.
func RootOf(sections []*statuslist.Section) Hash {
	contents := make([][32]byte, len(sections))
	for i, s := range sections {
		contents[i] = s.Content()
	}
	return statuslist.Root(contents)
}
