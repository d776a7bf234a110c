// Package client is the door's side of the protocol: it asks the registry for the manifest, its
// blobs, one person's standing, a certificate and updates, and delivers the door's counts.
//
// Every call ends: the answer has to begin within Config.Timeout (plus the wait of a long poll),
// may never pause for longer than that, must not be slower than slowest on average, and is limited
// in size. This package repeats nothing; the callers do. A failure is an *api.CallError, which
// tells a wrong clock from a wrong certificate from an unplugged cable.
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
	"sync"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

const (
	// MaxBlob is the largest size of a blob, bytes: a section that cannot be compressed has 512 KiB
	// plus its frame.
	MaxBlob = 1 << 20
	// maxAnswer is the largest size of every other answer, bytes.
	maxAnswer = 16 << 10
	// slowest is the lowest average rate of an answer, bytes/s: slower than a 2G modem.
	slowest = 4 << 10
	// defaultTimeout suits a mobile link that has to wake up first.
	defaultTimeout = 10 * time.Second
)

// Config says where the registry is.
type Config struct {
	URL string         // "https://registry.example", or with a path below which all requests are
	CA  *x509.CertPool // authorities of the registry's certificate; nil: the system's
	// Authority, if set, recognises the registry's authority among the certificates that the
	// registry presents; no other authority counts. A door uses it that has the authority's hash
	// but not yet its certificate.
	Authority func(*x509.Certificate) bool
	// Identity, if set, returns the door's certificate and the authorities that then count instead
	// of CA. It is called before each request, so that the next one uses a renewed certificate.
	Identity func() (*tls.Certificate, *x509.CertPool)
	Device   string // api.HeaderDevice and
	Version  string // api.HeaderVersion, sent in requests that identify the door,
	Venue    string // as are api.HeaderVenue,
	Zone     string // api.HeaderZone,
	Way      string // api.HeaderWay and
	Config   string // api.HeaderConfig
	// Refused, if set, gets the code of each refusal that has one (api.CodeRevoked ...). It must
	// return immediately.
	Refused func(code string)
	// Mirror says that the URL is not a registry's but a mirror's: its operator learns nothing
	// about the door but its address, and errors call it a mirror.
	Mirror  bool
	Timeout time.Duration // until an answer begins, and between two parts of it; 0: 10 s
}

// Client talks to one registry. Several goroutines may use it.
type Client struct {
	cfg     Config
	base    *url.URL
	timeout time.Duration

	mu   sync.Mutex
	http *http.Client     // guarded by mu; its connections use
	cert *tls.Certificate // guarded by mu; this identity
}

// New checks the configuration. It does not contact the registry.
func New(cfg Config) (*Client, error) {
	base, err := parseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("registry URL %q: %w", cfg.URL, err)
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
		return nil, errors.New("has a user name in it; a door identifies itself by its certificate")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("ends at its path: no '?' or '#'")
	}
	return u, nil
}

// Close closes idle connections. Calls in progress end with their contexts.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.http.CloseIdleConnections()
}

// Manifest gets the current manifest, sealed and unverified. If after is not 0, the registry waits
// for a newer version before it answers, at most for wait.
func (c *Client) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	k := call{doing: "get the manifest", method: http.MethodGet, path: api.PathManifest, want: http.StatusOK,
		limit: api.MaxManifest, signed: true}
	if after != 0 {
		k.wait = wait
		k.query = url.Values{"after": {strconv.FormatUint(after, 10)}, "wait": {wait.String()}}.Encode()
	}
	return c.do(ctx, k)
}

// ManifestUnless gets the current manifest of a mirror, as Manifest does. tag is the entity tag
// (RFC 9110, 8.8.3) that came with the one before; if that is still current, sealed is nil.
func (c *Client) ManifestUnless(ctx context.Context, tag string) (sealed []byte, newTag string, err error) {
	sealed, err = c.do(ctx, call{
		doing: "get the manifest", method: http.MethodGet, path: api.PathManifest, want: http.StatusOK,
		limit: api.MaxManifest, signed: true, tag: &tag,
	})
	return sealed, tag, err
}

// Blob gets the blob whose SHA-256 is h, and checks the hash.
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
		return nil, c.failure(k.doing, &WrongBytes{len(data), got})
	}
	return data, nil
}

// Check asks the registry for the standing of whoever shows this code (kiosk.Checker). If it says
// nothing about the code, or nothing more to this door for now, that is kiosk.ErrUnknownPerson.
func (c *Client) Check(ctx context.Context, code string) (kiosk.Standing, error) {
	const doing = "ask for a standing"
	body, err := json.Marshal(api.CheckRequest{Code: code})
	if err != nil {
		return kiosk.Standing{}, c.failure(doing, err)
	}
	data, err := c.do(ctx, call{
		doing: doing, method: http.MethodPost, path: api.PathCheck, body: body, auth: true,
		want: http.StatusOK, limit: maxAnswer,
	})
	if refused, ok := errors.AsType[*api.Refusal](err); ok && saysNothing[refused.Status] && refused.Said.Error != "" {
		// Only a registry explains itself like that; any other 404 comes from another server.
		return kiosk.Standing{}, fmt.Errorf("%s: %w: %q", doing, kiosk.ErrUnknownPerson, refused.Said.Error)
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

// saysNothing are the answers of a registry that works and says nothing about the code.
var saysNothing = map[int]bool{
	http.StatusNotFound: true, http.StatusUnprocessableEntity: true, http.StatusTooManyRequests: true,
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
		return kiosk.Standing{}, fmt.Errorf("%w: it has no as_of time", errNotRegistry)
	}
	return kiosk.Standing{Status: status, AsOf: answer.AsOf, Until: answer.Until}, nil
}

// DoorKeys gets the envelope of this door's keys (package doorkeys), sealed and unverified.
func (c *Client) DoorKeys(ctx context.Context) ([]byte, error) {
	return c.do(ctx, call{
		doing: "get the door's keys", method: http.MethodGet, path: api.PathDoorKeys, auth: true,
		want: http.StatusOK, limit: maxAnswer,
	})
}

// Visits tells the other doors of the venue whom this one has let in, and hears of theirs.
func (c *Client) Visits(ctx context.Context, q api.VisitsRequest) (a api.VisitsAnswer, err error) {
	const doing = "exchange visits"
	body, err := json.Marshal(q)
	if err != nil {
		return a, c.failure(doing, err)
	}
	data, err := c.do(ctx, call{
		doing: doing, method: http.MethodPost, path: api.PathVisits, body: body, auth: true,
		want: http.StatusOK, limit: maxAnswer,
	})
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return api.VisitsAnswer{}, c.failure(doing, fmt.Errorf("%w: %w", errNotRegistry, err))
	}
	return a, nil
}

// SendCounts delivers one report, api.Counts in JSON. The same report may be sent again: its ID
// makes that harmless.
func (c *Client) SendCounts(ctx context.Context, body []byte) error {
	_, err := c.do(ctx, call{
		doing: "send counts", method: http.MethodPost, path: api.PathCounts, body: body, auth: true,
		want: http.StatusNoContent, limit: maxAnswer,
	})
	return err
}

// Places asks for places of the venue, and says what became of the last ones.
func (c *Client) Places(ctx context.Context, q api.PlacesRequest) (a api.PlacesAnswer, err error) {
	const doing = "ask for places"
	body, err := json.Marshal(q)
	if err != nil {
		return a, c.failure(doing, err)
	}
	data, err := c.do(ctx, call{
		doing: doing, method: http.MethodPost, path: api.PathPlaces, body: body, auth: true,
		want: http.StatusOK, limit: maxAnswer,
	})
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return api.PlacesAnswer{}, c.failure(doing, fmt.Errorf("%w: %w", errNotRegistry, err))
	}
	return a, nil
}
