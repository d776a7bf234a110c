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

// The files of a data directory. init writes registry.key last: with it, a registry is complete.
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

// Run makes a new registry. It does not touch an existing one.
func (c *initCmd) Run(ctx context.Context, stdout io.Writer) error {
	dir, err := lock(c.Data)
	if err != nil {
		return err
	}
	defer dir.unlock()
	if dir.has(registryFile) {
		return fmt.Errorf("%q already holds a registry\nhint: serve it, or name another directory", c.Data)
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

// dataDir is a data directory, ours while it is locked.
type dataDir struct {
	name string
	held *os.File
}

// lock makes the directory if it is missing, and keeps a second registry out of it.
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
		err = fmt.Errorf("lock the data directory %q: %w\nhint: another ashyq-registry is using it; stop that one first", name, err)
		return nil, errors.Join(err, held.Close())
	}
	d.held = held
	return d, nil
}

// unlock releases the directory. Closing the file does that; nothing was written to it.
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

// open opens the database of a registry that has one. Where --database was forgotten, it makes no
// new one to be taken for the registry's.
func (d *dataDir) open(ctx context.Context, url string) (*store.Store, error) {
	if url == "" && !d.has(databaseFile) {
		return nil, fmt.Errorf("%q has no %s\nhint: if its database is PostgreSQL, name it with --database", d.name, databaseFile)
	}
	return store.Open(ctx, d.database(url))
}

// create makes the keys. It continues where it was interrupted, and refuses a directory that
// contains anything else.
func (d *dataDir) create() error {
	if d.has(databaseFile) {
		return fmt.Errorf("%q has a database but no %s\nhint: restore the keys from a backup: doors trust no others", d.name, registryFile)
	}
	entries, err := os.ReadDir(d.name)
	if err != nil {
		return fmt.Errorf("read the data directory: %w", err)
	}
	for _, entry := range entries {
		switch entry.Name() {
		case lockFile, adminFile, issuerFile, caKeyFile, caFile, bundlesDir, "lost+found":
		default:
			return fmt.Errorf("%q is not empty and holds no registry: there is %q\nhint: name an empty directory", d.name, entry.Name())
		}
	}
	if !d.has(caKeyFile) {
		key, err := server.NewAuthorityKey()
		if err != nil {
			return err
		}
		if err := d.write(caKeyFile, key); err != nil {
			return err
		}
	}
	if _, err := d.authority(); err != nil {
		return err
	}
	for _, file := range []string{adminFile, issuerFile, registryFile} { // all are random bytes
		if d.has(file) {
			continue
		}
		if err := d.write(file, []byte(server.NewKey()+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// authority reads the authority that signs doors' certificates. If only its certificate is missing,
// it makes another one for the same key, which is what doors pin.
func (d *dataDir) authority() (*server.Authority, error) {
	key, err := d.text(caKeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the authority's key: %w", err)
	}
	if !d.has(caFile) {
		certificate, err := server.SelfSign([]byte(key))
		if err != nil {
			return nil, err
		}
		if err := d.write(caFile, certificate); err != nil {
			return nil, err
		}
	}
	certificate, err := os.ReadFile(d.path(caFile))
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	authority, err := server.LoadAuthority([]byte(key), certificate)
	if err != nil {
		return nil, fmt.Errorf("%w\nhint: restore %s and %s from a backup", err, d.path(caKeyFile), d.path(caFile))
	}
	return authority, nil
}

func (d *dataDir) write(file string, data []byte) error {
	if err := renameio.WriteFile(d.path(file), data, 0o600); err != nil {
		return fmt.Errorf("write %q: %w", d.path(file), err)
	}
	return nil
}

func (d *dataDir) text(file string) (string, error) {
	data, err := os.ReadFile(d.path(file))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w\nhint: init makes a new registry; restore the keys of an existing one from its backup", err)
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
		return nil, fmt.Errorf("read a key from %q: %w\nhint: restore the file from a backup", d.path(file), err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
