package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"

	"ashyq-kiosk/registry/server"
)

// tls is nil where the registry speaks plain HTTP.
func (c *serveCmd) tls(authority *server.Authority) (*tls.Config, error) {
	switch {
	case c.TLSOwn:
		public, err := url.Parse(c.PublicURL)
		if err != nil {
			return nil, err
		}
		return authority.OwnTLS(public.Hostname())
	case c.TLSCert != "":
		certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("load the certificate: %w", err)
		}
		config := authority.TLS()
		config.Certificates = []tls.Certificate{certificate}
		return config, nil
	}
	return nil, nil
}

// vouches is the authority whose pin new doors are given: that of --tls-own, of --tls-ca, or the last one in the chain.
// One that is not in the chain is added to it: a new door has only the pin and looks there for what goes with it. It is
// nil where the chain ends before an authority.
func (c *serveCmd) vouches(own *server.Authority, config *tls.Config) (*x509.Certificate, error) {
	if c.TLSOwn {
		return own.Certificate, nil
	}
	served := &config.Certificates[0]
	last, err := x509.ParseCertificate(served.Certificate[len(served.Certificate)-1])
	if err != nil {
		return nil, fmt.Errorf("read the certificate chain: %w", err)
	}
	if c.TLSCA == "" {
		if !last.IsCA {
			return nil, nil
		}
		return last, nil
	}
	ca, err := readCertificate(c.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("--tls-ca: %w", err)
	}
	if bytes.Equal(ca.Raw, last.Raw) {
		return ca, nil
	}
	if err := last.CheckSignatureFrom(ca); err != nil {
		return nil, fmt.Errorf("--tls-ca: the authority in %q did not sign the last certificate in %q: %w\nhint: --tls-cert takes the whole chain, the server's certificate first",
			c.TLSCA, c.TLSCert, err)
	}
	served.Certificate = append(served.Certificate, ca.Raw)
	return ca, nil
}

func readCertificate(file string) (*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%q has no certificate in PEM", file)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", file, err)
	}
	return certificate, nil
}
