package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/api"
)

// Each way in which the daemon's life can end, and what its next life says about it.
func TestWhyTheDaemonRestarts(t *testing.T) {
	type step struct {
		how  string // how the life before it ended
		want api.Restart
	}
	for name, steps := range map[string][]step{
		"first life":     {{"", ""}},
		"ordered":        {{"", ""}, {"stop", api.Ordered}, {"stop", api.Ordered}},
		"update":         {{"", ""}, {"stop update", api.Updated}, {"stop", api.Ordered}},
		"crash":          {{"", ""}, {"kill", api.Crash}, {"kill", api.Crash}, {"stop", api.Ordered}},
		"power cut":      {{"", ""}, {"kill boot", api.PowerCut}, {"kill", api.Crash}, {"kill boot", api.PowerCut}},
		"reboot":         {{"", ""}, {"stop boot", api.Ordered}},
		"watchdog":       {{"", ""}, {"kill watchdog", api.Watchdog}},
		"in an update":   {{"", ""}, {"kill boot update", api.PowerCut}, {"stop", api.Ordered}},
		"torn file":      {{"", ""}, {"kill boot torn", ""}, {"kill boot", api.PowerCut}},
		"crash, updated": {{"", ""}, {"kill update", api.Crash}, {"stop", api.Ordered}},
	} {
		t.Run(name, func(t *testing.T) {
			l := life{state: t.TempDir(), runtime: t.TempDir(), version: "1.0", sys: t.TempDir()}
			for i, s := range steps {
				if err := l.die(t, s.how); err != nil {
					t.Fatal(err)
				}
				if got, err := l.begin(); err != nil || got != s.want {
					t.Fatalf("life %d, after %q: %q, %v, want %q", i+1, s.how, got, err, s.want)
				}
			}
		})
	}
}

// die ends a life in the ways that are named in how.
func (l *life) die(t *testing.T, how string) error {
	var bits string
	for _, word := range strings.Fields(how) {
		switch word {
		case "stop":
			if err := l.end(); err != nil {
				return err
			}
		case "update":
			l.version += ".1"
		case "boot":
			l.runtime = t.TempDir()
		case "torn":
			if err := os.WriteFile(filepath.Join(l.state, lifeFile), nil, 0o600); err != nil {
				return err
			}
		case "watchdog":
			l.runtime, bits = t.TempDir(), "32\n"
		}
	}
	dog := filepath.Join(l.sys, "class/watchdog/watchdog0")
	if err := os.MkdirAll(dog, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dog, "bootstatus"), []byte(bits), 0o600)
}

// Without systemd nobody knows whether the machine has started since.
func TestLifeWithoutSystemd(t *testing.T) {
	l := life{state: t.TempDir(), version: "1.0"}
	for _, want := range []api.Restart{"", ""} {
		if got, err := l.begin(); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if err := l.end(); err != nil {
		t.Fatal(err)
	}
	if got, err := l.begin(); err != nil || got != api.Ordered {
		t.Errorf("%q, %v", got, err)
	}
}

// A daemon that crashes again and again writes nothing to the card.
func TestCrashesDoNotWearTheCard(t *testing.T) {
	l := life{state: t.TempDir(), runtime: t.TempDir(), version: "1.0"}
	if _, err := l.begin(); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(l.state, lifeFile))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := l.begin(); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := os.Stat(filepath.Join(l.state, lifeFile)); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was written again: %v", err)
	}
}
