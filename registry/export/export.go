// Package export keeps a copy of what a registry publishes, as plain files under the paths of the
// registry's own interface: any web server or object store can then serve doors.
//
//	v1/manifest       the current manifest, signed (api.PathManifest)
//	v1/blob/HASH      what it names: sections and deltas, sealed; rules; issuers' keys (api.PathBlob)
//
// It follows the registry as a door does, and needs none of its secrets. The blobs are written
// before the manifest that names them, so what is served is always complete. A blob stays for a
// while after the last manifest that named it: slow doors and caches still ask for it.
package export

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/retry"
)

const (
	// wait is how long the registry may hold back its answer. While nothing changes it signs the
	// manifest again, and doors see by its time that the mirror follows.
	wait = 25 * time.Second
	// earliest is the time from one request to the next while nothing changes, where a proxy
	// answers at once.
	earliest = 5 * time.Second
	// atOnce is how many blobs are copied at the same time.
	atOnce = 4
	// sweepEvery is how often old blobs are looked for.
	sweepEvery = 10 * time.Minute
	// maxFile is more than any file has, bytes.
	maxFile = 2 << 20
	// progressEvery is how often a slow copy reports its progress.
	progressEvery = 2 * time.Second
)

// Source is the registry (kiosk/client).
type Source interface {
	Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error)
	Blob(ctx context.Context, h api.Hash) ([]byte, error)
}

// Place is where the copy is. Names are paths with slashes, without one at the beginning.
type Place interface {
	// Get reads a file. An error with fs.ErrNotExist says that it is not there.
	Get(ctx context.Context, name string) ([]byte, error)
	// Put writes a file. Readers see the old bytes or the new ones, and the new ones are durable
	// when it returns.
	Put(ctx context.Context, name string, data []byte) error
	// Touch makes File.Since the current time.
	Touch(ctx context.Context, name string) error
	// List names the files whose names begin like this.
	List(ctx context.Context, prefix string) ([]File, error)
	Delete(ctx context.Context, name string) error
}

// File is one of a Place.
type File struct {
	Name  string
	Since time.Time // when it was written or touched last
}

var (
	manifestName = strings.TrimPrefix(api.PathManifest, "/")
	blobPrefix   = strings.TrimPrefix(api.PathBlob, "/") + "/"
)

func blobName(h api.Hash) string { return blobPrefix + h.String() }

var (
	// ErrOlder says that the registry, or something before it, sent an older edition than the place
	// has.
	ErrOlder = errors.New("older than what was copied before")
	// ErrForeign says that the place holds another registry's copy.
	ErrForeign = errors.New("it holds the copy of another registry, or a damaged manifest")
)

// Options are what an Exporter is made of. All fields are needed.
type Options struct {
	Source Source
	Key    ed25519.PublicKey // the registry's
	Place  Place
	Keep   time.Duration // how long a blob stays after the last manifest that named it
	Log    *slog.Logger
	// Progress hears of a copy that takes long.
	Progress func(done, all int, bytes int64)
}

// Exporter copies one registry to one place. Nobody else may write there.
type Exporter struct {
	opt     Options
	opened  bool
	current api.Manifest      // in the place; the zero value: nothing was copied yet
	held    map[api.Hash]bool // blobs of the place whose bytes are known to be right
	swept   time.Time
}

// New makes an exporter. It does nothing until Run or Once.
func New(opt Options) *Exporter { return &Exporter{opt: opt, held: map[api.Hash]bool{}} }

// Result is what was copied.
type Result struct {
	Manifest api.Manifest // in the place now
	Changed  bool         // it is a new edition for the place
	Blobs    int          // that it names
	Loaded   int          // of them, this time
	Bytes    int64        // loaded
}

// Run copies each edition until ctx ends.
func (e *Exporter) Run(ctx context.Context) error {
	first := true
	retry.Forever(ctx, e.opt.Log, "copy the registry's list", func(ctx context.Context) (time.Duration, error) {
		began, patience := time.Now(), wait
		if first {
			patience = 0
		}
		result, err := e.copy(ctx, patience)
		if err == nil && first {
			e.opt.Log.Info("the copy is complete", "version", result.Manifest.Version, "blobs", result.Blobs,
				"loaded", result.Loaded, "bytes", result.Bytes)
			first = false
		}
		if err != nil || time.Since(e.swept) >= sweepEvery {
			err = errors.Join(err, e.sweep(ctx)) // also where the place is full
		}
		if result.Changed {
			e.opt.Log.Debug("copied", "version", result.Manifest.Version, "blobs", result.Loaded, "bytes", result.Bytes)
			return 0, err
		}
		return max(0, earliest-time.Since(began)), err
	})
	return nil
}

// Once copies the current edition.
func (e *Exporter) Once(ctx context.Context) (Result, error) {
	result, err := e.copy(ctx, 0)
	if err != nil {
		return result, err
	}
	return result, e.sweep(ctx)
}

// copy waits for a newer manifest than the place has and copies it. Where the registry has dropped
// a blob meanwhile, because the copy took long, it goes on with the newer manifest.
func (e *Exporter) copy(ctx context.Context, patience time.Duration) (Result, error) {
	if err := e.open(ctx); err != nil {
		return Result{}, err
	}
	after := e.current.Version
	if patience == 0 {
		after = 0
	}
	var tried api.Manifest
	var failed error // why tried was not copied
	for {
		sealed, err := e.opt.Source.Manifest(ctx, after, patience)
		if err != nil {
			return Result{}, err
		}
		m, err := api.OpenManifest(sealed, e.opt.Key)
		if err != nil {
			return Result{}, fmt.Errorf("%w\nhint: is --key the key of this registry?", err)
		}
		if err := e.follows(m); err != nil {
			return Result{}, err
		}
		if failed != nil && m.Edition().Compare(tried.Edition()) <= 0 {
			return Result{}, failed
		}
		result, err := e.take(ctx, m, sealed)
		if err == nil || ctx.Err() != nil {
			return result, err
		}
		tried, failed, after, patience = m, err, 0, 0
	}
}

// open finds out what the place has.
func (e *Exporter) open(ctx context.Context) error {
	if e.opened {
		return nil
	}
	sealed, err := e.opt.Place.Get(ctx, manifestName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("read the copy: %w", err)
	default:
		if e.current, err = api.OpenManifest(sealed, e.opt.Key); err != nil {
			return fmt.Errorf("read the copy: %w: %w\n"+
				"hint: is --key the key of this registry? Otherwise name another place, or remove %s there", ErrForeign, err, manifestName)
		}
	}
	e.opened = true
	return nil
}

func (e *Exporter) follows(m api.Manifest) error {
	switch have := e.current; {
	case have.Version == 0:
		return nil
	case m.List != have.List:
		return fmt.Errorf("list %q after %q: %w", m.List, have.List, ErrForeign)
	case m.Edition().Compare(have.Edition()) < 0:
		return fmt.Errorf("version %v after %v: %w", m.Edition(), have.Edition(), ErrOlder)
	}
	return nil
}

// take copies the blobs that are missing, and then the manifest.
func (e *Exporter) take(ctx context.Context, m api.Manifest, sealed []byte) (Result, error) {
	blobs := blobsOf(m)
	result := Result{Manifest: m, Changed: m.Edition() != e.current.Edition(), Blobs: len(blobs)}
	if err := e.load(ctx, blobs, &result); err != nil {
		return Result{}, err
	}
	if !result.Changed && m.Issued <= e.current.Issued {
		result.Manifest = e.current
		return result, nil
	}
	if err := e.retire(ctx, blobs); err != nil {
		return Result{}, err
	}
	if err := e.opt.Place.Put(ctx, manifestName, sealed); err != nil {
		return Result{}, err
	}
	e.current = m
	return result, nil
}

// blobsOf is everything that a door may ask for.
func blobsOf(m api.Manifest) map[api.Hash]bool {
	blobs := map[api.Hash]bool{m.Rules: true, m.Keys: true}
	for _, s := range m.Sections {
		blobs[s.Blob] = true
	}
	for _, level := range m.Deltas {
		for _, d := range level {
			blobs[d.Blob] = true
		}
	}
	return blobs
}

func (e *Exporter) load(ctx context.Context, blobs map[api.Hash]bool, result *Result) error {
	var mu sync.Mutex // guards result, done, said and e.held
	done, said := 0, time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for h := range blobs {
		mu.Lock()
		have := e.held[h]
		if have {
			done++
		}
		mu.Unlock()
		if have {
			continue
		}
		group.Go(func() error {
			loaded, err := e.blob(ctx, h)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			e.held[h] = true
			done++
			if loaded > 0 {
				result.Loaded++
				result.Bytes += int64(loaded)
			}
			if time.Since(said) >= progressEvery {
				said = time.Now()
				e.opt.Progress(done, len(blobs), result.Bytes)
			}
			return nil
		})
	}
	return group.Wait()
}

// blob copies one, unless an earlier run did. It returns how many bytes it loaded.
func (e *Exporter) blob(ctx context.Context, h api.Hash) (int, error) {
	data, err := e.opt.Place.Get(ctx, blobName(h))
	if err == nil && api.HashOf(data) == h {
		return 0, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read the copy: %w", err)
	}
	if data, err = e.opt.Source.Blob(ctx, h); err != nil {
		return 0, err
	}
	return len(data), e.opt.Place.Put(ctx, blobName(h), data)
}

// retire notes since when no manifest names a blob, before the manifest changes: a run that is
// killed in between does it again.
func (e *Exporter) retire(ctx context.Context, named map[api.Hash]bool) error {
	if e.current.Version == 0 {
		return nil
	}
	for h := range blobsOf(e.current) {
		if named[h] {
			continue
		}
		if err := e.opt.Place.Touch(ctx, blobName(h)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("note since when a blob is not needed: %w", err)
		}
	}
	return nil
}

// sweep removes blobs that no manifest has named for Keep.
func (e *Exporter) sweep(ctx context.Context) error {
	if e.current.Version == 0 {
		return nil // it does not know which ones are named
	}
	files, err := e.opt.Place.List(ctx, blobPrefix)
	if err != nil {
		return fmt.Errorf("look for old blobs: %w", err)
	}
	named := map[string]api.Hash{}
	for h := range blobsOf(e.current) {
		named[blobName(h)] = h
	}
	oldest := time.Now().Add(-e.opt.Keep)
	for _, f := range files {
		if _, is := named[f.Name]; is || f.Since.After(oldest) || !isBlob(f.Name) {
			continue
		}
		if err := e.opt.Place.Delete(ctx, f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old blob: %w", err)
		}
	}
	maps.DeleteFunc(e.held, func(h api.Hash, _ bool) bool { _, is := named[blobName(h)]; return !is })
	e.swept = time.Now()
	return nil
}

// isBlob leaves other people's files alone.
func isBlob(name string) bool {
	hash, ok := strings.CutPrefix(name, blobPrefix)
	return ok && len(hash) == 2*len(api.Hash{}) && strings.Trim(hash, "0123456789abcdef") == ""
}
