package server

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// draft is the next version in the making. It shares unchanged sections with the current one and
// changes copies.
type draft struct {
	from     []*statuslist.Section // the current ones
	next     api.Manifest
	sections []*statuslist.Section
	fresh    []uint64       // new passes, which it is the first to hold
	behind   bool           // there are passes in sections that it does not know: another registry publishes
	key      statuslist.Key // seals it
	blobs    [][]byte
}

func (p *publisher) draft() *draft {
	d := &draft{from: p.sections, next: p.manifest, sections: slices.Clone(p.sections), key: p.listKey}
	d.next.Sections, d.next.Deltas = slices.Clone(p.manifest.Sections), slices.Clone(p.manifest.Deltas)
	d.next.Version++
	return d
}

func (d *draft) add(blob []byte) api.Hash {
	d.blobs = append(d.blobs, blob)
	return api.HashOf(blob)
}

// changed reports whether there is anything to publish after the current manifest. New passes are,
// even where the list already reads as it should: so a backup of a version has all passes that name
// it.
func (d *draft) changed(current api.Manifest) bool {
	return len(d.fresh) > 0 || d.next.Rules != current.Rules || d.key.Generation != current.Generation || !slices.Equal(d.sections, d.from)
}

// derive derives everybody who is due and lists the outcomes.
func (d *draft) derive(due []*store.Citizen, at time.Time) []store.Derived {
	derived := make([]store.Derived, len(due))
	for i, c := range due {
		s := derive(c.Records, at)
		derived[i] = store.Derived{Citizen: c, Status: s.status, Due: s.next, Other: s.other, Since: s.since}
		d.list(derived[i])
		for _, pass := range c.Passes {
			if pass.New {
				d.fresh = append(d.fresh, pass.Index)
			}
		}
	}
	return derived
}

// list writes the entries of one citizen.
func (d *draft) list(one store.Derived) {
	for _, pass := range one.Citizen.Passes {
		status := stricter(one.Status, pass.Held)
		switch {
		case pass.Revoked:
			status = statuslist.Invalid
		case pass.Suspended:
			status = statuslist.Suspended
		}
		d.set(pass.Index, status)
	}
}

func (d *draft) set(index uint64, status statuslist.Status) {
	id, i := int(index/statuslist.SectionSize), uint32(index%statuslist.SectionSize)
	if id >= len(d.sections) {
		d.behind = true
		return
	}
	if d.sections[id].Get(i) == status {
		return
	}
	if id < len(d.from) && d.sections[id] == d.from[id] {
		d.sections[id] = d.from[id].Clone()
	}
	d.sections[id].Set(i, status)
}

// changes are the entries of a section that differ from the current version's, by ascending index.
// In a new section all were Valid.
func (d *draft) changes(id int) []statuslist.Change {
	before := statuslist.NewSection()
	if id < len(d.from) {
		before = d.from[id]
	}
	return statuslist.Diff(before, d.sections[id])
}

// grow adds an empty section.
func (d *draft) grow() {
	d.sections = append(d.sections, statuslist.NewSection())
	d.next.Sections = append(d.next.Sections, api.Section{Version: d.next.Version, Changed: d.next.Version})
}

// listName names the status list of a registry, by 120 bits of its key's hash: nobody's blobs stand
// for another registry's, and a registry finds at its start that it has the wrong key.
func listName(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "aq:" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:15]))
}
