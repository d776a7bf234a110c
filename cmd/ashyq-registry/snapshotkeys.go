package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// adminKey reads the key with which the keys of doors are fetched; empty: no door is named.
func (c *snapshotCmd) adminKey() (string, error) {
	if len(c.Doors) == 0 {
		return "", nil
	}
	if c.Admin == "" {
		return "", errors.New("--door without --admin\nhint: the keys of doors are for administrators: name the file admin.key of the registry's data directory")
	}
	if err := hidesKey(c.From); err != nil {
		return "", err
	}
	data, err := os.ReadFile(c.Admin)
	if err != nil {
		return "", fmt.Errorf("--admin: %w", err)
	}
	key := strings.TrimSpace(string(data))
	if _, err := api.ParseKey(key); err != nil {
		return "", fmt.Errorf("--admin: %q: %w", c.Admin, err)
	}
	return key, nil
}

// hidesKey refuses an address at which others could read the administrator's key.
func hidesKey(from string) error {
	u, err := url.Parse(from)
	if err != nil || u.Scheme != "http" {
		return nil // the client says what is wrong with it
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--from %q with --door\nhint: others could read the administrator's key on its way: use an address with https", from)
}

// stickKeys fetches the keys of doors, which are sealed.
type stickKeys struct {
	from, admin string
	http        *http.Client
}

// envelopeFile is the form of doorkeys.FileName: nothing else becomes a path.
var envelopeFile = regexp.MustCompile(`^[0-9a-f]{16}$`)

// keys writes the envelope of each door. It goes on after a door that has no envelope, so that all
// such names are known at once.
func (c *snapshotCmd) keys(ctx context.Context, admin string, authorities *x509.CertPool, out io.Writer) error {
	if len(c.Doors) == 0 {
		return nil
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: authorities}, TLSHandshakeTimeout: 10 * time.Second,
	}
	defer transport.CloseIdleConnections()
	k := stickKeys{strings.TrimRight(c.From, "/"), admin, &http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		// The key is for this address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	var errs []error
	said := time.Now()
	for i, name := range c.Doors {
		if err := k.write(ctx, name, c.OutDir); err != nil {
			errs = append(errs, fmt.Errorf("door %q: %w", name, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(said) >= progressStep {
			said = time.Now()
			fmt.Fprintf(out, "%d of %d doors\n", i+1, len(c.Doors))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w\nhint: the list was not written; leave these doors out or name them as the page /doors does, and try again", errors.Join(errs...))
	}
	fmt.Fprintf(out, "keys of %s in %s\n", counted(len(c.Doors), "door"), filepath.Join(c.OutDir, doorkeys.FolderName))
	return nil
}

func (k stickKeys) write(ctx context.Context, name, dir string) error {
	id, err := k.find(ctx, name)
	if err != nil {
		return err
	}
	var a server.StickKeysAnswer
	if err := k.get(ctx, fmt.Sprintf("%s/%d/keys", server.PathDoors, id), &a); err != nil {
		return err
	}
	envelope, err := base64.RawURLEncoding.DecodeString(a.Envelope)
	if err != nil || len(envelope) == 0 || !envelopeFile.MatchString(a.File) {
		return errors.New("the registry's answer is not an envelope of keys")
	}
	file := filepath.Join(dir, doorkeys.FolderName, a.File)
	if err := renameio.WriteFile(file, envelope, 0o644, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("write %q: %w", file, err)
	}
	return nil
}

// find looks through the pages of doors whose names contain this one.
func (k stickKeys) find(ctx context.Context, name string) (id int64, err error) {
	for page, seen := 0, 0; ; page++ {
		var found store.DoorsPage
		query := url.Values{"q": {name}, "page": {fmt.Sprint(page)}}
		if err := k.get(ctx, server.PathDoors+"?"+query.Encode(), &found); err != nil {
			return 0, err
		}
		for _, d := range found.Doors {
			if d.Name == name {
				return d.ID, nil
			}
		}
		if seen += len(found.Doors); len(found.Doors) == 0 || seen >= found.Total {
			return 0, errors.New("there is no door of this name")
		}
	}
}

// get reads one answer in JSON.
func (k stickKeys) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.from+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+k.admin)
	res, err := k.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		var said api.Error
		if json.Unmarshal(data, &said) != nil || said.Error == "" {
			return fmt.Errorf("answer %s", res.Status)
		}
		return fmt.Errorf("%s (%s)", said.Error, said.Hint)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("the answer is not a registry's: %w", err)
	}
	return nil
}
