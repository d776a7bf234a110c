package replica

import (
	"context"
	"errors"
	"fmt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
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

func (a *attempt) blob(h api.Hash) ([]byte, error) {
	data, err := a.opt.Source.Blob(a.ctx, h)
	a.result.Bytes += len(data)
	return data, err
}
