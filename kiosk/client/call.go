package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// maxRedirects is the limit for redirects, all to the same host.
const maxRedirects = 3

// newHTTP returns a client with reusable connections. It speaks HTTP/1.1 only: with HTTP/2 the long
// poll, the blobs and the question about the person at the door would share one connection, and all
// hang if it is dead.
func (c *Client) newHTTP(cert *tls.Certificate, authorities *x509.CertPool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	dialer := net.Dialer{Timeout: c.timeout}
	return &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			Protocols:              protocols,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        c.tls(cert, authorities),
			TLSHandshakeTimeout:    c.timeout,
			MaxIdleConnsPerHost:    4, // long poll, blobs, check, counts
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 32 << 10,
			DisableCompression:     true, // otherwise an answer could grow beyond the size limit
		},
	}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host:
		return fmt.Errorf("%w to %q", errElsewhere, req.URL.Scheme+"://"+req.URL.Host)
	case first.Method != http.MethodGet:
		return fmt.Errorf("%w a %s", errElsewhere, first.Method) // its body would be lost, or sent twice
	case len(via) > maxRedirects:
		return fmt.Errorf("%w more than %d times", errElsewhere, maxRedirects)
	}
	return nil
}

var userAgent = "ashyq-kiosk/" + version()

// version is the binary's module version, as the go command stamped it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// call is one request and the limits of its answer.
type call struct {
	doing        string // for errors, such as "get the manifest"
	method, path string
	query        string
	body         []byte        // JSON; nil: no body
	auth         bool          // identify the door
	signed       bool          // the answer is signed, so the certificate's dates may be wrong
	wait         time.Duration // how long the registry may delay its answer
	want         int           // status code
	orNothing    bool          // 204 is also an answer: there is nothing
	limit        int64         // of the answer, bytes
	tag          *string       // of what the caller has, then of the answer; 304 is also an answer. nil: none
}

// do returns the body of the wanted answer. Every error is an *api.CallError or the error of ctx.
func (c *Client) do(ctx context.Context, k call) ([]byte, error) {
	patience := k.wait + c.timeout
	total := patience + time.Duration(k.limit/slowest)*time.Second
	inner, cancel := context.WithTimeoutCause(ctx, total, errTimeout)
	defer cancel()
	inner, stall := context.WithCancelCause(inner)
	defer stall(nil)
	timer := time.AfterFunc(patience, func() { stall(errTimeout) })
	defer timer.Stop()

	progress := func() { timer.Reset(c.timeout) }
	data, err := c.roundTrip(inner, k, c.connections(), progress)
	if _, dates := outOfTime(err); dates && k.signed && c.cfg.Authority == nil {
		data, err = c.roundTrip(inner, k, c.timeless(), progress)
	}
	switch {
	case err == nil:
		return data, nil
	case ctx.Err() != nil: // the caller has stopped, so this says nothing about the registry
		return nil, fmt.Errorf("%s: %w", k.doing, ctx.Err())
	case inner.Err() != nil:
		err = context.Cause(inner)
	}
	return nil, c.failure(k.doing, err)
}

// roundTrip calls progress each time it has received something.
func (c *Client) roundTrip(ctx context.Context, k call, over *http.Client, progress func()) ([]byte, error) {
	req, err := c.request(ctx, k)
	if err != nil {
		return nil, err
	}
	resp, err := over.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	progress()
	switch {
	case k.orNothing && resp.StatusCode == http.StatusNoContent:
		return nil, nil
	case k.tag != nil && *k.tag != "" && resp.StatusCode == http.StatusNotModified:
		return nil, nil
	case resp.StatusCode != k.want:
		return nil, c.readRefusal(resp)
	}
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, fmt.Errorf("%w: content encoding %q, want none", errNotRegistry, coding)
	}
	if k.tag != nil {
		*k.tag = resp.Header.Get("ETag")
	}
	return readLimited(watched{resp.Body, progress}, k.limit)
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	u := c.base.JoinPath(k.path)
	u.RawQuery = k.query
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), bytes.NewReader(k.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	if c.cfg.Mirror {
		req.Header.Set("User-Agent", "ashyq-kiosk") // versions tell doors apart
	}
	if k.tag != nil && *k.tag != "" {
		req.Header.Set("If-None-Match", *k.tag)
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
		// All POSTs may be repeated. An empty key is not sent and tells the transport so: it then
		// repeats a request on a kept connection that a router has forgotten meanwhile.
		req.Header["Idempotency-Key"] = nil
	}
	if !k.auth {
		return req, nil
	}
	for name, value := range map[string]string{
		api.HeaderDevice: c.cfg.Device, api.HeaderVersion: c.cfg.Version,
		api.HeaderVenue: c.cfg.Venue, api.HeaderZone: c.cfg.Zone, api.HeaderWay: c.cfg.Way,
		api.HeaderConfig: c.cfg.Config,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

func readLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLong, limit)
	}
	return data, nil
}

// readRefusal turns an unexpected status into an error, with the registry's words if there are
// some.
func (c *Client) readRefusal(resp *http.Response) error {
	r := &api.Refusal{Status: resp.StatusCode}
	if c.cfg.Mirror {
		return r // anybody's words
	}
	data, err := readLimited(resp.Body, maxAnswer)
	if err != nil || json.Unmarshal(data, &r.Said) != nil {
		r.Said = api.Error{} // only a complete explanation counts
	}
	if r.Said.Code != "" && c.cfg.Refused != nil {
		c.cfg.Refused(r.Said.Code)
	}
	return r
}

// watched calls progress for each read that returns data.
type watched struct {
	io.Reader
	progress func()
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.progress()
	}
	return n, err
}
