package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Root believes nothing of what a process says that has read a stranger's stick, but the form.
func TestFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "found")
	read := func(text string) (*found, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return readFound(path)
	}
	if f, err := read(""); f != nil || err != nil {
		t.Errorf("no bundle: %+v, %v", f, err)
	}
	if f, err := read(`{"bundle":"a b.raucb","version":"2","downgrade":"3"}` + "\n"); err != nil ||
		*f != (found{"a b.raucb", "2", "3"}) {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []string{
		"\n", "{", "null", "[]", "{}",
		`{"bundle":"../state/x.raucb","version":"2"}`, `{"bundle":"/x.raucb","version":"2"}`, `{"bundle":"a/x.raucb","version":"2"}`,
		`{"bundle":"..","version":"2"}`, `{"bundle":".x.raucb","version":"2"}`, `{"bundle":".raucb","version":"2"}`, `{"bundle":"","version":"2"}`,
		`{"bundle":"x.sh","version":"2"}`, `{"bundle":"x.raucb"}`, `{"bundle":"x.raucb","version":""}`, `{"bundle":"x.raucb","version":2}`,
		`{"bundle":"x.raucb","version":"2","path":"/"}`, `{"bundle":"x.raucb","version":"2"}{}`, `{"bundle":"x.raucb","version":"2"}x`,
		`{"bundle":"x.raucb","version":"` + strings.Repeat("2", maxFound) + `"}`,
	} {
		if f, err := read(bad); err == nil {
			t.Errorf("%.80s: %+v", bad, f)
		}
	}
	if _, err := readFound(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a stick that nobody could read is as one without a bundle")
	}
}
