package replica_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/lookuptest"
	"ashyq-kiosk/kiosk/statuslist"
)

const testList = lookuptest.List

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// edition is one published version with everything that belongs to it.
type edition struct {
	manifest    api.Manifest
	sections    []*statuslist.Section
	rules, keys []byte
}

// testRegistry publishes really signed editions over HTTP, and can be told to go wrong.
type testRegistry struct {
	t    testing.TB
	key  ed25519.PrivateKey
	list statuslist.Key
	url  string
	stop func()

	mu       sync.Mutex // guards everything below
	now      time.Time
	current  edition
	editions map[uint64]edition
	blobs    map[api.Hash][]byte
	touched  map[uint64]bool // indexes that ever had another status than Valid
	changed  chan struct{}   // closed with each new edition
	hold     bool            // long polls wait for the next edition
	asked    []string        // paths, with the blobs by their first digits
	taken    []string        // bodies of the reports
	fault    fault           // nil: none
}

// fault answers in the registry's place; false: it has nothing against this request. body is the
// right answer.
type fault func(w http.ResponseWriter, r *http.Request, body []byte) bool

// newRegistry starts a registry that ends with the test.
func newRegistry(t testing.TB, sections int) *testRegistry {
	r := startRegistry(t, sections)
	t.Cleanup(r.stop)
	return r
}

func startRegistry(t testing.TB, sections int) *testRegistry {
	r := makeRegistry(t, sections)
	server := httptest.NewServer(r)
	r.url, r.stop = server.URL, server.Close
	return r
}

// makeRegistry has no address: its messages reach it by ServeHTTP.
func makeRegistry(t testing.TB, sections int) *testRegistry {
	r := &testRegistry{
		t: t, key: testKey(1), list: statuslist.Key{Generation: 1_700_000_000, Secret: [32]byte{9}}, now: lookuptest.AsOf.Add(-2 * time.Second),
		editions: map[uint64]edition{}, blobs: map[api.Hash][]byte{}, touched: map[uint64]bool{}, changed: make(chan struct{}),
	}
	r.publish(func(e *edition) {
		e.rules, e.keys = testRules(0), marshalKeys(t, 7)
		for range sections {
			e.sections = append(e.sections, statuslist.NewSection())
		}
	})
	return r
}

// testRules are rules that differ from others by their name only.
func testRules(n int) []byte {
	return fmt.Appendf(nil, `{"name":"rules %d","timezone":"UTC","ages":{"quiet":"15m","full":"24h","limit":"72h"},"rules":[
		{"name":"open","colours":["red","yellow","blue","green"],"then":"admitted","text":{"kk":"a","ru":"b","en":"c"}}]}`, n)
}

func publicKey(seed byte) ed25519.PublicKey { return testKey(seed).Public().(ed25519.PublicKey) }

func marshalKeys(t testing.TB, seeds ...byte) []byte {
	var keys api.Keys
	for _, seed := range seeds {
		keys = append(keys, testKey(seed).Public().(ed25519.PublicKey))
	}
	slices.SortFunc(keys, func(a, b ed25519.PublicKey) int { return bytes.Compare(a, b) })
	data, err := api.MarshalKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// set changes entries, by their index in the whole list.
func set(entries map[uint64]statuslist.Status) func(*edition) {
	return func(e *edition) {
		for index, status := range entries {
			e.sections[index/statuslist.SectionSize].Set(uint32(index%statuslist.SectionSize), status)
		}
	}
}

// publish makes the next edition out of the current one.
func (r *testRegistry) publish(change func(*edition)) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.current
	next := edition{rules: old.rules, keys: old.keys}
	for _, s := range old.sections {
		next.sections = append(next.sections, s.Clone())
	}
	change(&next)
	r.now = r.now.Add(time.Second)
	next.manifest = api.Manifest{
		Version: old.manifest.Version + 1, Issued: r.now.Unix(), Expires: r.now.Add(24 * time.Hour).Unix(), List: testList,
		Rules: r.put(next.rules), Keys: r.put(next.keys), Epoch: old.manifest.Epoch, Ended: old.manifest.Ended,
		Generation: r.list.Generation, Deltas: old.manifest.Deltas,
	}
	r.seal(old, &next)
	r.current = next
	r.editions[next.manifest.Version] = next
	close(r.changed)
	r.changed = make(chan struct{})
}

// restore goes back to an earlier edition, in a new epoch, and publishes a change. The manifest
// keeps the time of that edition until the registry's administrator says that the sources have sent
// again.
func (r *testRegistry) restore(version uint64, epoch uint32, change func(*edition)) {
	r.t.Helper()
	r.mu.Lock()
	r.current = r.editions[version]
	m := &r.current.manifest
	m.Ended = append(slices.Clone(m.Ended), api.Ended{Epoch: m.Epoch, Version: m.Version})
	m.Epoch = epoch
	m.Deltas = nil
	backup, now := m.Issued, r.now
	r.mu.Unlock()
	r.publish(change)
	r.tamper(func(m *api.Manifest) { m.Issued = backup })
	r.mu.Lock()
	r.now = now
	r.mu.Unlock()
}

// seal makes the blobs of what changed: the delta to this edition, and every section that changed.
func (r *testRegistry) seal(old edition, next *edition) {
	v := next.manifest.Version
	d := statuslist.Delta{From: old.manifest.Changed(), To: v, Result: api.RootOf(next.sections)}
	for id, s := range next.sections {
		if id >= len(old.sections) {
			next.manifest.Sections = append(next.manifest.Sections, r.section(v, id, s))
			continue
		}
		before := old.manifest.Sections[id]
		changes := statuslist.Diff(old.sections[id], s)
		if len(changes) > 0 {
			before = r.section(v, id, s)
			d.Sections = append(d.Sections, statuslist.SectionChanges{ID: uint32(id), Changes: changes})
		}
		for _, c := range changes {
			r.touched[uint64(id)*statuslist.SectionSize+uint64(c.Index)] = true
		}
		next.manifest.Sections = append(next.manifest.Sections, before)
	}
	if next.manifest.Changed() != v || d.From == 0 {
		return
	}
	var before []api.Delta
	if len(old.manifest.Deltas) > 0 {
		before = old.manifest.Deltas[0]
	}
	next.manifest.Deltas = [][]api.Delta{append([]api.Delta{r.delta(d)}, before[:min(len(before), 39)]...)}
}

// delta puts a delta among the blobs.
func (r *testRegistry) delta(d statuslist.Delta) api.Delta {
	sealed, err := d.Seal(r.list, testList)
	if err != nil {
		r.t.Fatal(err)
	}
	return api.Delta{From: d.From, To: d.To, Size: uint32(len(sealed) / statuslist.SizeStep), Blob: r.put(sealed)}
}

// section puts a section, as it is in a version, among the blobs.
func (r *testRegistry) section(version uint64, id int, s *statuslist.Section) api.Section {
	sealed, err := statuslist.SealSection(r.list, testList, statuslist.Token{ID: uint32(id), Version: version}, s)
	if err != nil {
		r.t.Fatal(err)
	}
	return api.Section{Version: version, Changed: version, Size: uint32(len(sealed) / statuslist.SizeStep), Blob: r.put(sealed)}
}

// turnOver seals the current edition with the next list key, as the next edition.
func (r *testRegistry) turnOver() {
	r.mu.Lock()
	r.list = nextKey(r.list)
	r.mu.Unlock()
	r.publish(func(*edition) {})
	r.tamper(func(m *api.Manifest) {
		m.Deltas = nil
		for id, s := range r.current.sections {
			changed := m.Sections[id].Changed
			m.Sections[id] = r.section(m.Version, id, s)
			m.Sections[id].Changed = changed
		}
	})
}

func nextKey(k statuslist.Key) statuslist.Key {
	k.Generation++
	k.Secret[0]++
	return k
}

// ring is the door's list keys, and what it heard.
type ring struct {
	mu        sync.Mutex // guards the rest
	keys      map[uint32][32]byte
	needs     int
	announced api.Turnover
	takes     []taken // one after the other
}

// ListKey implements statuslist.Keyring.
func (k *ring) ListKey(generation uint32) (secret [32]byte, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	secret, ok = k.keys[generation]
	return secret, ok
}

// Need implements replica.Keys.
func (k *ring) Need() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.needs++
}

// Announced implements replica.Keys.
func (k *ring) Announced(generation uint32, since time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.announced = api.Turnover{}
	if generation != 0 {
		k.announced = api.Turnover{Generation: generation, Since: since.Unix()}
	}
}

// Take implements replica.Keys.
func (k *ring) Take(string) (changed bool, err error) {
	if len(k.takes) == 0 {
		return false, nil
	}
	next := k.takes[0]
	k.takes = k.takes[1:]
	return next.changed, next.err
}

// taken is what Take finds in a folder.
type taken struct {
	changed bool
	err     error
}

// ringOf has the key with which the registry seals now.
func ringOf(r *testRegistry) *ring {
	return &ring{keys: map[uint32][32]byte{r.list.Generation: r.list.Secret}}
}

func (r *testRegistry) put(blob []byte) api.Hash {
	h := api.HashOf(blob)
	r.blobs[h] = blob
	return h
}

// tamper changes the current manifest as only the holder of the key could. The edition is no
// published one any more.
func (r *testRegistry) tamper(change func(*api.Manifest)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.manifest.Sections = slices.Clone(r.current.manifest.Sections)
	change(&r.current.manifest)
}

func (r *testRegistry) setFault(f fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// reissue lets time pass: the same edition is vouched for again.
func (r *testRegistry) reissue(after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(after)
	r.current.manifest.Issued = r.now.Unix()
	r.current.manifest.Expires = r.now.Add(24 * time.Hour).Unix()
}

func (r *testRegistry) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *testRegistry) version() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.manifest.Version
}

func (r *testRegistry) edition(version uint64) (edition, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.editions[version]
	return e, ok
}

func (r *testRegistry) touchedIndexes() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.touched))
}

// requests returns what was asked for since the last time.
func (r *testRegistry) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

func (r *testRegistry) reports() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken)
}

func (r *testRegistry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == api.PathManifest {
		r.wait(req)
	}
	r.mu.Lock()
	r.asked = append(r.asked, req.URL.Path)
	body, ok := r.answer(req)
	f := r.fault
	r.mu.Unlock()
	switch {
	case f != nil && f(w, req, body):
	case req.URL.Path == api.PathCounts:
		r.take(w, req)
	case req.URL.Path == api.PathUpdate:
		w.WriteHeader(http.StatusNoContent)
	case !ok:
		http.Error(w, `{"error":"no such blob"}`, http.StatusNotFound)
	default:
		_, _ = w.Write(body)
	}
}

func (r *testRegistry) take(w http.ResponseWriter, req *http.Request) {
	report, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, string(report))
	w.WriteHeader(http.StatusNoContent)
}

func (r *testRegistry) wait(req *http.Request) {
	after, err := strconv.ParseUint(req.URL.Query().Get("after"), 10, 64)
	r.mu.Lock()
	changed, must := r.changed, err == nil && r.hold && after >= r.current.manifest.Version
	r.mu.Unlock()
	if must {
		select {
		case <-changed:
		case <-req.Context().Done():
		}
	}
}

func (r *testRegistry) answer(req *http.Request) (body []byte, ok bool) {
	switch path := req.URL.Path; {
	case path == api.PathManifest:
		sealed, err := r.current.manifest.Seal(r.key)
		if err != nil {
			r.t.Errorf("seal the manifest: %v", err)
		}
		return sealed, true
	case strings.HasPrefix(path, api.PathBlob+"/"):
		for h, blob := range r.blobs {
			if strings.HasSuffix(path, "/"+h.String()) {
				return blob, true
			}
		}
	}
	return nil, false
}
