package update

import (
	"bytes"
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const old, now, next = "2020.01-1", "2026.12-5", "2026.12-6"

// An old version, signed with the right key, comes on a stick or from the registry.
func TestDowngrade(t *testing.T) {
	stick := func(bundle string) Request { return Request{Bundle: bundle, Now: true, Once: true} }
	refused := func(t *testing.T, c *card, err error, runs, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("%v, want it to say %q and what to do", err, want)
		}
		if s := c.state(); s.Trial != nil || c.restarts != 0 {
			t.Errorf("%+v, %d restarts", s.Trial, c.restarts)
		}
		c.expect(runs, old, "")
		for _, version := range c.slots {
			if version == old {
				t.Errorf("it was installed: %v", c.slots)
			}
		}
	}
	test := func(name string, run func(*testing.T, *card)) {
		in(t, name, func(t *testing.T, c *card) {
			c.slots["A"] = now
			c.bundles["downgrade"] = Bundle{Version: old, Downgrade: now}
			run(t, c)
		})
	}
	test("on a stick", func(t *testing.T, c *card) {
		refused(t, c, c.update("", day, stick(old)), now, `"2020.01-1" is below "2026.12-5"`)
		if c.installs != 0 {
			t.Error("RAUC was asked")
		}
	})
	test("on a stick that changes while it is read", func(t *testing.T, c *card) {
		c.bundles["swapped"] = Bundle{Version: next}
		c.swap = func() { c.bundles["swapped"] = Bundle{Version: old} }
		refused(t, c, c.update("", day, stick("swapped")), now, `"2020.01-1" is below "2026.12-5"`)
	})
	test("from the registry", func(t *testing.T, c *card) {
		refused(t, c, c.update(old, night, Request{}), now, `"2020.01-1" is below "2026.12-5"`)
		if c.installs != 1 {
			t.Errorf("%d installations were begun", c.installs)
		}
	})
	test("from the registry, under a newer name", func(t *testing.T, c *card) {
		c.bundles[next] = Bundle{Version: old}
		refused(t, c, c.update(next, night, Request{}), now, `"2020.01-1" is below "2026.12-5"`)
	})
	test("from the registry, another one than it says", func(t *testing.T, c *card) {
		c.bundles[next] = Bundle{Version: next + "+1"}
		refused(t, c, c.update(next, night, Request{}), now, `"2026.12-6" was to be installed`)
	})
	test("signed as one", func(t *testing.T, c *card) {
		must(t, c.update("", day, stick("downgrade")))
		must(t, c.confirm(t.Context(), well, well))
		c.expect(old, old, Good)
		if kept := must2(t, c.low().kept).String(); kept != now {
			t.Errorf("the lowest version fell to %q", kept)
		}
		if err := c.update("", day, Request{Bundle: "2026.12-4", Now: true}); err == nil {
			t.Error("below what ran before it is installed without being signed for that")
		}
		must(t, c.update("", day, stick(now)))
		must(t, c.confirm(t.Context(), well, well))
		c.expect(now, now, Good)
	})
	test("signed as one, from the registry", func(t *testing.T, c *card) {
		c.bundles[old] = c.bundles["downgrade"]
		must(t, c.update(old, night, Request{}))
		must(t, c.confirm(t.Context(), well, well))
		c.expect(old, old, Good)
	})
	test("signed as one, for doors that had less", func(t *testing.T, c *card) {
		must(t, c.update("", day, stick(next)))
		must(t, c.confirm(t.Context(), well, well))
		c.restarts = 0
		refused(t, c, c.update("", day, stick("downgrade")), next, `from "2026.12-5" at most`)
	})
	test("after a factory reset", func(t *testing.T, c *card) {
		must(t, c.update("", day, stick("downgrade")))
		must(t, c.confirm(t.Context(), well, well))
		must(t, os.Remove(c.path)) // all that provision.Apply leaves is LowestFile
		if err := c.update("", day, Request{Bundle: "2026.12-4"}); err == nil {
			t.Error("2026.12-4 was installed")
		}
	})
	test("with a version that failed between", func(t *testing.T, c *card) {
		must(t, c.update(next, night, Request{}))
		_ = c.confirm(t.Context(), sick, well)
		c.expect(now, next, Failed)
		if kept := must2(t, c.low().kept).String(); kept != now {
			t.Errorf("the lowest version is %q, and %q never proved itself", kept, next)
		}
	})
	test("by hand, past the updater", func(t *testing.T, c *card) {
		must(t, Admit(c.path, c.low(), c.bundles["downgrade"], c.logger()))
		if kept := must2(t, c.low().kept).String(); kept != now {
			t.Errorf("the lowest version is %q", kept)
		}
	})
	test("after U-Boot went back to the other slot", func(t *testing.T, c *card) {
		must(t, c.update(next, night, Request{}))
		must(t, c.confirm(t.Context(), well, well))
		c.left["B"] = 0
		c.start()
		c.expect(now, next, Good)
		if err := c.update("", day, Request{Bundle: now + "+1"}); err == nil ||
			!strings.Contains(err.Error(), `below "2026.12-6"`) {
			t.Errorf("%v", err)
		}
	})
	test("with an image that asks for less than itself", func(t *testing.T, c *card) {
		c.lowest[next], c.lowest[now] = "2026.11-1", "2026.11-1"
		must(t, c.update(next, night, Request{}))
		must(t, c.confirm(t.Context(), well, well))
		must(t, c.update(now, night, Request{})) // the registry takes the release back
		c.expect(now, next, Good)
	})
	test("only asked about", func(t *testing.T, c *card) {
		must(t, c.update(old, night, Request{Check: true}))
		if said := c.log.String(); !strings.Contains(said, "signed as a downgrade") || c.installs != 0 {
			t.Errorf("%d installations, and it says\n%s", c.installs, said)
		}
	})
}

func must2[T any](t *testing.T, do func() (T, error)) T {
	t.Helper()
	v, err := do()
	must(t, err)
	return v
}

// Whatever becomes of the file, the door opens to no version below the running image's own.
func TestLowestFile(t *testing.T) {
	for _, x := range []struct {
		name, file, image string // "" of the file: it is not there
		want              string
		loud              bool // an operator can read about it
	}{
		{"none yet", "", "2.0", "2.0", false},
		{"higher", "2.1\n", "2.0", "2.1", false},
		{"lower", "1.9\n", "2.0", "2.0", false},
		{"the same", "2.0\n", "2.0", "2.0", false},
		{"torn", "2", "2.0", "2.0", true},
		{"torn to something higher", "2.10", "2.0", "2.0", true},
		{"empty", "\n", "2.0", "2.0", true},
		{"zeros", "\x00\x00\x00\x00", "2.0", "2.0", true},
		{"words", "newest\n", "2.0", "2.0", true},
		{"two lines", "2.1\n2.2\n", "2.0", "2.0", true},
	} {
		t.Run(x.name, func(t *testing.T) {
			var log bytes.Buffer
			l := Lowest{Path: filepath.Join(t.TempDir(), LowestFile), Image: x.image,
				Log: slog.New(slog.NewTextHandler(&log, nil))}
			if x.file != "" {
				must(t, os.WriteFile(l.Path, []byte(x.file), 0o600))
			}
			if got := must2(t, l.version).String(); got != x.want || strings.Contains(log.String(), "lowest") != x.loud {
				t.Errorf("%s, want %s, and it says %q", got, x.want, &log)
			}
			must(t, l.raise())
			if data, err := os.ReadFile(l.Path); err != nil || string(data) != x.want+"\n" {
				t.Errorf("kept is %q, %v", data, err)
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		l := Lowest{Path: t.TempDir(), Image: "2.0", Log: slog.New(slog.DiscardHandler)} // a folder
		if err := l.refuse(Bundle{Version: "1.9"}); err == nil {
			t.Error("1.9 is taken")
		}
	})
	t.Run("an image without one", func(t *testing.T) {
		l := Lowest{Path: filepath.Join(t.TempDir(), LowestFile), Log: slog.New(slog.DiscardHandler)}
		if err := l.refuse(Bundle{Version: "9"}); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%v", err)
		}
	})
}

// Versions as image-build/package/build makes them, and as people write them.
func TestVersions(t *testing.T) {
	ascending := []string{
		"0~20251123093000.g0123456", "0~20261123093000.g0123456", "0~20261123093000.g0123456+dirty", "0~20261123093001.g0000000", "0", "1.2.3~rc1",
		"1.2.3", "1.2.3+5.g0123456", "1.2.3+10.g0000000", "1.2.10", "1.10", "2020.01-1", "2026.12-5", "2026.12-10", "2027.1", "20261123093000", "1:0.1",
	}
	l := Lowest{Path: filepath.Join(t.TempDir(), LowestFile), Log: slog.New(slog.DiscardHandler)}
	for i, lowest := range ascending {
		l.Image = lowest
		for j, version := range ascending {
			if err := l.refuse(Bundle{Version: version}); (err == nil) != (cmp.Compare(j, i) >= 0) {
				t.Errorf("%s where the lowest is %s: %v", version, lowest, err)
			}
		}
	}
	l.Image = "0"
	for _, bad := range []string{"", " 1", "1 ", "1\n", "v1.2", "-1", "1-", "1_2", "1/2", "x:1", "1:", "latest",
		"١", "1.2é"} {
		if err := l.refuse(Bundle{Version: bad}); err == nil || !strings.Contains(err.Error(), "is no version") {
			t.Errorf("%q: %v", bad, err)
		}
		if err := l.refuse(Bundle{Version: "0~1", Downgrade: bad}); err == nil {
			t.Errorf("%q is taken as what may be downgraded", bad)
		}
	}
}
