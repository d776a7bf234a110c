package client

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"
)

// timeless are connections for what is signed in itself, to be used when the dates of the registry's certificate do not fit
// the door's clock: one of the two is wrong, and only what the registry has signed can tell the door which. The chain, the
// authority and the name are checked as always. The door does not say who it is.
func (c *Client) timeless() *http.Client {
	authorities := c.cfg.CA
	if c.cfg.Identity != nil {
		_, authorities = c.cfg.Identity()
	}
	h := c.newHTTP(nil, authorities)
	transport := h.Transport.(*http.Transport)
	transport.DisableKeepAlives = true
	transport.TLSClientConfig.InsecureSkipVerify = true // in favour of what follows
	transport.TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error {
		return verifyEver(state, authorities, c.base.Hostname())
	}
	return h
}

// verifyEver is what crypto/tls does, at some moment of the certificate's life: those behind it may have begun later, or
// ended sooner, than it did.
func verifyEver(state tls.ConnectionState, roots *x509.CertPool, name string) (err error) {
	leaf, between := state.PeerCertificates[0], x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	for _, at := range []time.Time{leaf.NotBefore, leaf.NotBefore.Add(life / 2), leaf.NotAfter} {
		_, err = leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: at})
		if err == nil {
			return nil
		}
	}
	return err
}
