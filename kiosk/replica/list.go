package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/statuslist"
)

// staging is what it costs to write a section to the card, in steps of statuslist.SizeStep that are
// loaded: cards wear out.
const staging = 32

// way is how the cache's list becomes that of the manifest.
type way struct {
	whole map[int]bool // sections that are loaded
	path  []api.Delta  // then these lead on
	cost  int          // in steps of statuslist.SizeStep
}

// apply gets what changed in the cheapest way and hands the update to the cache. If that does not
// match, or cannot be loaded, it tries again with every section whole.
func (a *attempt) apply(u cache.Update) error {
	w, err := a.cheapest()
	if err != nil {
		return err
	}
	err = a.take(w, u)
	if err == nil || len(w.whole) == len(a.manifest.Sections) || a.ctx.Err() != nil || errors.Is(err, ErrNoListKey) {
		return err
	}
	a.opt.Log.Warn("the changes do not lead to the new list; fetching whole sections", "manifest", u.Version, "error", err)
	a.result.Deltas, a.result.Whole = 0, 0
	if w, err = a.loading(func(int) bool { return true }); err != nil {
		return err
	}
	return a.take(w, u)
}

// has tells whether the cache's section is as the manifest has it.
func (a *attempt) has(id int) bool {
	return a.isMine(id) && a.state.Version >= a.manifest.Sections[id].Changed
}

// isMine tells whether the cache has this section, in this epoch.
func (a *attempt) isMine(id int) bool {
	return a.state.Epoch == a.manifest.Epoch && id < len(a.state.Sections)
}

// cheapest compares the deltas from the cache's version on with whole sections.
func (a *attempt) cheapest() (way, error) {
	whole, err := a.loading(func(id int) bool { return !a.has(id) })
	on, onErr := a.loading(func(id int) bool { return !a.isMine(id) })
	if err != nil || onErr == nil && on.cost < whole.cost {
		return on, onErr
	}
	return whole, nil
}

// loading is the way that loads some sections whole. What a broken-off attempt has staged costs
// nothing.
func (a *attempt) loading(which func(id int) bool) (way, error) {
	w := way{whole: map[int]bool{}}
	from := a.manifest.Version
	for id, s := range a.manifest.Sections {
		if !which(id) {
			if !a.has(id) {
				from = min(from, a.state.Version)
			}
			continue
		}
		w.whole[id] = true
		if s.Version < s.Changed {
			from = min(from, s.Version)
		}
		_, blob, err := a.opt.Store.Staged(uint32(id))
		if err != nil {
			return w, err
		}
		if blob != s.Blob {
			w.cost += int(s.Size) + api.Request + staging
		}
	}
	path, cost, ok := a.manifest.Path(from)
	if !ok {
		return w, fmt.Errorf("%w: no deltas lead on from version %d", errMismatch, from)
	}
	w.path, w.cost = path, w.cost+cost
	return w, nil
}

// take loads what is on the way and hands all of it to the cache.
func (a *attempt) take(w way, u cache.Update) error {
	if len(w.whole)+len(w.path) > 0 {
		if !a.hasKey() {
			return fmt.Errorf("%w: generation %d", ErrNoListKey, a.manifest.Generation)
		}
	}
	u.Sections = make([]cache.SectionUpdate, len(a.manifest.Sections))
	for id, s := range a.manifest.Sections {
		u.Sections[id] = cache.SectionUpdate{Version: s.Changed}
	}
	for _, id := range slices.Sorted(maps.Keys(w.whole)) {
		if err := a.whole(id); err != nil {
			return fmt.Errorf("section %d: %w", id, err)
		}
		u.Sections[id].Staged, u.Sections[id].Blob = true, a.manifest.Sections[id].Blob
	}
	for _, named := range w.path {
		d, err := a.delta(named)
		if err != nil {
			return fmt.Errorf("delta to version %d: %w", named.To, err)
		}
		for _, s := range d.Sections {
			id := int(s.ID)
			if id >= len(u.Sections) {
				return fmt.Errorf("delta to version %d: %w: it changes section %d of %d", named.To, errMismatch, id, len(u.Sections))
			}
			if a.leads(d, id, w.whole[id]) {
				u.Sections[id].Changes = append(u.Sections[id].Changes, s.Changes...)
			}
		}
		u.Root = d.Result
	}
	return a.opt.Store.Apply(u)
}

// hasKey tells whether the door has the list's key, and asks for it if not.
func (a *attempt) hasKey() bool {
	if a.opt.Keys == nil {
		return false
	}
	_, ok := a.opt.Keys.ListKey(a.manifest.Generation)
	if !ok {
		a.opt.Keys.Need()
	}
	return ok
}

// leads tells whether a delta leads on from the section as it is, or is loaded.
func (a *attempt) leads(d statuslist.Delta, id int, whole bool) bool {
	if whole {
		return d.To > a.manifest.Sections[id].Version
	}
	return !a.has(id) && d.To > a.state.Version
}

func (a *attempt) delta(named api.Delta) (statuslist.Delta, error) {
	sealed, err := a.blob(named.Blob)
	if err != nil {
		return statuslist.Delta{}, err
	}
	d, err := statuslist.OpenDelta(sealed, a.manifest.List, a.opt.Keys)
	if err != nil {
		return d, err
	}
	if d.From != named.From || d.To != named.To {
		return d, fmt.Errorf("%w: it leads from version %d to %d, want %d to %d", errMismatch, d.From, d.To, named.From, named.To)
	}
	a.result.Deltas++
	return d, nil
}

// whole fetches a section and stages it beside the current one, unless it is staged already.
func (a *attempt) whole(id int) error {
	s := a.manifest.Sections[id]
	if _, blob, err := a.opt.Store.Staged(uint32(id)); err != nil || blob == s.Blob {
		return err
	}
	sealed, err := a.blob(s.Blob)
	if err != nil {
		return err
	}
	token, section, err := statuslist.OpenSection(sealed, a.manifest.List, a.opt.Keys)
	if err != nil {
		return err
	}
	if want := (statuslist.Token{ID: uint32(id), Version: s.Version}); token != want {
		return fmt.Errorf("%w: it is section %d of version %d, want %d of %d", errMismatch, token.ID, token.Version, want.ID, want.Version)
	}
	if err := a.opt.Store.Stage(uint32(id), s.Version, s.Blob, section); err != nil {
		return err
	}
	a.result.Whole++
	return nil
}
