package replica_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/ed25519"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

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

// TestBrokenDeltaCostsAWholeSection: of the delta, and of the delta only, the answer is broken.
func TestBrokenDeltaCostsAWholeSection(t *testing.T) {
	for name, f := range faults {
		r := newRegistry(t, 2)
		d := newDoor(t, r)
		d.follow(t)
		r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red, 1 << 20: statuslist.Green}))
		r.setFault(onPath(api.PathBlob+"/"+r.current.manifest.Sections[1].Deltas[0].Blob.String(), f))
		if got := d.follow(t); got.Deltas != 1 || got.Whole != 1 {
			t.Errorf("%s: %+v, want one delta and one section", name, got)
		}
		if !strings.Contains(d.log.String(), "section=1") {
			t.Errorf("%s: logged %q, want a word about section 1", name, d.log)
		}
	}
}

// TestSignedDeltasThatDoNotFit are mistakes of the registry itself.
func TestSignedDeltasThatDoNotFit(t *testing.T) {
	var right statuslist.Delta
	for name, change := range map[string]func(*statuslist.Delta){
		"other list":     func(d *statuslist.Delta) { d.List += "0" },
		"other section":  func(d *statuslist.Delta) { d.ID = 1 },
		"other version":  func(d *statuslist.Delta) { d.From = 2 },
		"other result":   func(d *statuslist.Delta) { d.Result[0] ^= 1 },
		"change missing": func(d *statuslist.Delta) { d.Changes = d.Changes[:1] },
		"other change":   func(d *statuslist.Delta) { d.Changes[0].Status = statuslist.Green },
	} {
		r := newRegistry(t, 1)
		d := newDoor(t, r)
		d.follow(t)
		r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red, 8: statuslist.Red}))
		right = statuslist.Delta{List: testList, From: 1, Result: r.current.sections[0].Content(), Changes: []statuslist.Change{
			{Index: 7, Status: statuslist.Red}, {Index: 8, Status: statuslist.Red},
		}}
		change(&right)
		sealed, err := right.Seal(r.key)
		if err != nil {
			t.Fatal(err)
		}
		r.tamper(func(m *api.Manifest) { m.Sections[0].Deltas = []api.Delta{{From: 1, Blob: r.put(sealed)}} })
		if got := d.follow(t); got.Deltas != 0 || got.Whole != 1 {
			t.Errorf("%s: %+v, want the whole section", name, got)
		}
		if d.log.Len() == 0 {
			t.Errorf("%s: nothing was logged", name)
		}
	}
}

func TestDeltaOfAForeignKey(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.follow(t)
	r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red}))
	sealed, err := statuslist.Delta{
		List: testList, From: 1, Result: r.current.sections[0].Content(), Changes: []statuslist.Change{{Index: 7, Status: statuslist.Red}},
	}.Seal(testKey(2))
	if err != nil {
		t.Fatal(err)
	}
	r.tamper(func(m *api.Manifest) { m.Sections[0].Deltas[0].Blob = r.put(sealed) })
	if got := d.follow(t); got.Deltas != 0 || got.Whole != 1 {
		t.Errorf("%+v, want the whole section", got)
	}
}

// TestSectionsThatDoNotFit: there is nothing left to fall back to.
func TestSectionsThatDoNotFit(t *testing.T) {
	type encode func(*testing.T, *testRegistry, statuslist.Token, *statuslist.Section) []byte
	for name, test := range map[string]struct {
		encode
		want string // in the error
	}{
		"other list":    {resealed(func(tok *statuslist.Token) { tok.List += "0" }), "does not fit the manifest: it is list"},
		"other section": {resealed(func(tok *statuslist.Token) { tok.ID = 1 }), "does not fit the manifest: it is list"},
		"other version": {resealed(func(tok *statuslist.Token) { tok.Version++ }), "does not fit the manifest: it is list"},
		"foreign key": {func(t *testing.T, _ *testRegistry, tok statuslist.Token, s *statuslist.Section) []byte {
			return seal(t, testKey(2), tok, s)
		}, "signature does not verify"},
		"other content": {func(t *testing.T, r *testRegistry, tok statuslist.Token, s *statuslist.Section) []byte {
			s = s.Clone()
			s.Set(1, statuslist.Yellow)
			return seal(t, r.key, tok, s)
		}, "does not fit the manifest: its content has another hash"},
		"bomb": {func(t *testing.T, r *testRegistry, _ statuslist.Token, _ *statuslist.Section) []byte {
			return bomb(t, r.key)
		}, "decompress the list: more than"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, 2)
			d := newDoor(t, r)
			d.follow(t)
			r.publish(set(map[uint64]statuslist.Status{7: statuslist.Red}))
			token := statuslist.Token{List: testList, Version: 2, Issued: r.clock().Unix()}
			sealed := test.encode(t, r, token, r.current.sections[0])
			r.tamper(func(m *api.Manifest) { m.Sections[0].Deltas, m.Sections[0].Blob = nil, r.put(sealed) })
			if err := d.unchanged(t, nil); !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func resealed(change func(*statuslist.Token)) func(*testing.T, *testRegistry, statuslist.Token, *statuslist.Section) []byte {
	return func(t *testing.T, r *testRegistry, token statuslist.Token, s *statuslist.Section) []byte {
		change(&token)
		return seal(t, r.key, token, s)
	}
}

func seal(t *testing.T, key ed25519.PrivateKey, token statuslist.Token, s *statuslist.Section) []byte {
	t.Helper()
	sealed, err := statuslist.SealSection(key, token, s)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// bomb is a signed status list token whose list unpacks to 64 MiB. Its labels are those of package
// statuslist.
func bomb(t *testing.T, key ed25519.PrivateKey) []byte {
	t.Helper()
	var list bytes.Buffer
	z := zlib.NewWriter(&list)
	for range 16 {
		_, _ = z.Write(make([]byte, 4<<20))
	}
	_ = z.Close()
	payload, err := sign1.Marshal(map[int]any{
		2: testList, 6: int64(0), 65533: map[string]any{"bits": 4, "lst": list.Bytes()}, -65537: 0, -65538: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sign1.Seal(key, sign1.Header{Type: statuslist.TokenType}, payload)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestManifestsThatAreNotFollowed(t *testing.T) {
	for name, test := range map[string]struct {
		tamper func(*api.Manifest)
		want   error
	}{
		"version back":       {func(m *api.Manifest) { m.Version = 2 }, replica.ErrOlder},
		"issued before":      {func(m *api.Manifest) { m.Issued -= 2 }, replica.ErrOlder},
		"new, issued before": {func(m *api.Manifest) { m.Version++; m.Issued -= 2 }, replica.ErrOlder},
		"future":             {func(m *api.Manifest) { m.Issued += 121 }, replica.ErrTime},
		"other list":         {func(m *api.Manifest) { m.Version++; m.List += "0" }, replica.ErrContradiction},
		"fewer sections":     {func(m *api.Manifest) { m.Version++; m.Sections = m.Sections[:1] }, replica.ErrContradiction},
		"section back":       {func(m *api.Manifest) { m.Version++; m.Sections[0].Version, m.Sections[0].Deltas = 2, nil }, replica.ErrOlder},
		"other content":      {func(m *api.Manifest) { m.Version++; m.Sections[0].Content[0] ^= 1 }, replica.ErrContradiction},
		"same version, other section": {func(m *api.Manifest) { m.Sections[0].Version++; m.Sections[0].Deltas = nil },
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
