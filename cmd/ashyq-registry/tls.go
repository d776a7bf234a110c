package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"

	"ashyq-kiosk/registry/server"
)

// pagesTLS is nil where the pages are plain HTTP.
func (c *serveCmd) pagesTLS(authority *server.Authority) (*tls.Config, error) {
	switch {
	case c.TLSOwn:
		host, err := hostOf(c.PublicURL)
		if err != nil {
			return nil, err
		}
		return authority.TLS(host)
	case c.TLSCert != "":
		certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("load the certificate of --tls-cert and the key of --tls-key: %w", err)
		}
		return &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{certificate},
		}, nil
	}
	return nil, nil
}

// strict tells browsers to speak only TLS with this host for a year (RFC 6797). They ignore it
// while they warn of the certificate.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
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
