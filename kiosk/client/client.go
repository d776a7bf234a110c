// Package client asks the registry what a door asks: what is current, the blobs of it, one person's standing, a
// certificate, a newer version; and it delivers the door's counts.
//
// Every call ends: the answer has to begin within Config.Timeout (after the wait of a long poll), may never pause for
// longer than that, comes at slowest or faster, and is bounded in size. Nothing is retried here; whoever keeps trying
// is the caller. Failures are an *api.CallError, which tells a wrong clock from a wrong certificate from a pulled cable.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

const (
	// MaxBlob bounds a blob, bytes. The largest is a section that cannot be compressed: 512 KiB and its frame.
	MaxBlob = 1 << 20
	// maxAnswer bounds every other answer, bytes.
	maxAnswer = 16 << 10
	// slowest is the rate at which an answer has to come on average, bytes/s: less than a 2G modem has.
	slowest = 4 << 10
	// defaultTimeout goes with a mobile link that has to wake up first.
	defaultTimeout = 10 * time.Second
)

// Config says where the registry is.
type Config struct {
	URL   string         // "https://registry.example" or with a path that all requests go below
	Token string         // this kiosk's; only sent where the registry wants to know who is asking
	CA    *x509.CertPool // authorities of the registry's certificate; nil: the system's
	// Authority, where it is set, tells the registry's authority among the certificates that the registry presents; no
	// other one counts then. It is for a door that has the authority's hash and not yet its certificate.
	Authority func(*x509.Certificate) bool
	// Identity, where it is set, is the door's certificate and the authorities to go with it, which then count in place of
	// CA. It is asked before each call, so that a renewed certificate is used from the next call on.
	Identity func() (*tls.Certificate, *x509.CertPool)
	Device   string // api.HeaderDevice and
	Version  string // api.HeaderVersion, sent where the registry wants to know who is asking
	// Refused, where it is set, hears the code of each refusal that has one (api.CodeRevoked ...). It must return at once.
	Refused func(code string)
	Timeout time.Duration // for an answer to begin, and between two parts of it; 0: 10 s
}

// Client talks to one registry. It may be used from several goroutines at once.
type Client struct {
	cfg     Config
	base    *url.URL
	timeout time.Duration

	mu   sync.Mutex
	http *http.Client     // guarded by mu; its connections speak for
	cert *tls.Certificate // guarded by mu; this identity
}

// New checks the configuration. It does not talk to the registry.
func New(cfg Config) (*Client, error) {
	base, err := parseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("registry URL %q: %w", cfg.URL, err)
	}
	if strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("kiosk's token has characters that no token has: is there a line break at its end?")
	}
	switch {
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("registry timeout %v is negative", cfg.Timeout)
	case cfg.Timeout == 0:
		cfg.Timeout = defaultTimeout
	}
	c := &Client{cfg: cfg, base: base, timeout: cfg.Timeout}
	c.http = c.newHTTP(nil, cfg.CA)
	return c, nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.Unwrap(err) // the outer error repeats the URL
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("scheme is %q, want https (or http)", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("names no host")
	case u.User != nil:
		return nil, errors.New("has a user name in it; the kiosk's token is what identifies it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("ends at its path: no '?' or '#'")
	}
	return u, nil
}

// Close lets go of idle connections. Calls under way are ended by their contexts.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.http.CloseIdleConnections()
}

// Manifest gets the current manifest, sealed and unverified. When after is not 0, the registry holds its answer back
// until it has a newer version than that, at most for wait.
func (c *Client) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	k := call{doing: "get the manifest", method: http.MethodGet, path: api.PathManifest, want: http.StatusOK, limit: api.MaxManifest, signed: true}
	if after != 0 {
		k.wait = wait
		k.query = url.Values{"after": {strconv.FormatUint(after, 10)}, "wait": {wait.String()}}.Encode()
	}
	return c.do(ctx, k)
}

// Blob gets the blob whose SHA-256 is h. What it returns has that hash.
func (c *Client) Blob(ctx context.Context, h api.Hash) ([]byte, error) {
	k := call{
		doing: "get blob " + h.String()[:12], method: http.MethodGet, path: api.PathBlob + "/" + h.String(),
		want: http.StatusOK, limit: MaxBlob, signed: true,
	}
	data, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	if got := api.HashOf(data); got != h {
		return nil, c.failure(k.doing, fmt.Errorf("%w: %d bytes with hash %s", errHash, len(data), got))
	}
	return data, nil
}

// Status asks the registry for one person's standing (kiosk.Lookup). An index that was never given out is
// kiosk.ErrUnknownPerson.
func (c *Client) Status(ctx context.Context, p kiosk.Person) (kiosk.Standing, error) {
	const doing = "ask for a standing"
	body, err := json.Marshal(api.CheckRequest{List: p.List, Index: p.Index})
	if err != nil {
		return kiosk.Standing{}, c.failure(doing, err)
	}
	data, err := c.do(ctx, call{
		doing: doing, method: http.MethodPost, path: api.PathCheck, body: body, auth: true,
		want: http.StatusOK, limit: maxAnswer,
	})
	if refused, ok := errors.AsType[*api.Refusal](err); ok && refused.Status == http.StatusNotFound && refused.Said.Error != "" {
		// Only a registry explains itself like that; any other 404 is of a server that is none.
		return kiosk.Standing{}, fmt.Errorf("%s: %w", doing, kiosk.ErrUnknownPerson)
	}
	if err != nil {
		return kiosk.Standing{}, err
	}
	standing, err := readStanding(data)
	if err != nil {
		return kiosk.Standing{}, c.failure(doing, err)
	}
	return standing, nil
}

func readStanding(data []byte) (kiosk.Standing, error) {
	var answer api.CheckAnswer
	if err := json.Unmarshal(data, &answer); err != nil {
		return kiosk.Standing{}, fmt.Errorf("%w: %w", errNotRegistry, err)
	}
	status, err := statuslist.ParseStatus(answer.Status)
	if err != nil {
		return kiosk.Standing{}, fmt.Errorf("%w: %w", errNotRegistry, err)
	}
	if answer.AsOf.IsZero() {
		return kiosk.Standing{}, fmt.Errorf("%w: it does not say how old it is", errNotRegistry)
	}
	return kiosk.Standing{Status: status, AsOf: answer.AsOf, Until: answer.Until}, nil
}

// SendCounts delivers one report, api.Counts in JSON. The same report may be sent again: its ID makes it harmless.
func (c *Client) SendCounts(ctx context.Context, body []byte) error {
	_, err := c.do(ctx, call{
		doing: "send counts", method: http.MethodPost, path: api.PathCounts, body: body, auth: true,
		want: http.StatusNoContent, limit: maxAnswer,
	})
	return err
}
