package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// maxBlob bounds a blob, in bytes, as the registry's client does.
const maxBlob = 1 << 20

// Folder is a Source of files: "manifest" and "blob/HEX", as the registry serves them. It is
// trusted no more than a network.
type Folder string

// Manifest reads the folder's manifest. It does not wait for a newer one.
func (f Folder) Manifest(context.Context, uint64, time.Duration) ([]byte, error) {
	return f.read("manifest", api.MaxManifest)
}

// Blob reads a blob and checks its hash.
func (f Folder) Blob(ctx context.Context, h api.Hash) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := f.read(filepath.Join("blob", h.String()), maxBlob)
	if err != nil {
		return nil, err
	}
	if got := api.HashOf(data); got != h {
		return nil, fmt.Errorf("blob %s: %w: it has the hash %s", h, errMismatch, got)
	}
	return data, nil
}

func (f Folder) read(name string, limit int64) ([]byte, error) {
	file, err := os.Open(filepath.Join(string(f), name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%q has more than %d bytes", file.Name(), limit)
	}
	return data, nil
}

// FollowSnapshot follows an offline snapshot in a folder once. ok is false if the folder holds
// none, or nothing newer than the cache.
func FollowSnapshot(ctx context.Context, folder Folder, opt Options) (result Result, ok bool, err error) {
	opt.Source, opt.Offline = folder, true
	if _, err := os.Stat(filepath.Join(string(folder), "manifest")); errors.Is(err, os.ErrNotExist) {
		return result, false, nil
	}
	result, err = New(opt).Follow1(ctx)
	if errors.Is(err, ErrOlder) {
		return result, false, nil
	}
	return result, err == nil, err
}

// Snapshots are offline snapshots in folders that an administrator fills: on the card, or on a
// stick that comes and goes. Only one goroutine may use them.
type Snapshots struct {
	folders []Folder
	opt     Options
	seen    map[Folder]string // what was found last, to follow each manifest or log its fault once
}

// NewSnapshots follows the folders into opt's Store. Without a Key it follows nothing: before the
// enrolment the door does not know whose signature counts.
func NewSnapshots(opt Options, folders ...Folder) *Snapshots {
	return &Snapshots{folders: folders, opt: opt, seen: map[Folder]string{}}
}

// Follow takes in the door's keys of each folder, and then follows it if its manifest has changed
// and is newer than the cache: the list can only be read with the keys.
func (s *Snapshots) Follow(ctx context.Context) {
	if s.opt.Key == nil {
		return
	}
	for _, folder := range s.folders {
		if s.takeKeys(folder) {
			delete(s.seen, folder) // it may be readable now
		}
		manifest, err := folder.Manifest(ctx, 0, 0)
		found := fmt.Sprint(api.HashOf(manifest), err)
		if found == s.seen[folder] {
			continue
		}
		result, ok, err := FollowSnapshot(ctx, folder, s.opt)
		if ctx.Err() != nil {
			return
		}
		s.seen[folder] = found
		switch {
		case err != nil:
			s.opt.Log.Warn("cannot follow the offline snapshot", "folder", string(folder), "error", err)
		case ok && result.Changed:
			s.opt.Log.Info("followed the offline snapshot", "folder", string(folder), "version", result.Version)
		}
	}
}

func (s *Snapshots) takeKeys(folder Folder) (changed bool) {
	if s.opt.Keys == nil {
		return false
	}
	changed, err := s.opt.Keys.Take(string(folder))
	if err != nil {
		s.opt.Log.Warn("cannot use the door's keys beside the offline snapshot", "error", err)
	}
	if changed {
		s.opt.Log.Info("took the door's keys", "folder", string(folder))
	}
	return changed
}

// snapshotEvery is how often a door without a registry looks into the folders.
const snapshotEvery = 5 * time.Second

// Run follows until ctx ends, for a door without a registry.
func (s *Snapshots) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		s.Follow(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(snapshotEvery):
		}
	}
	return nil
}
