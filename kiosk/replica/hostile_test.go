package replica_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

// What a proxy can do without any key.
var (
	flip fault = func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		body = bytes.Clone(body)
		body[len(body)/2] ^= 1
		_, _ = w.Write(body)
		return true
	}
	kill fault = func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	short fault = func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		_, _ = w.Write(body[:len(body)-1])
		return true
	}
	endless fault = func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		for {
			if _, err := w.Write(body); err != nil {
				return true
			}
		}
	}
	gzipBomb fault = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(make([]byte, 16<<20))
		_ = z.Close()
		return true
	}
	loginPage fault = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		_, _ = io.WriteString(w, "<html><title>Wi-Fi</title>")
		return true
	}
	elsewhere fault = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		return true
	}
	unavailable fault = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
)

var faults = map[string]fault{
	"flipped bit": flip, "killed connection": kill, "short": short, "endless": endless, "gzip bomb": gzipBomb,
	"login page": loginPage, "elsewhere": elsewhere, "unavailable": unavailable,
}

// onPath limits a fault to paths that start like that.
func onPath(prefix string, f fault) fault {
	return func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		return strings.HasPrefix(r.URL.Path, prefix) && f(w, r, body)
	}
}

func TestBrokenAnswersChangeNothing(t *testing.T) {
	for name, f := range faults {
		for _, path := range []string{api.PathManifest, api.PathBlob} {
			t.Run(name+" "+path, func(t *testing.T) {
				r := newRegistry(t, 1)
				d := newDoor(t, r)
				r.setFault(onPath(path, f))
				d.unchanged(t, nil) // from nothing
				r.setFault(nil)
				d.follow(t)
				r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red}))
				r.setFault(onPath(path, f))
				d.unchanged(t, nil) // from something
				r.setFault(nil)
				d.follow(t)
			})
		}
	}
}

// TestBrokenDeltaCostsWholeSections: of the delta, and of the delta only, the answer is broken.
func TestBrokenDeltaCostsWholeSections(t *testing.T) {
	for name, f := range faults {
		r := newRegistry(t, 2)
		d := newDoor(t, r)
		d.follow(t)
		r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red, 1 << 20: statuslist.Green}))
		r.setFault(onPath(api.PathBlob+"/"+r.current.manifest.Deltas[0][0].Blob.String(), f))
		if got := d.follow(t); got.Deltas != 0 || got.Whole != 2 {
			t.Errorf("%s: %+v, want two sections", name, got)
		}
		if !strings.Contains(d.log.String(), "fetching whole sections") {
			t.Errorf("%s: logged %q, want a word about it", name, d.log)
		}
	}
}

// TestSealedDeltasThatDoNotFit are mistakes of the registry itself.
func TestSealedDeltasThatDoNotFit(t *testing.T) {
	for name, change := range map[string]func(*statuslist.Delta){
		"other section":   func(d *statuslist.Delta) { d.Sections[0].ID = 1 },
		"unknown section": func(d *statuslist.Delta) { d.Sections[0].ID = 2 },
		"other version":   func(d *statuslist.Delta) { d.To = 3 },
		"other result":    func(d *statuslist.Delta) { d.Result[0] ^= 1 },
		"change missing":  func(d *statuslist.Delta) { d.Sections[0].Changes = d.Sections[0].Changes[:1] },
		"no changes":      func(d *statuslist.Delta) { d.Sections = nil },
		"other change":    func(d *statuslist.Delta) { d.Sections[0].Changes[0].Status = statuslist.Green },
	} {
		r := newRegistry(t, 2)
		d := newDoor(t, r)
		d.follow(t)
		r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red, 8: statuslist.Red}))
		wrong := statuslist.Delta{From: 1, To: 2, Result: api.RootOf(r.current.sections), Sections: []statuslist.SectionChanges{
			{ID: 0, Changes: []statuslist.Change{{Index: 7, Status: statuslist.Red}, {Index: 8, Status: statuslist.Red}}},
		}}
		change(&wrong)
		named := r.delta(wrong)
		named.To = 2
		r.tamper(func(m *api.Manifest) { m.Deltas = [][]api.Delta{{named}} })
		if got := d.follow(t); got.Deltas != 0 || got.Whole != 2 {
			t.Errorf("%s: %+v, want the whole sections", name, got)
		}
		if d.log.Len() == 0 {
			t.Errorf("%s: nothing was logged", name)
		}
	}
}

// TestBlobOfAnotherPlace: a blob that the registry really sealed stands for another one.
func TestBlobOfAnotherPlace(t *testing.T) {
	for name, put := range map[string]func(r *testRegistry, m *api.Manifest){
		"another section": func(_ *testRegistry, m *api.Manifest) { m.Sections[0].Blob = m.Sections[1].Blob },
		"a delta":         func(_ *testRegistry, m *api.Manifest) { m.Sections[0].Blob = m.Deltas[0][0].Blob },
		"an older one":    func(r *testRegistry, m *api.Manifest) { m.Sections[0].Blob = r.editions[1].manifest.Sections[0].Blob },
		"the rules":       func(_ *testRegistry, m *api.Manifest) { m.Sections[0].Blob = m.Rules },
		"of another list": func(r *testRegistry, m *api.Manifest) {
			sealed, err := statuslist.SealSection(r.list, "aq:oth", statuslist.Token{Version: 2}, r.current.sections[0])
			if err != nil {
				r.t.Fatal(err)
			}
			m.Sections[0].Blob = r.put(sealed)
		},
		"another key of the same generation": func(r *testRegistry, m *api.Manifest) {
			right := r.list
			r.list.Secret[3]++
			m.Sections[0] = r.section(2, 0, r.current.sections[0])
			r.list = right
		},
		"a bomb": func(r *testRegistry, m *api.Manifest) { m.Sections[0].Blob = r.put(bomb(r.t, r.list)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, 2)
			d := newDoor(t, r)
			d.follow(t)
			r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red}))
			r.tamper(func(m *api.Manifest) {
				put(r, m)
				m.Deltas = nil
			})
			d.unchanged(t, nil)
		})
	}
}

// bomb is a sealed section whose list unpacks to 64 MiB. Its form is that of package statuslist.
func bomb(t testing.TB, key statuslist.Key) []byte {
	t.Helper()
	var list bytes.Buffer
	z := zlib.NewWriter(&list)
	for range 16 {
		_, _ = z.Write(make([]byte, 4<<20))
	}
	_ = z.Close()
	payload, err := sign1.Marshal(map[int]any{1: 0, 2: 2, 3: list.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	plain := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	plain = append(plain, payload...)
	size := 128 << 10
	plain = append(plain, make([]byte, size-4-24-16-len(plain))...)
	aead, err := chacha20poly1305.NewX(key.Secret[:])
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	head := append(binary.BigEndian.AppendUint32(nil, key.Generation), nonce...)
	return aead.Seal(head, nonce, plain, []byte("section\x00"+testList))
}

func TestManifestsThatAreNotFollowed(t *testing.T) {
	for name, test := range map[string]struct {
		tamper func(*api.Manifest)
		want   error
	}{
		"version back": {func(m *api.Manifest) {
			m.Version, m.Deltas = 2, nil
			m.Sections[0].Version, m.Sections[0].Changed = 2, 2
		}, replica.ErrOlder},
		"issued before":      {func(m *api.Manifest) { m.Issued -= 2 }, replica.ErrOlder},
		"new, issued before": {func(m *api.Manifest) { m.Version++; m.Issued -= 2 }, replica.ErrOlder},
		"future":             {func(m *api.Manifest) { m.Issued += 121 }, replica.ErrTime},
		"other list":         {func(m *api.Manifest) { m.Version++; m.List += "0" }, replica.ErrContradiction},
		"fewer sections":     {func(m *api.Manifest) { m.Version++; m.Sections = m.Sections[:1] }, replica.ErrContradiction},
		"section back":       {func(m *api.Manifest) { m.Version++; m.Sections[0].Changed = 2 }, replica.ErrOlder},
		"same version, other section": {func(m *api.Manifest) { m.Sections[1].Changed = 3 },
			replica.ErrContradiction},
		"same version, more sections": {func(m *api.Manifest) { m.Sections = append(m.Sections, m.Sections[0]) }, replica.ErrContradiction},
		"same version, other rules":   {func(m *api.Manifest) { m.Rules = m.Keys }, nil},
		"same version, other keys":    {func(m *api.Manifest) { m.Keys = m.Rules }, nil},
		"rules that are none":         {func(m *api.Manifest) { m.Version++; m.Rules = m.Keys }, nil},
		"keys that are none":          {func(m *api.Manifest) { m.Version++; m.Keys = m.Rules }, nil},
		"blob that is not there":      {func(m *api.Manifest) { m.Version++; m.Rules[0] ^= 1 }, nil},
		"version 0":                   {func(m *api.Manifest) { m.Version = 0 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, 2)
			d := newDoor(t, r)
			r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red}))
			r.publish(set(map[uint64]statuslist.Status{7: statuslist.Green}))
			d.follow(t)
			good := r.current.manifest
			r.tamper(test.tamper)
			d.unchanged(t, test.want)
			r.tamper(func(m *api.Manifest) { *m = good })
			d.follow(t)
		})
	}
}

// TestContradictionInDocuments: a registry that was set back from a backup counts the same numbers
// again.
func TestContradictionInDocuments(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.follow(t)
	r.tamper(func(m *api.Manifest) { m.Rules = r.put(testRules(99)) })
	d.unchanged(t, replica.ErrContradiction)
}

func TestManifestOfAForeignKey(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	right := r.key
	r.key = testKey(2)
	d.unchanged(t, sign1.ErrSignature)
	r.key = right
	d.follow(t)
}

// TestManifestThatIsKept: a cache on the way that answers with yesterday's file.
func TestManifestThatIsKept(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	kept, err := r.current.manifest.Seal(r.key)
	if err != nil {
		t.Fatal(err)
	}
	replay := onPath(api.PathManifest, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		_, _ = w.Write(kept)
		return true
	})
	r.reissue(25 * time.Hour)
	r.setFault(replay)
	d.unchanged(t, replica.ErrTime)
	r.setFault(nil)
	d.follow(t)
	r.setFault(replay)
	d.unchanged(t, replica.ErrOlder)
}

// TestUnknownListKey: the door keeps what it has, asks for the key, and follows when it has it.
// What needs no list key is followed meanwhile.
func TestUnknownListKey(t *testing.T) {
	r := newRegistry(t, 2)
	d := newDoor(t, r)
	d.follow(t)
	r.turnOver()
	r.publish(func(e *edition) { e.rules = testRules(1) })
	if got := d.follow(t); got.Whole+got.Deltas != 0 || d.ring.needs != 0 {
		t.Errorf("%+v, asked %d times for a key that it does not need", got, d.ring.needs)
	}
	r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red}))
	for n := range 3 {
		r.requests()
		d.unchanged(t, replica.ErrNoListKey)
		if asked := r.requests(); d.ring.needs != n+1 || len(asked) != 1 {
			t.Errorf("asked %d times for the key, and for %q", d.ring.needs, asked)
		}
	}
	d.ring.keys[r.list.Generation] = r.list.Secret
	d.follow(t)
	if d.log.Len() != 0 {
		t.Errorf("logged %s", d.log)
	}
}

func TestAnnouncedTurnover(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	next := api.Turnover{Generation: r.list.Generation + 1, Since: r.clock().Add(29 * time.Minute).Unix()}
	for _, want := range []api.Turnover{next, {}} {
		r.tamper(func(m *api.Manifest) { m.Next = want })
		d.follow(t)
		if d.ring.announced != want {
			t.Errorf("the ring heard of %+v, want %+v", d.ring.announced, want)
		}
	}
}
