package chrony

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/uptime"
)

// What a real chronyd 4.3 says when it follows a server with NTS, beside one without.
const (
	tracking = "7F000001,127.0.0.1,2,1795724230.144337754,-0.000009826,0.000003055,0.000003290,-0.430,9.239,2.776," +
		"0.000020927,0.000006976,0.1,Normal\n"
	sources = "^,*,127.0.0.1,1,-4,377,0,0.000000301,0.000003356,0.000010641\n" +
		"^,?,127.0.0.3,1,-4,377,0,-0.000047099,-0.000044044,0.000094150\n"
	authdata = "127.0.0.1,NTS,1,15,256,4,0,0,8,100\n127.0.0.3,-,0,0,0,4294967295,0,0,0,0\n"
)

// TestJudge spoils what chronyd says in one place each.
func TestJudge(t *testing.T) {
	rows := func(text string) [][]string {
		all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if server, err := judge(rows(tracking), rows(sources), rows(authdata)); server != "127.0.0.1" || err != nil {
		t.Errorf("signed by %q, %v", server, err)
	}
	for name, c := range map[string]struct{ report, old, new, want string }{
		"not synchronised":           {"tracking", "Normal", "Not synchronised", "not synchronised"},
		"clock not set yet":          {"tracking", "-0.000009826", "8640000.000000000", "the clock is 8.64e+06 s off"},
		"not a number":               {"tracking", "-0.000009826", "NaN", "off"},
		"far from sure":              {"tracking", "0.000006976", "1.5", "sure to"},
		"another one set the clock":  {"tracking", "127.0.0.1", "127.0.0.3", "follows no server"},
		"another one is selected":    {"sources", "?,127.0.0.3", "*,127.0.0.3", "127.0.0.3, which does not sign"},
		"another one is combined":    {"sources", "?,127.0.0.3", "+,127.0.0.3", "127.0.0.3, which does not sign"},
		"a radio clock":              {"sources", "^,*,127.0.0.1", "#,*,127.0.0.1", "does not sign"},
		"it does not answer":         {"sources", ",377,", ",0,", "no answer"},
		"nobody is selected":         {"sources", "*", "?", "follows no server"},
		"a symmetric key":            {"authdata", "NTS", "SK", "does not sign"},
		"no keys from the server":    {"authdata", "256", "0", "does not sign"},
		"two servers on one address": {"authdata", "127.0.0.3,-", "127.0.0.1,-", "does not sign"},
		"no word about the server":   {"authdata", "127.0.0.1", "127.0.0.9", "does not sign"},
	} {
		said := map[string]string{"tracking": tracking, "sources": sources, "authdata": authdata}
		said[c.report] = strings.Replace(said[c.report], c.old, c.new, 1)
		server, err := judge(rows(said["tracking"]), rows(said["sources"]), rows(said["authdata"]))
		if server != "" || !errors.Is(err, ErrUnsigned) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v, want %q", name, server, err, c.want)
		}
	}
}

// TestWord writes and reads words.
func TestWord(t *testing.T) {
	believe := writers
	t.Cleanup(func() { writers = believe })
	writers = func() []uint32 { return []uint32{uint32(os.Getuid())} }
	path := filepath.Join(t.TempDir(), "signed")
	now := uptime.Reading{Boot: [16]byte{7}, For: time.Hour}
	if _, err := Read(path, now); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is a word: %v", err)
	}
	word := Word{Boot: now.Boot, Running: now.For, Time: time.Unix(1_795_000_000, 5).UTC(), Source: "127.0.0.1"}
	if err := word.Write(path); err != nil {
		t.Fatal(err)
	}
	later := now
	later.For += MaxAge
	if got, err := Read(path, later); err != nil || got != word || !got.At(later).Equal(word.Time.Add(MaxAge)) {
		t.Errorf("%+v, %v, want %+v", got, err, word)
	}
	for name, at := range map[string]uptime.Reading{
		"too old":       {Boot: now.Boot, For: later.For + 1},
		"of the future": {Boot: now.Boot, For: now.For - 1},
		"another start": {Boot: [16]byte{8}, For: now.For},
	} {
		if _, err := Read(path, at); !errors.Is(err, ErrUnsigned) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(Withdraw(path), Withdraw(path)); err != nil {
		t.Error(err)
	}

	good := `{"boot":"07000000000000000000000000000000","running":3600000000000,` +
		`"time":"2026-11-18T00:00:00Z","source":"x"}`
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"good":            {good, 0o644, ""},
		"others may":      {good, 0o664, "can be written by others"},
		"half":            {good[:40], 0o644, "read whether"},
		"unknown key":     {strings.Replace(good, "source", "sauce", 1), 0o644, "sauce"},
		"short boot":      {strings.Replace(good, "07", "", 1), 0o644, "is not the ID of a start"},
		"longer than any": {good + strings.Repeat(" ", maxWord), 0o644, "longer than"},
	} {
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path, now); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := os.Rename(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path+"2", path); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, now); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link: %v", err)
	}
}

// TestForeignWord: a word of somebody who is neither root nor chronyd is not believed.
func TestForeignWord(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file to somebody else")
	}
	path := filepath.Join(t.TempDir(), "signed")
	now := uptime.Now()
	if err := (Word{Boot: now.Boot, Running: now.For, Time: time.Now()}).Write(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, uptime.Now()); err != nil {
		t.Fatal(err)
	}
	for _, each := range []string{path, filepath.Dir(path)} {
		if err := os.Chown(each, 4711, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path, uptime.Now()); err == nil || !strings.Contains(err.Error(), "can be written by others") {
			t.Errorf("%q of somebody else: %v", each, err)
		}
		if err := os.Chown(each, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
}
