package main

import (
	"bufio"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

const (
	listName = "https://registry.invalid/list"
	sections = 22 // of 2^20 people, seven eighths of them given out
	deltas   = 32 // that a manifest names
)

// registry publishes the list of a whole country over TLS, signed like the real one. The real one
// would need 20 million people in its database for that.
type registry struct {
	key, issuer ed25519.PrivateKey
	certificate tls.Certificate // of its authority, of its TLS, and of the door
	door        *ecdh.PrivateKey
	places      doorkeys.PlaceKeys

	mu       sync.Mutex
	opened   bool                  // guarded by mu: whether doors get an answer
	asked    time.Time             // guarded by mu: when the first one did
	manifest api.Manifest          // guarded by mu
	list     statuslist.Key        // seals the list
	lists    []*statuslist.Section // guarded by mu
	contents [][32]byte            // guarded by mu: of lists
	blobs    map[api.Hash][]byte   // guarded by mu
	news     chan struct{}         // guarded by mu: closed with each new version
	issued   uint64                // guarded by mu: indexes given out
	random   *rand.Rand            // guarded by mu
}

func newRegistry() *registry {
	now := time.Now()
	r := &registry{
		key: newKey(), list: statuslist.Key{Generation: 1, Secret: [32]byte(newKey())}, issuer: newKey(),
		certificate: newCertificate(), door: newDoorKey(), blobs: map[api.Hash][]byte{}, news: make(chan struct{}),
		places: doorkeys.PlaceKeys{
			FirstDay: pass.DayOf(now) - 1, Days: make([]pass.PlaceKey, 6), FirstMonth: pass.MonthOf(now), Months: make([]pass.PlaceKey, 1),
		},
		random: rand.New(rand.NewPCG(1, 2)),
	}
	rules, err := os.ReadFile("kiosk/rules.default.json")
	check(err)
	keys, err := api.MarshalKeys(api.Keys{r.issuer.Public().(ed25519.PublicKey)})
	check(err)
	r.manifest = api.Manifest{Version: 1, List: listName, Rules: r.put(rules), Keys: r.put(keys), Generation: r.list.Generation, Deltas: [][]api.Delta{nil}}
	for id := range uint32(sections) {
		s := statuslist.NewSection()
		for i := range uint32(statuslist.SectionSize) {
			s.Set(i, r.status())
		}
		r.lists, r.contents = append(r.lists, s), append(r.contents, s.Content())
		r.manifest.Sections = append(r.manifest.Sections, r.seal(id, api.Section{Version: 1, Changed: 1}))
	}
	return r
}

func newKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(nil)
	check(err)
	return key
}

func newDoorKey() *ecdh.PrivateKey {
	key, err := ecdh.X25519().GenerateKey(crand.Reader)
	check(err)
	return key
}

// newCertificate makes one certificate for authority, TLS and door: nobody else is involved.
func newCertificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "resources"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), // the door renews at half of it
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 2, 2)},
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, key.Public(), key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tls is how it listens. It asks for the door's certificate, as the real one does.
func (r *registry) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{r.certificate}, ClientAuth: tls.RequestClientCert}
}

// papers are identity.pem and ca.pem of an enrolled door.
func (r *registry) papers() (identity, ca []byte) {
	key, err := x509.MarshalPKCS8PrivateKey(r.certificate.PrivateKey)
	check(err)
	door, err := x509.MarshalPKCS8PrivateKey(r.door)
	check(err)
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.certificate.Certificate[0]})
	identity = append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		pem.EncodeToMemory(&pem.Block{Type: "ASHYQ DOOR KEY", Bytes: door})...)
	return append(identity, ca...), ca
}

// check is for what fails only through a mistake in this program.
func check(err error) {
	if err != nil {
		panic(fmt.Sprintf("resources: %v", err))
	}
}

// status is a random person's: 2 % are red, 3 % yellow, 10 % green.
func (r *registry) status() statuslist.Status {
	switch n := r.random.IntN(100); {
	case n < 2:
		return statuslist.Red
	case n < 5:
		return statuslist.Yellow
	case n < 15:
		return statuslist.Green
	}
	return statuslist.Valid
}

func (r *registry) put(blob []byte) api.Hash {
	h := api.HashOf(blob)
	r.blobs[h] = blob
	return h
}

// seal completes the entry of a section as it is now.
func (r *registry) seal(id uint32, entry api.Section) api.Section {
	sealed, err := statuslist.SealSection(r.list, listName, statuslist.Token{ID: id, Version: entry.Version}, r.lists[id])
	check(err)
	delete(r.blobs, entry.Blob) // of the version before
	entry.Size, entry.Blob = uint32(len(sealed)/statuslist.SizeStep), r.put(sealed)
	return entry
}

func (r *registry) publicKey() string {
	return api.FormatKey(r.key.Public().(ed25519.PublicKey))
}

func (r *registry) version() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.manifest.Version
}

func (r *registry) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = true
}

// enrol gives out a pass of one of the 20 million.
func (r *registry) enrol() person {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issued++
	p := person{key: newKey(), days: map[pass.Day][]byte{}}
	place := pass.Place{Index: uint32(r.issued * 198_491 % (sections * statuslist.SectionSize)), Since: statuslist.Edition{Version: 1}}
	for day := r.places.FirstDay; day <= r.places.LastDay(); day++ {
		block, err := r.places.Ciphers().SealDay(day, place)
		check(err)
		p.days[day], err = pass.Issue(r.issuer, day, block, p.key.Public().(ed25519.PublicKey))
		check(err)
	}
	return p
}

func (p person) code(at time.Time) (string, error) {
	return pass.Rotate(p.key, p.days[pass.DayOf(at)], at)
}

// change gives one person another status and publishes it.
func (r *registry) change() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	index := r.random.Uint64N(sections * statuslist.SectionSize)
	id, i := uint32(index/statuslist.SectionSize), uint32(index%statuslist.SectionSize)
	old := r.lists[id].Clone()
	status := statuslist.Green
	if old.Get(i) == status {
		status = statuslist.Valid
	}
	r.lists[id].Set(i, status)
	next := r.manifest
	next.Sections = slices.Clone(next.Sections) // who answers a door may hold the old ones
	next.Version++
	r.contents[id] = r.lists[id].Content()
	sealed, err := statuslist.Delta{
		From: r.manifest.Version, To: next.Version, Result: statuslist.Root(r.contents),
		Sections: []statuslist.SectionChanges{{ID: id, Changes: statuslist.Diff(old, r.lists[id])}},
	}.Seal(r.list, listName)
	if err != nil {
		return fmt.Errorf("seal a change: %w", err)
	}
	delta := api.Delta{From: r.manifest.Version, To: next.Version, Size: uint32(len(sealed) / statuslist.SizeStep), Blob: r.put(sealed)}
	before := next.Deltas[0]
	next.Deltas = [][]api.Delta{append([]api.Delta{delta}, before[:min(len(before), deltas-1)]...)}
	entry := next.Sections[id]
	entry.Version, entry.Changed = next.Version, next.Version
	next.Sections[id] = r.seal(id, entry)
	r.manifest = next
	close(r.news)
	r.news = make(chan struct{})
	return nil
}

// ServeHTTP answers a door: the manifest, held back until there is a newer one, and blobs. It
// accepts and drops counts.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	opened, news, version := r.opened, r.news, r.manifest.Version
	if opened && r.asked.IsZero() {
		r.asked = time.Now()
	}
	r.mu.Unlock()
	switch path := req.URL.Path; {
	case !opened:
		http.Error(w, "not yet", http.StatusServiceUnavailable)
	case path == api.PathCounts:
		_, _ = io.Copy(io.Discard, req.Body) // the door tries again when it fails
		w.WriteHeader(http.StatusNoContent)
	case path == api.PathDoorKeys:
		_, _ = w.Write(r.doorKeys())
	case path == api.PathUpdate: // no release
		w.WriteHeader(http.StatusNoContent)
	case path == api.PathManifest:
		after, err := strconv.ParseUint(req.URL.Query().Get("after"), 10, 64)
		wait, errWait := time.ParseDuration(req.URL.Query().Get("wait"))
		if err == nil && errWait == nil && after >= version {
			select {
			case <-news:
			case <-time.After(wait):
			case <-req.Context().Done():
			}
		}
		r.mu.Lock()
		m := r.manifest
		m.Issued, m.Expires = time.Now().Unix(), time.Now().Add(24*time.Hour).Unix()
		sealed, err := m.Seal(r.key)
		r.mu.Unlock()
		check(err)
		_, _ = w.Write(sealed)
	case strings.HasPrefix(path, api.PathBlob+"/"):
		r.blob(w, strings.TrimPrefix(path, api.PathBlob+"/"))
	default:
		http.NotFound(w, req)
	}
}

// doorKeys are what the door needs to read the list.
func (r *registry) doorKeys() []byte {
	envelope, err := doorkeys.Seal(r.key, r.door.PublicKey(), doorkeys.Keys{
		Issued: time.Now(), Lists: []doorkeys.ListKey{{Generation: r.list.Generation, Key: r.list.Secret}},
		PlaceKeys: r.places,
	})
	check(err)
	return envelope
}

func (r *registry) blob(w http.ResponseWriter, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for h, blob := range r.blobs {
		if h.String() == name {
			_, _ = w.Write(blob)
			return
		}
	}
	http.Error(w, `{"error":"no such blob"}`, http.StatusNotFound)
}

func readSample(from io.Reader) (sample, error) {
	s := sample{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), " kB")
		if name, value, ok := number(line); ok {
			s[name] = value
		}
	}
	return s, lines.Err()
}
