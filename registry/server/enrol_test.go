package server

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/store"
)

const boardA, boardB = "00112233aabbccdd", "ffffffffffffffff"

// is fails the test unless a door was answered like that.
func is(t *testing.T, what string, status int, code string, wantStatus int, wantCode string) {
	t.Helper()
	if status != wantStatus || code != wantCode {
		t.Errorf("%s: %d %q, want %d %q", what, status, code, wantStatus, wantCode)
	}
}

// Everything here runs over TLS, in fake time.

func TestEnrol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		codes := codesFor(r, "door 1", "door 2")
		if pin := enrol.PinOf(r.authority.Certificate); string(codes[0].Pin) != string(pin[:]) ||
			codes[0].URL != "https://registry.example:8443" ||
			codes[0].SSID != "Mall" || string(codes[0].Token) == string(codes[1].Token) {
			t.Errorf("codes %+v", codes)
		}
		if k := overviewOf(t, r)["door 1"]; k.Enrolled || !k.CertUntil.IsZero() || k.Ring != "early" || k.Zone != "red" {
			t.Errorf("before it is enrolled: %+v", k)
		}
		b := r.newBox(network, boardA)
		status, code := b.update()
		is(t, "without a certificate", status, code, 401, "")
		status, code = b.enrol(codes[0])
		is(t, "enrol", status, code, 200, "")
		if b.name.Name != "door 1" || b.name.Venue != "shop" || b.name.Zone != "red" ||
			b.name.CA != certificatePEM(r.authority.Certificate) ||
			b.name.RegistryKey != api.FormatKey(r.registryKey()) {
			t.Errorf("the door is told %+v", b.name)
		}
		checkCertificate(t, b)
		status, code = b.update()
		is(t, "a request with the certificate", status, code, 204, "")
		if k := overviewOf(t, r)["door 1"]; !k.Enrolled || !k.CertUntil.Equal(now().Add(doorLasts)) ||
			k.Running != "1.2.3" || !k.Seen.Equal(now()) {
			t.Errorf("enrolled: %+v", k)
		}
		first := b.card
		status, code = b.enrol(codes[0])
		is(t, "the same code and key again", status, code, 200, "")
		if string(first.Certificate[0]) == string(b.card.Certificate[0]) {
			t.Error("the second answer is the first one")
		}
		status, code = b.update()
		is(t, "with the second answer", status, code, 204, "")

		thief := r.newBox(network, boardB)
		status, code = thief.enrol(codes[0])
		is(t, "another key", status, code, 409, api.CodeUsed)
		if k := overviewOf(t, r)["door 1"]; !k.CodeUsedTwice || k.Copied {
			t.Errorf("a code used twice: %+v", k)
		}
		r.pass(defaultDays * 24 * time.Hour)
		status, code = thief.enrol(codes[1])
		is(t, "an old code", status, code, 403, api.CodeExpired)
		for _, secret := range []string{base64.RawURLEncoding.EncodeToString(codes[0].Token), "correct horse", boardA} {
			if strings.Contains(r.log.String(), secret) {
				t.Errorf("the log contains %q", secret)
			}
		}
	})
}

func checkCertificate(t *testing.T, b *box) {
	t.Helper()
	c, err := x509.ParseCertificate(b.card.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(b.authority.Certificate)
	if _, err := c.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if c.IsCA || len(c.ExtKeyUsage) != 1 || c.Subject.CommonName != "ashyq-door-1" ||
		!c.NotAfter.Equal(now().Add(doorLasts)) {
		t.Errorf("certificate of %q: CA %v, usage %v, until %v", c.Subject.CommonName, c.IsCA, c.ExtKeyUsage, c.NotAfter)
	}
}

func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		b := r.newBox(network, boardA)
		status, code := b.renew()
		is(t, "nothing to renew", status, code, 401, "")
		b.enrol(codesFor(r, "door")[0])
		old := b.copyTo(boardA)
		r.pass(doorLasts * 2 / 3)
		status, code = b.renew()
		is(t, "renew", status, code, 200, "")
		status, code = old.update()
		is(t, "the old one before the new one is used", status, code, 204, "")
		status, code = b.update()
		is(t, "the new one", status, code, 204, "")
		status, code = old.update()
		is(t, "a request that was under way", status, code, 204, "")
		time.Sleep(time.Minute)
		status, code = old.update()
		is(t, "the old one in use: a copied card", status, code, 403, "")
		status, code = old.renew()
		is(t, "renew a copied card", status, code, 403, "")
		if k := overviewOf(t, r)["door"]; !k.Copied || !k.Enrolled {
			t.Errorf("a copied card: %+v", k)
		}
		status, code = b.update()
		is(t, "the right card", status, code, 204, "")
		b.enrol(codesFor(r, "door")[0])
		if overviewOf(t, r)["door"].Copied {
			t.Error("a new code does not end the complaint")
		}

		r.pass(doorLasts + time.Second)
		if overviewOf(t, r)["door"].Enrolled {
			t.Error("enrolled with a certificate that has ended")
		}
		status, code = b.update()
		is(t, "ended", status, code, 403, api.CodeExpired)
		r.pass(api.RenewGrace - 2*time.Second)
		status, code = b.renew()
		is(t, "after a season switched off", status, code, 403, api.CodeUnapproved)
		r.post(PathApproveDoor, adminKey, ApproveRequest{Name: "door"}, nil)
		status, code = b.renew()
		is(t, "approved", status, code, 200, "")
		status, code = b.update()
		is(t, "back again", status, code, 204, "")
		r.pass(doorLasts + api.RenewGrace + time.Second)
		status, code = b.renew()
		is(t, "after too long", status, code, 403, api.CodeExpired)
	})
}

func TestCopiedAndRevokedDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		b := r.newBox(network, boardA)
		b.enrol(codesFor(r, "door")[0])
		status, code := b.copyTo("").update()
		is(t, "no board", status, code, 400, "")
		if overviewOf(t, r)["door"].Copied {
			t.Error("a request without the header counts as a copied card")
		}
		copied := b.copyTo(boardB)
		status, code = copied.update()
		is(t, "another board", status, code, 403, "")
		if !overviewOf(t, r)["door"].Copied {
			t.Error("a copied card is not shown")
		}
		status, code = b.update()
		is(t, "the first board", status, code, 204, "")

		status, code = b.enrolAs(r.newBox(network, boardA), codesFor(r, "other")[0])
		is(t, "a request for another key", status, code, 200, "")
		r.post(PathRevokeDoor, adminKey, RevokeDoorRequest{Name: "door"}, nil)
		for what, ask := range map[string]func() (int, string){"use": b.update, "renew": b.renew, "copy": copied.update} {
			status, code = ask()
			is(t, "revoked: "+what, status, code, 403, api.CodeRevoked)
		}
		if k := overviewOf(t, r)["door"]; !k.Revoked || k.Enrolled {
			t.Errorf("revoked: %+v", k)
		}
		status, code = b.enrol(codesFor(r, "door")[0])
		is(t, "enrolled anew", status, code, 200, "")
		status, code = b.update()
		is(t, "back", status, code, 204, "")

		// A certificate of another registry is nobody's here.
		foreign, err := newAuthority(t).signDoor(1, b.key.Public())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // what it has checked is remembered, unless it was wrong
			if _, err := r.authority.door(foreign); err == nil {
				t.Error("another authority's certificate was taken")
			}
		}
		if len(r.authority.signed) == 0 {
			t.Error("the door's signature is checked with each question")
		}
		// The registry's own certificate for TLS is not a door's.
		config, err := r.authority.TLS("ashyq-door-1")
		if err != nil {
			t.Fatal(err)
		}
		own, err := config.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.authority.door(own.Leaf); err == nil {
			t.Error("a server's certificate was taken for a door's")
		}
	})
}

// enrolAs enrols another door over a connection on which this one's certificate is shown: it does
// not matter.
func (b *box) enrolAs(other *box, code enrol.Code) (int, string) {
	b.Helper()
	other.card = b.card
	return other.enrol(code)
}

func TestEnrolRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(nil, boardA)
		doors := func(change func(*EnrolCodesRequest)) EnrolCodesRequest {
			q := EnrolCodesRequest{Doors: []EnrolDoor{{Name: "door", Venue: "shop"}}}
			change(&q)
			return q
		}
		many := doors(func(q *EnrolCodesRequest) {
			q.Doors = nil
			for i := range maxDoors + 1 {
				q.Doors = append(q.Doors, EnrolDoor{Name: fmt.Sprint(i), Venue: "shop"})
			}
		})
		token := codesFor(r, "waiting door")[0].Token
		ask := func(change func(*api.EnrolRequest)) api.EnrolRequest {
			q := api.EnrolRequest{Token: base64.RawURLEncoding.EncodeToString(token), CSR: b.csr(), Device: boardA, SealKey: b.sealKey()}
			change(&q)
			return q
		}
		for _, test := range []struct {
			name, path, key string
			body            any
			code            int
			hint            string
		}{
			{"no administrator", PathEnrolCodes, strangeKey, doors(func(*EnrolCodesRequest) {}), 401, "admin.key"},
			{"no doors", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.Doors = nil }), 400, "500"},
			{"too many doors", PathEnrolCodes, adminKey, many, 400, "500"},
			{"one name twice", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) {
				q.Doors = append(q.Doors,
					q.Doors[0])
			}), 400, "its own"},
			{"no name", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.Doors[0].Name = "" }), 400,
				"1 to 197 bytes"},
			{"unknown venue", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.Doors[0].Venue = "moon" }),
				400, "venue"},
			{"unknown zone", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.Doors[0].Zone = "blue" }),
				400, "yellow"},
			{"unknown way", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.Doors[0].Way = "out" }), 400, "exit"},
			{"unknown ring", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.Doors[0].Ring = "late" }),
				400, "early"},
			{"for a year", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.Days = 365 }), 400, "90"},
			{"short passphrase", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) {
				q.WiFi = &api.WiFi{SSID: "x",
					Passphrase: "short"}
			}), 400, "Wi-Fi"},
			{"no network", PathEnrolCodes, adminKey, doors(func(q *EnrolCodesRequest) { q.WiFi = &api.WiFi{Country: "KZ"} }),
				400, "Wi-Fi"},
			{"not a token", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.Token = "AAAA" }), 400, "16 bytes"},
			{"not a request", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.CSR = "x" }), 400, "PKCS #10"},
			{"a changed request", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.CSR = forge(t, q.CSR) }),
				400, "PKCS #10"},
			{"an RSA key", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.CSR = rsaRequest(t) }), 400, "P-256"},
			{"no key of its own", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.SealKey = "" }), 400, "seal_key"},
			{"a short key of its own", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.SealKey = q.SealKey[:44] }), 400, "seal_key"},
			{"a key that hides nothing", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.SealKey = api.FormatKey(make([]byte, 32)) }), 400, "seal_key"},
			{"not a board", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.Device = "1000000012345678x" }), 400, "16 hex"},
			{"an unknown token", api.PathEnrol, "", ask(func(q *api.EnrolRequest) { q.Token = base64.RawURLEncoding.EncodeToString(newToken()) }), 403, "new code"},
			{"revoke an unknown door", PathRevokeDoor, adminKey, RevokeDoorRequest{Name: "x"}, 404, "overview"},
			{"approve a door that does not ask", PathApproveDoor, adminKey, ApproveRequest{Name: "x"}, 404, "has to ask first"},
			{"unknown ring", PathReleases, adminKey, store.ReleaseRequest{Ring: "x"}, 400, "test"},
			{"no such bundle", PathReleases, adminKey, store.ReleaseRequest{Ring: "all", Bundle: "x.raucb", Version: "1"}, 404,
				"--bundles"},
		} {
			w := r.call(http.MethodPost, test.path, test.key, test.body)
			var e api.Error
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != test.code || e.Error == "" ||
				!strings.Contains(e.Hint, test.hint) {
				t.Errorf("%s: %d %s, want %d with hint %q", test.name, w.Code, w.Body, test.code, test.hint)
			}
		}
		if n := len(overviewOf(t, r)); n != 1 {
			t.Errorf("%d doors came of refused orders", n-1)
		}
	})
}

// A door's key may be of Ed25519 as well as on P-256.
func TestEnrolEd25519(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		code := codesFor(r, "door")[0]
		b := r.newBox(r.serveTLS(), boardA)
		var err error
		if _, b.key, err = ed25519.GenerateKey(nil); err != nil {
			t.Fatal(err)
		}
		status, word := b.enrol(code)
		is(t, "an Ed25519 key", status, word, 200, "")
		status, word = b.update()
		is(t, "its certificate", status, word, 204, "")
	})
}

// The address for doors shows nothing of the offices' interface, whatever key is sent.
func TestDoorsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for _, path := range []string{PathOverview, PathCitizens, PathEnrolCodes, PathResults, "/metrics", "/"} {
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.Header.Set("Authorization", "Bearer "+adminKey)
			w := httptest.NewRecorder()
			r.Doors().ServeHTTP(w, req)
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		for _, text := range []string{
			"http://registry.example", "https://registry.example/below", "https://", "registry.example:8443",
			"https://Registry.example", "https://" + strings.Repeat("a.", 60) + "example",
		} {
			if CheckDoorsURL(text) == nil {
				t.Errorf("%q was taken", text)
			}
		}
		err := CheckDoorsURL("https://\u0430шық.қаз:8443")
		if err == nil || !strings.Contains(err.Error(), "xn--") {
			t.Errorf("a host that is not ASCII: %v, want how to write it", err)
		}
	})
}

func forge(t *testing.T, request string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(request))
	block.Bytes[len(block.Bytes)-1] ^= 1
	return string(pem.EncodeToMemory(block))
}

func rsaRequest(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: der}))
}
