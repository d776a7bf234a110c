package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Headers of a webhook.
const (
	HeaderTimestamp = "Ashyq-Timestamp"
	HeaderSignature = "Ashyq-Signature"
)

// Hooks posts messages to the programs of others. Who may name a recipient must not reach the
// registry's own network through it: only public addresses are called, and no redirect is followed.
type Hooks struct {
	Networks []netip.Prefix // that may be called although they are not public
	Roots    *x509.CertPool // nil: the system's
}

// CheckURL tells whether a text is the address of a webhook. Letters of other scripts look like
// ours, so it has to be ASCII.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(text) > 500 ||
		strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%q is not an address like https://example.kz/ashyq", text)
	}
	return nil
}

// Sign is the value of HeaderSignature.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Send posts a message and wants an answer of 200 to 299.
func (h Hooks) Send(ctx context.Context, address, secret string, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if req.URL.Scheme != "https" {
		return fmt.Errorf("%q is not https", address)
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "ashyq-registry")
	req.Header.Set(HeaderTimestamp, timestamp)
	req.Header.Set(HeaderSignature, Sign(secret, timestamp, body))
	client := h.client()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		if with, ok := errors.AsType[*url.Error](err); ok {
			err = with.Err // the address may hold a password, and this is logged
		}
		return fmt.Errorf("call a webhook: %w", err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil {
		return fmt.Errorf("read a webhook's answer: %w", err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the webhook answers %s", res.Status)
	}
	return nil
}

func (h Hooks) client() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: h.admit}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // no proxy: it would look names up itself
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: h.Roots, MinVersion: tls.VersionTLS12},
		},
	}
}

var errInternal = errors.New("is not a public address; serve --hook-networks allows it")

// admit looks at the address that a name has led to.
func (h Hooks) admit(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap().WithZone("")
	for _, network := range h.Networks {
		if network.Contains(ip) {
			return nil
		}
	}
	if !isPublic(ip) {
		return fmt.Errorf("%s %w", ip, errInternal)
	}
	return nil
}

// assigned are the only addresses of IPv6 that lead to the internet. Of the others, some hold an
// address of IPv4.
var assigned = netip.MustParsePrefix("2000::/3")

// special are networks that netip takes for global and that lead elsewhere: shared by a provider's
// customers, for tests, reserved, and IPv6 that holds an IPv4 address.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"),
}

func isPublic(ip netip.Addr) bool {
	for _, network := range special {
		if network.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && (ip.Is4() || assigned.Contains(ip))
}
