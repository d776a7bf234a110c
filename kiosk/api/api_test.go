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
			{Version: 3, Changed: 7, Size: 2, Blob: api.HashOf([]byte("b"))},
			{Version: 1, Changed: 1, Size: 1, Blob: api.HashOf([]byte("a"))},
		},
		Generation: 1_700_000_000, Next: api.Turnover{Generation: 1_700_000_009, Since: 1_800_000_900},
		Deltas: [][]api.Delta{{{From: 6, To: 7, Size: 1}, {From: 3, To: 6, Size: 1, Blob: api.HashOf([]byte("c"))}}, {}},
		Rules:  api.HashOf([]byte("rules")), Keys: api.HashOf([]byte("keys")),
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
		"section version":     {func(m *api.Manifest) { m.Sections[1].Version = 0 }, "section 1: version 0"},
		"newer section":       {func(m *api.Manifest) { m.Sections[1].Version = 8 }, "section 1: version 8"},
		"never changed":       {func(m *api.Manifest) { m.Sections[1].Changed = 0 }, "section 1: version 1, changed in 0"},
		"changed later":       {func(m *api.Manifest) { m.Sections[1].Changed = 8 }, "section 1: version 1, changed in 8"},
		"overlapping deltas":  {func(m *api.Manifest) { m.Deltas[0][0].From = 5 }, "delta 1 of level 0"},
		"delta to the future": {func(m *api.Manifest) { m.Deltas[0][0].To = 8 }, "delta 0 of level 0"},
		"delta from nothing":  {func(m *api.Manifest) { m.Deltas[0][1].From = 0 }, "delta 1 of level 0"},
		"delta to itself":     {func(m *api.Manifest) { m.Deltas[0][1].From = 6 }, "delta 1 of level 0"},
		"older list key":      {func(m *api.Manifest) { m.Next.Generation = m.Generation }, "announced after"},
		"turnover to nothing": {func(m *api.Manifest) { m.Next.Generation = 0 }, "announced after"},
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
