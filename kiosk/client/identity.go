package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"ashyq-kiosk/kiosk/api"
)

var errAuthority = errors.New("the server presents no certificate of the authority in the enrolment code")

// connections returns those of the door's current identity. A connection keeps its certificate, so
// a new certificate needs new connections; calls in progress end on the old ones.
func (c *Client) connections() *http.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.Identity == nil {
		return c.http
	}
	if cert, authorities := c.cfg.Identity(); cert != c.cert {
		c.http.CloseIdleConnections()
		c.http, c.cert = c.newHTTP(cert, authorities), cert
	}
	return c.http
}

func (c *Client) tls(cert *tls.Certificate, authorities *x509.CertPool) *tls.Config {
	cfg := &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	if cert != nil {
		// Not Certificates: a client sends those only to a server that lists their authority.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	if c.cfg.Authority != nil {
		cfg.InsecureSkipVerify = true // replaced by a stricter check: no authority of the system counts
		cfg.VerifyConnection = c.verify
	}
	return cfg
}

// verify does what crypto/tls does, with the one authority whose hash is known. The registry must
// present that authority's certificate, which servers may leave out if it is a root.
func (c *Client) verify(state tls.ConnectionState) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	found := false
	for _, cert := range state.PeerCertificates[1:] {
		if cert.IsCA && c.cfg.Authority(cert) {
			roots.AddCert(cert)
			found = true
		} else {
			between.AddCert(cert)
		}
	}
	if !found {
		return errAuthority
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		DNSName: c.base.Hostname(), Roots: roots, Intermediates: between, // nil KeyUsages: server authentication
	})
	return err
}

// Enrol exchanges a one-time token and the door's key for a certificate. The same request may be
// sent again.
func (c *Client) Enrol(ctx context.Context, request api.EnrolRequest) (api.EnrolAnswer, error) {
	return post[api.EnrolAnswer](ctx, c, "enrol", api.PathEnrol, request)
}

// Renew gets a new certificate.
func (c *Client) Renew(ctx context.Context, request api.RenewRequest) (api.RenewAnswer, error) {
	return post[api.RenewAnswer](ctx, c, "renew the door's certificate", api.PathRenew, request)
}

func post[A any](ctx context.Context, c *Client, doing, path string, request any) (answer A, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return answer, c.failure(doing, err)
	}
	data, err := c.do(ctx, call{
		doing: doing, method: http.MethodPost, path: path, body: body, auth: true, want: http.StatusOK, limit: maxAnswer,
	})
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, c.failure(doing, fmt.Errorf("%w: %w", errNotRegistry, err))
	}
	return answer, nil
}

// Update asks which version the door should run; ok is false if its rollout ring has no release.
func (c *Client) Update(ctx context.Context) (answer api.UpdateAnswer, ok bool, err error) {
	const doing = "ask for an update"
	data, err := c.do(ctx, call{
		doing: doing, method: http.MethodGet, path: api.PathUpdate, auth: true,
		want: http.StatusOK, orNothing: true, limit: maxAnswer,
	})
	if err != nil || data == nil {
		return answer, false, err
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, false, c.failure(doing, fmt.Errorf("%w: %w", errNotRegistry, err))
	}
	return answer, true, nil
}

// Hello tells the registry that the door is there, what it runs, as every request that identifies
// the door does, and how its board is.
func (c *Client) Hello(ctx context.Context, health api.Health) error {
	const doing = "say hello"
	body, err := json.Marshal(health)
	if err != nil {
		return c.failure(doing, err)
	}
	_, err = c.do(ctx, call{
		doing: doing, method: http.MethodPost, path: api.PathHello, body: body, auth: true,
		want: http.StatusNoContent, limit: maxAnswer,
	})
	return err
}
