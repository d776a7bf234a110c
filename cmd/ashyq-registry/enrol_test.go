package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/server"
)

// TestEnrolAgainstTheProgram enrols a door at the real program, which has to keep what it knows of
// it through a kill.
func TestEnrolAgainstTheProgram(t *testing.T) {
	p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
	p.serve()
	raw, err := os.ReadFile(filepath.Join(p.data, adminFile))
	if err != nil {
		t.Fatal(err)
	}
	admin := strings.TrimSpace(string(raw))
	ca, err := readCertificate(filepath.Join(p.data, caFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	config := &tls.Config{RootCAs: roots}
	ask := func(method, base, path, key string, body, answer any) int {
		t.Helper()
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(method, base+path, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set(api.HeaderDevice, "00112233aabbccdd")
		transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if answer != nil {
			if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
				t.Fatal(err)
			}
		}
		return res.StatusCode
	}

	var codes server.EnrolCodesAnswer
	ask(http.MethodPost, p.url, server.PathEnrolCodes, admin, server.EnrolCodesRequest{Doors: []server.EnrolDoor{{Name: "door", Venue: "shop"}}}, &codes)
	code, err := enrol.Parse(codes.Codes[0].Code)
	if pin := enrol.PinOf(ca); err != nil || !bytes.Equal(code.Pin, pin[:]) || code.URL != p.doors {
		t.Fatalf("code %+v: %v", code, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	sealKey, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var door api.EnrolAnswer
	ask(http.MethodPost, p.doors, api.PathEnrol, "", api.EnrolRequest{
		Token: base64.RawURLEncoding.EncodeToString(code.Token), Device: "00112233aabbccdd",
		SealKey: api.FormatKey(sealKey.PublicKey().Bytes()),
		CSR:     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	}, &door)
	block, _ := pem.Decode([]byte(door.Certificate))
	if block == nil || door.Name != "door" || door.Zone != "green" {
		t.Fatalf("enrolled as %+v", door)
	}
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key}}
	p.kill()
	p.serve()
	if status := ask(http.MethodGet, p.doors, api.PathUpdate, "", nil, nil); status != http.StatusNoContent {
		t.Errorf("the door after a kill: %d", status)
	}
	ask(http.MethodPost, p.url, server.PathRevokeDoor, admin, server.RevokeDoorRequest{Name: "door"}, nil)
	p.kill()
	p.serve()
	var refused api.Error
	if status := ask(http.MethodGet, p.doors, api.PathUpdate, "", nil, &refused); status != http.StatusForbidden ||
		refused.Code != api.CodeRevoked {
		t.Errorf("the revoked door after a kill: %d %+v", status, refused)
	}
	p.kill()
}
