package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// The files of a data directory. registry.key is the last one that init writes: with it, a registry is complete.
const (
	lockFile     = "lock"         // held while a registry runs
	adminFile    = "admin.key"    // bearer key; this one and the next two as api.FormatKey writes them
	issuerFile   = "issuer.key"   // Ed25519 seed
	registryFile = "registry.key" // Ed25519 seed
	databaseFile = "registry.db"  // SQLite
	caKeyFile    = "ca.key"       // ECDSA, PKCS #8 in PEM; signs doors' certificates
	caFile       = "ca.pem"       // its certificate
	bundlesDir   = "bundles"      // signed updates that doors load
)

type initCmd struct {
	dataFlag
	databaseFlag
}

// Run makes a new registry. It changes nothing where there is one.
func (c *initCmd) Run(ctx context.Context, stdout io.Writer) error {
	dir, err := lock(c.Data)
	if err != nil {
		return err
	}
	defer dir.unlock()
	if dir.has(registryFile) {
		return fmt.Errorf("%q holds a registry already\nhint: serve it, or name another directory", c.Data)
	}
	if err := dir.create(); err != nil {
		return err
	}
	db, err := store.Open(ctx, dir.database(c.Database))
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	fmt.Fprintf(stdout, "registry made in %s\nthe administrator's key is in %s\nnext: ashyq-registry serve --data %s --public-url URL\n",
		c.Data, dir.path(adminFile), c.Data)
	return nil
}

type keyCmd struct {
	dataFlag
}

// Run prints the public key.
func (c *keyCmd) Run(stdout io.Writer) error {
	key, err := (&dataDir{name: c.Data}).key(registryFile)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, api.FormatKey(key.Public().(ed25519.PublicKey)))
	return nil
}

// dataDir is a data directory that is ours as long as it is locked.
type dataDir struct {
	name string
	held *os.File
}

// lock makes the directory where it is missing, and sees to it that no second registry works in it.
func lock(name string) (*dataDir, error) {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	d := &dataDir{name: name}
	held, err := os.OpenFile(d.path(lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		err = fmt.Errorf("lock the data directory %q: %w\nhint: another ashyq-registry works in it; stop that one first", name, err)
		return nil, errors.Join(err, held.Close())
	}
	d.held = held
	return d, nil
}

// unlock lets go. Closing the file is what does it, and nothing was written to it.
func (d *dataDir) unlock() { _ = d.held.Close() }

func (d *dataDir) path(file string) string { return filepath.Join(d.name, file) }

func (d *dataDir) has(file string) bool {
	_, err := os.Lstat(d.path(file))
	return !errors.Is(err, fs.ErrNotExist)
}

func (d *dataDir) database(url string) string {
	if url != "" {
		return url
	}
	return d.path(databaseFile)
}

// create makes the keys. It goes on where it was interrupted, and refuses a directory with anything else in it.
func (d *dataDir) create() error {
	if d.has(databaseFile) {
		return fmt.Errorf("%q has a database and no %s\nhint: put the keys back from a backup: doors trust only the old one", d.name, registryFile)
	}
	entries, err := os.ReadDir(d.name)
	if err != nil {
		return fmt.Errorf("look into the data directory: %w", err)
	}
	for _, entry := range entries {
		switch entry.Name() {
		case lockFile, adminFile, issuerFile, caKeyFile, caFile, bundlesDir, "lost+found":
		default:
			return fmt.Errorf("%q is not empty and holds no registry: there is %q\nhint: name an empty directory", d.name, entry.Name())
		}
	}
	if _, err := d.authority(); err != nil {
		return err
	}
	for _, file := range []string{adminFile, issuerFile, registryFile} { // all are random bytes
		if d.has(file) {
			continue
		}
		if err := renameio.WriteFile(d.path(file), []byte(server.NewKey()+"\n"), 0o600); err != nil {
			return fmt.Errorf("write %q: %w", d.path(file), err)
		}
	}
	return nil
}

// authority reads the authority that signs doors' certificates. It is made where it is missing: data directories are
// older than it.
func (d *dataDir) authority() (*server.Authority, error) {
	key, err := d.file(caKeyFile, server.NewAuthorityKey)
	if err != nil {
		return nil, err
	}
	certificate, err := d.file(caFile, func() ([]byte, error) { return server.SelfSign(key) })
	if err != nil {
		return nil, err
	}
	authority, err := server.LoadAuthority(key, certificate)
	if err != nil {
		return nil, fmt.Errorf("%w\nhint: put %s and %s back from a backup", err, d.path(caKeyFile), d.path(caFile))
	}
	return authority, nil
}

// file reads a file, or makes it.
func (d *dataDir) file(name string, content func() ([]byte, error)) ([]byte, error) {
	data, err := os.ReadFile(d.path(name))
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	if data, err = content(); err != nil {
		return nil, err
	}
	if err := renameio.WriteFile(d.path(name), data, 0o600); err != nil {
		return nil, fmt.Errorf("write %q: %w", d.path(name), err)
	}
	return data, nil
}

func (d *dataDir) text(file string) (string, error) {
	data, err := os.ReadFile(d.path(file))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w\nhint: init makes a new registry; an old one's keys are in its backup", err)
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(data)), nil
}

// key reads a signing key. Errors do not quote it.
func (d *dataDir) key(file string) (ed25519.PrivateKey, error) {
	text, err := d.text(file)
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	seed, err := api.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("read a key from %q: %w\nhint: put the file back from a backup", d.path(file), err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
