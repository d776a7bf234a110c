package replica

import (
	"context"
	"errors"
	"fmt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/statuslist"
)

const (
	// maxDeltas is how many deltas are followed at most.
	maxDeltas = 32
	// maxDeltaBytes bounds all deltas of a section together. Beyond half a packed section, the
	// whole section costs less.
	maxDeltaBytes = statuslist.PackedSize / 2
)

var errMismatch = errors.New("does not fit the manifest")

// attempt brings the cache from its state to one manifest.
type attempt struct {
	*Replica
	ctx      context.Context
	state    cache.State
	manifest api.Manifest
	result   Result
}

func (a *attempt) follow() error {
	rules, err := a.document("rules", a.manifest.Rules, a.opt.Store.Rules, checkRules)
	if err != nil {
		return err
	}
	keys, err := a.document("issuers' keys", a.manifest.Keys, a.opt.Store.Keys, checkKeys)
	if err != nil {
		return err
	}
	if a.manifest.Edition() == a.state.Edition() {
		if rules != nil || keys != nil {
			return fmt.Errorf("%w: other rules or issuers' keys in the same version", ErrContradiction)
		}
		return a.opt.Store.Refresh(a.manifest.IssuedAt())
	}
	a.result.Changed = true
	return a.apply(cache.Update{
		Version: a.manifest.Version, Epoch: a.manifest.Epoch, Ended: a.manifest.Epochs(), AsOf: a.manifest.IssuedAt(),
		List: a.manifest.List, Rules: rules, Keys: keys,
	})
}

// document fetches a document and checks it. It returns nil if the cache has it already.
func (a *attempt) document(name string, want api.Hash, have func() ([]byte, error),
	check func([]byte) error) ([]byte, error) {
	old, err := have()
	if err != nil {
		return nil, fmt.Errorf("read the cache's %s: %w", name, err)
	}
	if old != nil && api.HashOf(old) == want {
		return nil, nil
	}
	data, err := a.blob(want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := check(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

func checkRules(data []byte) error {
	_, err := kiosk.ParseRules(data)
	return err
}

func checkKeys(data []byte) error {
	_, err := api.UnmarshalKeys(data)
	return err
}

// apply gets the sections and hands the update to the cache. If deltas and sections do not match,
// it tries again with whole sections.
func (a *attempt) apply(u cache.Update) error {
	var err error
	if u.Sections, err = a.sections(a.cheapest); err != nil {
		return err
	}
	if err = a.opt.Store.Apply(u); !errors.Is(err, cache.ErrMismatch) {
		return err
	}
	a.opt.Log.Warn("the deltas do not match the cache; fetching whole sections", "manifest", u.Version, "error", err)
	a.result.Deltas = 0
	if u.Sections, err = a.sections(a.whole); err != nil {
		return err
	}
	return a.opt.Store.Apply(u)
}

// sections calls get for each section that changed. get returns deltas, or stages the section and
// returns nil.
func (a *attempt) sections(get func(uint32, api.Section) ([]statuslist.Delta, error)) ([]cache.SectionUpdate, error) {
	updates := make([]cache.SectionUpdate, len(a.manifest.Sections))
	for i, s := range a.manifest.Sections {
		updates[i] = cache.SectionUpdate{Version: s.Version, Content: s.Content}
		if a.has(i, s) {
			continue
		}
		deltas, err := get(uint32(i), s)
		if err != nil {
			return nil, fmt.Errorf("section %d: %w", i, err)
		}
		updates[i].Deltas = deltas
		a.result.Deltas += len(deltas)
	}
	return updates, nil
}

// has tells whether the cache's section i is s.
func (a *attempt) has(i int, s api.Section) bool {
	return i < len(a.state.Sections) && a.state.Sections[i] == (cache.SectionState{Version: s.Version, Content: s.Content})
}

// version is that of section i in the cache, in this epoch; 0: the cache does not have it.
func (a *attempt) version(i int) uint64 {
	if i >= len(a.state.Sections) || a.state.Epoch != a.manifest.Epoch {
		return 0
	}
	return a.state.Sections[i].Version
}

// cheapest uses what a broken-off attempt has staged, or else a few deltas, or else the whole
// section.
func (a *attempt) cheapest(id uint32, s api.Section) ([]statuslist.Delta, error) {
	staged, err := a.opt.Store.Staged(id)
	if err != nil {
		return nil, err
	}
	if staged == (cache.SectionState{Version: s.Version, Content: s.Content}) {
		return nil, nil
	}
	have := a.version(int(id))
	if have == 0 || s.Version-have > min(maxDeltas, uint64(len(s.Deltas))) {
		return a.whole(id, s)
	}
	deltas, err := a.deltas(id, s, int(s.Version-have))
	if err != nil && a.ctx.Err() == nil {
		a.opt.Log.Warn("cannot use the deltas; fetching the whole section", "section", id, "error", err)
		return a.whole(id, s)
	}
	return deltas, err
}

// deltas gets the last n deltas to section s, the oldest first. The cache checks that they belong
// to this section and lead to s.
func (a *attempt) deltas(id uint32, s api.Section, n int) ([]statuslist.Delta, error) {
	deltas := make([]statuslist.Delta, n)
	size := 0
	for i := range deltas {
		step := s.Deltas[n-1-i]
		sealed, err := a.blob(step.Blob)
		if err != nil {
			return nil, fmt.Errorf("delta from version %d: %w", step.From, err)
		}
		if size += len(sealed); size > maxDeltaBytes {
			return nil, fmt.Errorf("the deltas have more than %d bytes", maxDeltaBytes)
		}
		if deltas[i], err = statuslist.OpenDelta(sealed, a.opt.Key); err != nil {
			return nil, fmt.Errorf("delta from version %d: %w", step.From, err)
		}
	}
	return deltas, nil
}

// whole fetches the section and stages it beside the current one.
func (a *attempt) whole(id uint32, s api.Section) ([]statuslist.Delta, error) {
	sealed, err := a.blob(s.Blob)
	if err != nil {
		return nil, err
	}
	token, section, err := statuslist.OpenSection(sealed, a.opt.Key)
	if err != nil {
		return nil, err
	}
	if token.List != a.manifest.List || token.ID != id || token.Version != s.Version {
		return nil, fmt.Errorf("%w: it is list %q, section %d, version %d, want %q, %d, %d",
			errMismatch, token.List, token.ID, token.Version, a.manifest.List, id, s.Version)
	}
	if section.Content() != s.Content {
		return nil, fmt.Errorf("%w: its content has another hash", errMismatch)
	}
	if err := a.opt.Store.Stage(id, s.Version, section); err != nil {
		return nil, err
	}
	a.result.Whole++
	return nil, nil
}

func (a *attempt) blob(h api.Hash) ([]byte, error) {
	data, err := a.opt.Source.Blob(a.ctx, h)
	a.result.Bytes += len(data)
	return data, err
}
