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

// maxBlob bounds a blob, bytes, as the registry's client does.
const maxBlob = 1 << 20

// Folder is a Source of files: "manifest" and "blob/HEX" as the registry serves them. It is as little trusted as a network.
type Folder string

// Manifest reads the folder's manifest. There will never be a newer one, so it does not wait.
func (f Folder) Manifest(context.Context, uint64, time.Duration) ([]byte, error) {
	return f.read("manifest", api.MaxManifest)
}

// Blob reads a blob. What it returns has that hash.
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
		return nil, fmt.Errorf("%s has more than %d bytes", file.Name(), limit)
	}
	return data, nil
}

// FollowSnapshot follows a folder once, without a network. ok is false if there is no snapshot, or if
// the cache is not older.
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

// Snapshots are folders with offline snapshots: on the card, or on a stick that comes and goes. Not for
// several goroutines at once.
type Snapshots struct {
	folders []Folder
	opt     Options
	seen    map[Folder]string // what was found there last, so that each manifest is followed, or complained about, once
}

// NewSnapshots makes snapshots that go into opt's Store. Without opt's Key nothing is followed: it is
// not known yet whose signature counts.
func NewSnapshots(opt Options, folders ...Folder) *Snapshots {
	return &Snapshots{folders: folders, opt: opt, seen: map[Folder]string{}}
}

// Follow takes over what is there now and newer than the cache.
func (s *Snapshots) Follow(ctx context.Context) {
	if s.opt.Key == nil {
		return
	}
	for _, folder := range s.folders {
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
			s.opt.Log.Warn("cannot follow an offline snapshot", "folder", string(folder), "error", err)
		case ok && result.Changed:
			s.opt.Log.Info("followed an offline snapshot", "folder", string(folder), "version", result.Version)
		}
	}
}

// snapshotsEvery is how often a door without a registry looks for one.
const snapshotsEvery = 5 * time.Second

// Run follows until ctx ends, on a door without a registry.
func (s *Snapshots) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		s.Follow(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(snapshotsEvery):
		}
	}
	return nil
}
