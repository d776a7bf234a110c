package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/doorkeys"
)

// registryFlags name a registry from outside, as a door does.
type registryFlags struct {
	From string `required:"" placeholder:"URL" help:"The registry: the URL of its pages, or its address for doors. It keeps running."`
	Key  string `required:"" placeholder:"KEY" help:"Its public key, as the command key prints it."`
	CA   string `name:"ca" placeholder:"FILE" help:"Certificate, PEM, of the authority that signed its TLS certificate. For its address for doors that is ca.pem in its data directory. (the system's authorities)"`
}

type snapshotCmd struct {
	registryFlags
	Doors  []string `name:"door" sep:"none" placeholder:"NAME" help:"Also write the keys of this door to keys/: only that door can read them, and without them it reads no list. Repeat it for more doors. --from must be the URL of the pages."`
	Admin  string   `placeholder:"FILE" help:"File with the administrator's key, for --door: admin.key in the registry's data directory."`
	OutDir string   `arg:"" name:"outdir" help:"Directory for manifest, blob/ and keys/, as ashyq-offline-snapshot on a stick. What is already there is not loaded again."`
}

// progressStep is how often a slow snapshot reports its progress.
const progressStep = 2 * time.Second

// Run writes what a door with an empty cache needs, as the registry serves it.
func (c *snapshotCmd) Run(ctx context.Context, stdout io.Writer) error {
	key, err := api.ParseKey(c.Key)
	if err != nil {
		return usage{fmt.Errorf("--key: %w\nhint: ashyq-registry key --data DIR prints it", err)}
	}
	admin, err := c.adminKey()
	if err != nil {
		return usage{err}
	}
	authorities, err := c.authorities()
	if err != nil {
		return err
	}
	remote, err := client.New(client.Config{URL: c.From, CA: authorities})
	if err != nil {
		return usage{fmt.Errorf("--from: %w", err)}
	}
	defer remote.Close()
	dirs := []string{c.OutDir, filepath.Join(c.OutDir, "blob")}
	if len(c.Doors) > 0 {
		dirs = append(dirs, filepath.Join(c.OutDir, doorkeys.FolderName))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the directory: %w", err)
		}
		if err := os.Chmod(dir, 0o755); err != nil { // the door's daemon is another user
			return fmt.Errorf("make the directory readable for everybody: %w", err)
		}
	}
	if err := c.keys(ctx, admin, authorities, stdout); err != nil {
		return err
	}
	s := &snapshot{dir: c.OutDir, remote: remote, key: key, out: stdout, said: time.Now()}
	return s.run(ctx)
}

// authorities are those of the registry's certificate; nil: the system's.
func (c *registryFlags) authorities() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil
	}
	ca, err := readCertificate(c.CA)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return pool, nil
}

// snapshot is an offline snapshot in the making.
type snapshot struct {
	dir    string
	remote *client.Client
	key    ed25519.PublicKey
	out    io.Writer
	said   time.Time // when progress was last reported
}

// run loads the blobs of one manifest and writes the manifest last: a directory with a manifest is
// complete. When the registry has published meanwhile and dropped a blob, it starts again with the
// newer manifest.
func (s *snapshot) run(ctx context.Context) error {
	var before uint64
	var failed error // why version before failed
	for {
		sealed, err := s.remote.Manifest(ctx, 0, 0)
		if err != nil {
			return err
		}
		m, err := api.OpenManifest(sealed, s.key)
		if err != nil {
			return fmt.Errorf("%w\nhint: is --key the key of this registry?", err)
		}
		if m.Version <= before {
			return failed
		}
		blobs := blobsOf(m)
		bytes, err := s.load(ctx, blobs)
		if err != nil {
			before, failed = m.Version, err
			continue
		}
		if err := s.sweep(blobs); err != nil {
			return err
		}
		if err := s.write("manifest", sealed); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "version %d of %s: %s, %s, %d bytes in %s\n",
			m.Version, m.IssuedAt().UTC().Format(time.RFC3339),
			counted(len(m.Sections), "section"), counted(len(blobs), "blob"), bytes, s.dir)
		return nil
	}
}

// blobsOf is what a door with an empty cache loads: all sections, and the deltas that lead on from
// them.
func blobsOf(m api.Manifest) map[api.Hash]bool {
	blobs := map[api.Hash]bool{m.Rules: true, m.Keys: true}
	for _, section := range m.Sections {
		blobs[section.Blob] = true
	}
	path, _ := m.Whole()
	for _, delta := range path {
		blobs[delta.Blob] = true
	}
	return blobs
}

// load gets what is not there yet and counts all bytes.
func (s *snapshot) load(ctx context.Context, blobs map[api.Hash]bool) (bytes int64, err error) {
	done := 0
	for h := range blobs {
		data, err := os.ReadFile(s.blob(h))
		if err != nil || api.HashOf(data) != h {
			if data, err = s.remote.Blob(ctx, h); err != nil {
				return 0, err
			}
			if err := s.write(filepath.Join("blob", h.String()), data); err != nil {
				return 0, err
			}
		}
		bytes += int64(len(data))
		done++
		if time.Since(s.said) >= progressStep {
			s.said = time.Now()
			fmt.Fprintf(s.out, "%d of %d blobs, %d bytes\n", done, len(blobs), bytes)
		}
	}
	return bytes, nil
}

func (s *snapshot) blob(h api.Hash) string { return filepath.Join(s.dir, "blob", h.String()) }

// sweep removes the blobs of earlier snapshots.
func (s *snapshot) sweep(blobs map[api.Hash]bool) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "blob"))
	if err != nil {
		return fmt.Errorf("look for old blobs: %w", err)
	}
	wanted := map[string]bool{}
	for h := range blobs {
		wanted[h.String()] = true
	}
	for _, entry := range entries {
		if name := entry.Name(); len(name) == 2*len(api.Hash{}) && !wanted[name] && entry.Type().IsRegular() {
			if err := os.Remove(filepath.Join(s.dir, "blob", name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove an old blob: %w", err)
			}
		}
	}
	return nil
}

// write makes a file that everybody may read: all of it is signed, and the list is sealed.
func (s *snapshot) write(name string, data []byte) error {
	if err := renameio.WriteFile(filepath.Join(s.dir, name), data, 0o644, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	return nil
}
