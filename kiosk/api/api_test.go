package api_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/sign1/sign1test"
)

var (
	key     = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	foreign = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
)

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func manifest() api.Manifest {
	return api.Manifest{
		Version: 7, Issued: 1_800_000_000, Expires: 1_800_086_400, List: "ashyq:test",
		Sections: []api.Section{
			{Version: 3, Content: api.HashOf([]byte("a")), Blob: api.HashOf([]byte("b")),
				Deltas: []api.Delta{{From: 2, Blob: api.HashOf([]byte("c"))}, {From: 1}}},
			{Version: 1, Deltas: []api.Delta{}},
		},
		Rules: api.HashOf([]byte("rules")), Keys: api.HashOf([]byte("keys")),
	}
}

func seal(t *testing.T, m api.Manifest) []byte {
	t.Helper()
	sealed, err := m.Seal(key)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestManifest(t *testing.T) {
	got, err := api.OpenManifest(seal(t, manifest()), public(key))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(manifest()) {
		t.Errorf("opened %+v, want %+v", got, manifest())
	}
	if got.IssuedAt().Unix() != 1_800_000_000 {
		t.Errorf("issued at %v", got.IssuedAt())
	}
	if _, err := api.OpenManifest(seal(t, manifest()), public(foreign)); err == nil {
		t.Error("a foreign key opened it")
	}
}

func TestManifestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*api.Manifest)
		want   string
	}{
		"no version":          {func(m *api.Manifest) { m.Version = 0 }, "version is 0"},
		"before 1970":         {func(m *api.Manifest) { m.Issued = -1 }, "outside of 1970"},
		"after 9999":          {func(m *api.Manifest) { m.Expires = sign1.MaxTime + 1 }, "outside of 1970"},
		"expires when issued": {func(m *api.Manifest) { m.Expires = m.Issued }, "expires before"},
		"no list":             {func(m *api.Manifest) { m.List = "" }, "names no list"},
		"no sections":         {func(m *api.Manifest) { m.Sections = nil }, "no sections"},
		"section version":     {func(m *api.Manifest) { m.Sections[1].Version = 0 }, "section 1: version is 0"},
		"gap between deltas": {func(m *api.Manifest) { m.Sections[0].Deltas[1].From = 0 },
			"section 0: delta 1 is from version 0"},
		"delta to the future": {func(m *api.Manifest) { m.Sections[1].Deltas = []api.Delta{{From: 1}} },
			"section 1: delta 0"},
		"deltas before one": {func(m *api.Manifest) { m.Sections[1].Deltas = []api.Delta{{From: 0}} },
			"section 1: delta 0"},
	} {
		t.Run(name, func(t *testing.T) {
			m := manifest()
			c.change(&m)
			if _, err := api.OpenManifest(seal(t, m), public(key)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestManifestOfAnotherType(t *testing.T) {
	payload, err := sign1.Marshal(manifest())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sign1.Seal(key, sign1.Header{Type: "application/statuslist+cwt"}, payload)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.OpenManifest(sealed, public(key)); err == nil {
		t.Error("something else signed with the same key was taken for a manifest")
	}
}

func TestKeys(t *testing.T) {
	first, second := public(key), public(foreign)
	if bytes.Compare(first, second) > 0 {
		first, second = second, first
	}
	data, err := api.MarshalKeys(api.Keys{first, second})
	if err != nil {
		t.Fatal(err)
	}
	got, err := api.UnmarshalKeys(data)
	if err != nil || len(got) != 2 || !got[1].Equal(second) {
		t.Fatalf("keys %v, %v", got, err)
	}
	if _, err := api.UnmarshalKeys([]byte{0xf6}); err == nil {
		t.Error("null was taken for no keys")
	}
	for name, keys := range map[string]api.Keys{"wrong order": {second, first}, "twice": {first, first},
		"short": {first[:31]}, "weak": {sign1test.WeakKeys[0].Key()}} {
		data, err := api.MarshalKeys(keys)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := api.UnmarshalKeys(data); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzUnmarshalKeys(f *testing.F) {
	data, err := api.MarshalKeys(api.Keys{public(key)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := api.UnmarshalKeys(data)
		if err != nil {
			return
		}
		if again, err := api.MarshalKeys(keys); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x decodes and encodes as %x, %v", data, again, err)
		}
	})
}
