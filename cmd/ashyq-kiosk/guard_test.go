package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

// guardPlace is the person of an index.
func guardPlace(index uint64) pass.Place {
	return pass.Place{Index: uint32(index), Since: statuslist.Edition{Version: 1}}
}

func usedCode(t *testing.T, index uint64, now time.Time) *pass.Code {
	t.Helper()
	day := pass.DayOf(now)
	keys := pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{day: {1}}, nil)
	block, err := keys.SealDay(day, guardPlace(index))
	if err != nil {
		t.Fatal(err)
	}
	issuer, phone := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1},
		32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	sealed, err := pass.Issue(issuer, day, block, phone.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	text, err := pass.Rotate(phone, sealed, now)
	if err != nil {
		t.Fatal(err)
	}
	code, err := pass.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := code.Open(keys); err != nil {
		t.Fatal(err)
	}
	return code
}

// TestGuardSurvivesARestart opens the guard again after each person, like a daemon that was killed.
func TestGuardSurvivesARestart(t *testing.T) {
	dir, now := t.TempDir(), time.Unix(1767312000, 0)
	const people, size, again = 20, 8, time.Minute
	for index := range uint64(people) {
		guard := openGuard(dir, size, slog.New(slog.DiscardHandler))
		code := usedCode(t, index, now)
		if err := guard.Check(code, now, again); err != nil {
			t.Fatalf("person %d, for the first time: %v", index, err)
		}
		guard.Used(code, now)
		guard.Admitted(code, now)
		guard = openGuard(dir, size, slog.New(slog.DiscardHandler))
		if err := guard.Check(code, now, again); !errors.Is(err, pass.ErrReplayed) {
			t.Errorf("person %d, after a restart: %v, want %v", index, err, pass.ErrReplayed)
		}
		if err := guard.Check(usedCode(t, index, now.Add(15*time.Second)), now.Add(15*time.Second), again); !errors.Is(err,
			pass.ErrPassedAlready) {
			t.Errorf("person %d's next code, after a restart: %v, want %v", index, err, pass.ErrPassedAlready)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, guardFile))
	if err != nil {
		t.Fatal(err)
	}
	if most := 32 + 2*size*pass.GuardRecord; len(data) > most {
		t.Errorf("the file has %d bytes after %d people, want at most %d", len(data), people, most)
	}
	last := usedCode(t, people-1, now).Credential
	for _, plain := range [][]byte{last.Block[:], last.Holder, binary.BigEndian.AppendUint32(nil, people-1),
		binary.LittleEndian.AppendUint32(nil, people-1)} {
		if bytes.Contains(data, plain) {
			t.Errorf("the file contains %q", plain)
		}
	}
}

// TestGuardFileThatIsBroken: an unreadable file is replaced, and a record that was cut off is the
// only one lost.
func TestGuardFileThatIsBroken(t *testing.T) {
	now := time.Unix(1767312000, 0)
	first, second := usedCode(t, 1, now), usedCode(t, 2, now)
	write := func(dir string) string {
		guard := openGuard(dir, 8, slog.New(slog.DiscardHandler))
		guard.Used(first, now)
		guard.Used(second, now)
		return filepath.Join(dir, guardFile)
	}
	for name, c := range map[string]struct {
		spoil         func([]byte) []byte
		first, second error
	}{
		"whole":   {func(b []byte) []byte { return b }, pass.ErrReplayed, pass.ErrReplayed},
		"cut":     {func(b []byte) []byte { return b[:len(b)-1] }, pass.ErrReplayed, nil},
		"short":   {func([]byte) []byte { return []byte("x") }, nil, nil},
		"missing": {func([]byte) []byte { return nil }, nil, nil},
	} {
		dir := t.TempDir()
		path := write(dir)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c.spoil(data), 0o600); err != nil {
			t.Fatal(err)
		}
		guard := openGuard(dir, 8, slog.New(slog.DiscardHandler))
		for code, want := range map[*pass.Code]error{first: c.first, second: c.second} {
			if err := guard.Check(code, now, 0); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		third := usedCode(t, 3, now)
		guard.Used(third, now)
		if err := openGuard(dir, 8, slog.New(slog.DiscardHandler)).Check(third, now, 0); !errors.Is(err, pass.ErrReplayed) {
			t.Errorf("%s, after one more person and a restart: %v", name, err)
		}
	}
}
