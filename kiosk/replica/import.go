package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/statuslist"
)

// Why a list is not imported.
var (
	// ErrUnproven says that the registry's changes do not lead from the exported list to the
	// registry's: somebody has altered it.
	ErrUnproven = errors.New("the exported list is not the registry's")
	// ErrUnfit says that the registry's changes do not begin at the exported list.
	ErrUnfit = errors.New("the exported list does not lead to the registry's")
	// ErrHasList says that the door has a list already.
	ErrHasList = errors.New("the door has a list already")
)

// Import brings a list that another door has exported into an empty cache. It trusts nothing of it:
// the last of the registry's changes since then states the hash of the whole list that they lead
// to. Only if the exported sections with these changes have it, the list gets in force. So it needs
// the Source, but loads only what has changed.
func (r *Replica) Import(ctx context.Context, from cache.Export) (Result, error) {
	a, err := r.begin(ctx, 0, 0)
	if err != nil {
		return Result{}, err
	}
	defer r.give()
	if err := r.checkManifest(a.manifest, a.state); err != nil {
		return Result{}, fmt.Errorf("compare manifest %d with the cache: %w", a.manifest.Version, err)
	}
	if err := a.bring(from); err != nil {
		return Result{}, fmt.Errorf("import the list: %w", err)
	}
	a.result.Changed = true
	return a.result, nil
}

func (a *attempt) bring(from cache.Export) error {
	m := a.manifest
	switch {
	case a.state.Version != 0:
		return fmt.Errorf("%w: version %v", ErrHasList, a.state.Edition())
	case from.List != m.List || from.Edition.Epoch != m.Epoch || from.Edition.Version > m.Version ||
		len(from.Sections) > len(m.Sections):
		return fmt.Errorf("%w: it is version %v of %q with %d sections, the registry has version %v of %q with %d", ErrUnfit,
			from.Edition, from.List, len(from.Sections), m.Edition(), m.List, len(m.Sections))
	case !a.hasKey():
		return fmt.Errorf("%w: generation %d", ErrNoListKey, m.Generation)
	}
	// The newest change proves a list that already has it, too.
	path, _, ok := m.Path(min(from.Edition.Version, m.Changed()-1))
	if !ok || len(path) == 0 {
		return fmt.Errorf("%w: the registry keeps no changes since version %v", ErrUnfit, from.Edition)
	}
	rules, err := a.document("rules", m.Rules, a.opt.Store.Rules, checkRules)
	if err != nil {
		return err
	}
	keys, err := a.document("issuers' keys", m.Keys, a.opt.Store.Keys, checkKeys)
	if err != nil {
		return err
	}
	u := cache.Update{
		Version: m.Version, Epoch: m.Epoch, Ended: m.Epochs(), AsOf: m.IssuedAt(), List: m.List, Rules: rules, Keys: keys,
	}
	if u.Sections, err = a.stageExport(from); err != nil {
		return err
	}
	if err := a.lead(path, len(from.Sections), &u); err != nil {
		return err
	}
	if err := a.opt.Store.Apply(u); errors.Is(err, cache.ErrMismatch) {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	} else if err != nil {
		return err
	}
	return nil
}

// stageExport stages the exported sections, and loads those that the list has got since then. The
// former are staged under the hash of their content: no manifest names that, so they never count as
// what it names.
func (a *attempt) stageExport(from cache.Export) ([]cache.SectionUpdate, error) {
	sections := make([]cache.SectionUpdate, len(a.manifest.Sections))
	for id, s := range a.manifest.Sections {
		blob := [sha256.Size]byte(s.Blob)
		if id < len(from.Sections) {
			exported := from.Sections[id].Section
			blob = exported.Content()
			if err := a.opt.Store.Stage(uint32(id), a.manifest.Version, blob, exported); err != nil {
				return nil, err
			}
		} else if err := a.whole(id); err != nil {
			return nil, fmt.Errorf("section %d: %w", id, err)
		}
		sections[id] = cache.SectionUpdate{Version: s.Changed, Staged: true, Blob: blob}
	}
	return sections, nil
}

// lead adds the changes on the path. The first sections are exported ones, the others were loaded.
func (a *attempt) lead(path []api.Delta, exported int, u *cache.Update) error {
	for _, named := range path {
		d, err := a.delta(named)
		if err != nil {
			return fmt.Errorf("delta to version %d: %w", named.To, err)
		}
		for _, s := range d.Sections {
			if err := a.leadOn(d, s, exported, u); err != nil {
				return fmt.Errorf("delta to version %d: %w", named.To, err)
			}
		}
		u.Root = d.Result
	}
	if u.Root == [sha256.Size]byte{} {
		return fmt.Errorf("%w: the registry's changes prove nothing", ErrUnfit)
	}
	return nil
}

func (a *attempt) leadOn(d statuslist.Delta, s statuslist.SectionChanges, exported int, u *cache.Update) error {
	id := int(s.ID)
	if id >= len(u.Sections) {
		return fmt.Errorf("%w: it changes section %d of %d", errMismatch, id, len(u.Sections))
	}
	if id < exported || d.To > a.manifest.Sections[id].Version {
		u.Sections[id].Changes = append(u.Sections[id].Changes, s.Changes...)
	}
	return nil
}
