package server

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	citizens "ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// adminKey begins with a dash where its prefix ends, as one key in 64 does.
const adminKey = "k1-he-administrators-keyAAAAAAAAAAAAAAAAAAAAA"

// Two numbers with right check digits; nobody has them, the 13th month does not exist.
const iinA, iinB, iinC = "011399500018", "011399500107", "011399500206"

// rig is a registry on a database of its own, talked to as over the network.
type rig struct {
	testing.TB
	*Server
	file      string
	authority *Authority
	bundles   string
	log       bytes.Buffer
	stop      func()
	change    func(*Options) // nil: as they are
	looks     time.Duration  // so often without news; 0: as it is
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newRigThat(t, nil)
}

func newRigWith(t testing.TB, alerting AlertOptions) *rig {
	t.Helper()
	return newRigThat(t, func(o *Options) { o.Alerts = alerting })
}

// newRigThat is a registry with other options.
func newRigThat(t testing.TB, change func(*Options)) *rig {
	t.Helper()
	r := &rig{TB: t, change: change, file: filepath.Join(t.TempDir(), "registry.db"), authority: newAuthority(t), bundles: t.TempDir()}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

// start opens the database and runs the registry until stop.
func (r *rig) start() {
	r.Helper()
	db, err := store.Open(r.Context(), r.file)
	if err != nil {
		r.Fatal(err)
	}
	options := Options{
		Store:        db,
		RegistryKey:  ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)),
		IssuerKey:    ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32)),
		AdminKey:     adminKey,
		PublicURL:    "https://registry.example/",
		Authority:    r.authority,
		DoorsURL:     "https://registry.example:8443/",
		Bundles:      r.bundles,
		DefaultRules: kiosk.DefaultRulesJSON(),
		CheckVenue:   func(kind string) error { _, err := kiosk.ParseVenue(kind); return err },
		Log:          slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if r.change != nil {
		r.change(&options)
	}
	if r.Server, err = New(r.Context(), options); err != nil {
		r.Fatal(err)
	}
	if r.looks != 0 {
		r.publisher.idle = r.looks
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := errors.Join(<-done, db.Close()); err != nil {
			r.Errorf("the registry stopped with: %v", err)
		}
		r.stop = func() {}
	}
}

// pass lets a long time go by with the registry switched off: one that runs looks 43,200 times in a
// day.
func (r *rig) pass(d time.Duration) {
	r.Helper()
	r.stop()
	time.Sleep(d) // fake
	r.start()
}

// call sends a request; body is JSON, or text that is sent as it is.
func (r *rig) call(method, path, key string, body any) *httptest.ResponseRecorder {
	r.Helper()
	data, ok := body.(string)
	if !ok {
		raw, err := json.Marshal(body)
		if err != nil {
			r.Fatal(err)
		}
		data = string(raw)
	}
	req := httptest.NewRequestWithContext(r.Context(), method, path, strings.NewReader(data))
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// callAs sends a request with a door's certificate, as TLS would hand it over.
func (r *rig) callAs(b *box, method, path string, body any) *httptest.ResponseRecorder {
	r.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		r.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(b.card.Certificate[0])
	if err != nil {
		r.Fatal(err)
	}
	req := httptest.NewRequestWithContext(r.Context(), method, path, bytes.NewReader(data))
	req.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
	req.Header.Set(api.HeaderDevice, b.device)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// post sends body and reads the answer, nil for none.
func (r *rig) post(path, key string, body, answer any) {
	r.Helper()
	w := r.call(http.MethodPost, path, key, body)
	if answer == nil {
		if w.Code != http.StatusNoContent {
			r.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
		}
		return
	}
	if w.Code != http.StatusOK {
		r.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
		r.Fatalf("POST %s: %v in %s", path, err, w.Body)
	}
}

// follow is one long poll; it is how the tests wait for a change.
func (r *rig) follow(after uint64) api.Manifest {
	r.Helper()
	m := r.manifestAfter(after, 60*time.Second)
	if m.Version <= after {
		r.Fatalf("no version after %d", after)
	}
	return m
}

func (r *rig) manifestAfter(after uint64, wait time.Duration) api.Manifest {
	r.Helper()
	w := r.call(http.MethodGet, fmt.Sprintf("%s?after=%d&wait=%s", api.PathManifest, after, wait), "", "")
	m, err := api.OpenManifest(w.Body.Bytes(), r.registryKey())
	if err != nil {
		r.Fatalf("manifest: %d: %v", w.Code, err)
	}
	return m
}

func (r *rig) registryKey() ed25519.PublicKey { return r.opt.RegistryKey.Public().(ed25519.PublicKey) }

func (r *rig) blobOf(h api.Hash) []byte {
	r.Helper()
	w := r.call(http.MethodGet, api.PathBlob+"/"+h.String(), "", "")
	if w.Code != http.StatusOK || api.HashOf(w.Body.Bytes()) != h {
		r.Fatalf("blob %v: %d, %d bytes", h, w.Code, w.Body.Len())
	}
	return w.Body.Bytes()
}

func (r *rig) section(m api.Manifest, id int) *statuslist.Section {
	r.Helper()
	list, err := api.ReadList(m, r.listKeys(), func(h api.Hash) ([]byte, error) { return r.blobOf(h), nil })
	if err != nil {
		r.Fatal(err)
	}
	return list[id]
}

// listKeys is the ring of a door that has every live key.
func (r *rig) listKeys() keyring {
	r.Helper()
	keys, err := r.opt.Store.ListKeys(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	ring := keyring{}
	for _, k := range keys {
		ring[k.Generation] = k.Key
	}
	return ring
}

// keyring is list keys by their generation.
type keyring map[uint32][32]byte

// ListKey implements statuslist.Keyring.
func (k keyring) ListKey(generation uint32) (secret [32]byte, ok bool) {
	secret, ok = k[generation]
	return secret, ok
}

func (r *rig) source(kind string) string {
	r.Helper()
	var a SourceAnswer
	r.post(PathSources, adminKey, SourceRequest{Name: kind, Kind: kind}, &a)
	return a.Key
}

// phone is a citizen's, and the place of its pass in the list.
type phone struct {
	*citizens.Phone
	index uint32
	since statuslist.Edition
}

func (r *rig) activate(iin string, seed byte) phone {
	r.Helper()
	var c CitizenAnswer
	r.post(PathCitizens, adminKey, CitizenRequest{IIN: iin}, &c)
	return r.activateWith(c.Code, seed)
}

func (r *rig) activateWith(code string, seed byte) phone {
	r.Helper()
	p := phone{Phone: citizens.New(keyOf(seed))}
	r.post(PathActivate, "", ActivateRequest{Code: code, Key: p.Key()}, nil)
	return r.place(p)
}

// place tops a new phone up and looks where its pass is.
func (r *rig) place(p phone) phone {
	r.Helper()
	r.topUp(p, 1)
	c, err := pass.OpenCredential(p.Credential(pass.DayOf(time.Now())))
	r.must(err)
	place := r.placeIn(c)
	p.index, p.since = place.Index, place.Since
	return p
}

// placeIn opens a credential's block.
func (r *rig) placeIn(c pass.Credential) pass.Place {
	r.Helper()
	keys, err := r.placeKeys(r.Context())
	r.must(err)
	place, err := keys.Open(c)
	r.must(err)
	return place
}

// topUp gets credentials for so many days.
func (r *rig) topUp(p phone, days int) {
	r.Helper()
	asked, err := p.TopUp(time.Now(), days)
	r.must(err)
	var a TopUpAnswer
	r.post(PathTopUp, "", TopUpRequest{asked}, &a)
	r.must(p.Take(a.Credentials))
}

// code is what the phone shows now.
func (r *rig) code(p phone) string {
	r.Helper()
	if !p.Has(pass.DayOf(time.Now())) {
		r.topUp(p, 1)
	}
	code, err := p.Code(time.Now())
	r.must(err)
	return code
}

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
}

func publicKey(key ed25519.PrivateKey) string {
	return base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

func (r *rig) selfOf(p phone) string {
	r.Helper()
	self, err := p.Self(time.Now())
	r.must(err)
	return self
}

func (r *rig) self(p phone) SelfAnswer {
	r.Helper()
	var a SelfAnswer
	r.post(PathSelf, "", SelfRequest{Self: r.selfOf(p)}, &a)
	return a
}

// figures are what Prometheus gets.
func (r *rig) figures() string {
	w := httptest.NewRecorder()
	r.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func lower(s string) string { return strings.ToLower(s) }
