package update

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// in runs a test in virtual time, on a machine of its own.
func in(t *testing.T, name string, run func(*testing.T, *card)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { run(t, newCard(t)) }) })
}

func TestTrial(t *testing.T) {
	in(t, "good", func(t *testing.T, c *card) {
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", "")
		if err := c.confirm(t.Context(), well, well); err != nil || c.restarts != 1 || c.left["B"] != 3 {
			t.Errorf("%v, %d restarts, %d starts left", err, c.restarts, c.left["B"])
		}
		c.expect("2", "2", Good)
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", Good)
	})
	in(t, "not well", func(t *testing.T, c *card) {
		must(t, c.update("2", night, Request{}))
		if err := c.confirm(t.Context(), sick, well); !errors.Is(err, errCamera) {
			t.Errorf("%v, want %v", err, errCamera)
		}
		c.expect("1", "2", Failed)
		must(t, c.confirm(t.Context(), well, well))
		must(t, c.update("2", night, Request{}))
		if err := c.update("", night, Request{Bundle: "2"}); err == nil || !strings.Contains(err.Error(), "out of order: camera") {
			t.Errorf("a bundle that failed: %v", err)
		}
		c.expect("1", "2", Failed)
		if c.state().Trial != nil {
			t.Errorf("the trial is not over: %+v", c.state())
		}
		must(t, c.update("3", night, Request{}))
		c.expect("3", "3", "")
	})
	in(t, "registry unreachable", func(t *testing.T, c *card) {
		for range maxReturns {
			must(t, c.update("2", night, Request{}))
			if err := c.confirm(t.Context(), well, sick); err == nil || !strings.Contains(err.Error(), "registry") {
				t.Errorf("%v, want it to name the registry", err)
			}
			c.expect("1", "2", Returned)
			must(t, c.confirm(t.Context(), well, well))
		}
		if n := c.restarts; n != 2*maxReturns {
			t.Errorf("%d restarts, want one there and one back for each of %d trials", n, maxReturns)
		}
		must(t, c.update("2", night, Request{}))
		c.expect("1", "2", Returned)
	})
	in(t, "power cut before the bad mark", func(t *testing.T, c *card) {
		must(t, c.update("2", night, Request{}))
		c.markErr = errors.New("power cut")
		_ = c.confirm(t.Context(), sick, well)
		c.expect("2", "2", Failed)
		c.markErr = nil
		_ = c.confirm(t.Context(), sick, well)
		c.expect("1", "2", Failed)
	})
	in(t, "never comes up", func(t *testing.T, c *card) {
		for round := range maxReturns {
			must(t, c.update("2", night, Request{}))
			c.expect("2", "2", []Result{"", Returned, Returned}[round])
			c.start()
			c.start()
			c.start()
			must(t, c.confirm(t.Context(), well, nil))
			c.expect("1", "2", Returned)
		}
		must(t, c.update("2", night, Request{}))
		c.expect("1", "2", Returned)
	})
	in(t, "RAUC does not work in it", func(t *testing.T, c *card) {
		must(t, c.update("2", night, Request{}))
		c.bootedErr = errors.New("no rauc")
		c.markErr = c.bootedErr
		for range 3 {
			_ = c.confirm(t.Context(), well, well)
		}
		c.expect("1", "2", Failed)
	})
}

// A door without a network gets its versions from a stick.
func TestFromStick(t *testing.T) {
	stick := func(version string) Request { return Request{Bundle: version, Now: true, Once: true} }
	cut := func() error { return errors.New("no route to host") }
	in(t, "no registry before, none after", func(t *testing.T, c *card) {
		c.reached = cut
		must(t, c.update("", day, stick("2")))
		must(t, c.confirm(t.Context(), well, sick))
		c.expect("2", "2", Good)
	})
	in(t, "nor what a network brings", func(t *testing.T, c *card) {
		c.reached = cut
		must(t, c.update("", day, stick("2")))
		must(t, c.confirm(t.Context(), untimed, sick))
		c.expect("2", "2", Good)
	})
	in(t, "no registry, and not well", func(t *testing.T, c *card) {
		c.reached = cut
		must(t, c.update("", day, stick("2")))
		if err := c.confirm(t.Context(), sick, sick); !errors.Is(err, errCamera) {
			t.Errorf("%v, want %v", err, errCamera)
		}
		c.expect("1", "2", Failed)
	})
	in(t, "a registry before, none after", func(t *testing.T, c *card) {
		must(t, c.update("", day, stick("2")))
		if err := c.confirm(t.Context(), well, sick); !errors.Is(err, errUnreachable) {
			t.Errorf("%v, want %v", err, errUnreachable)
		}
		c.expect("1", "2", Returned)
		must(t, c.update("", day, stick("2"))) // the person tries again
		must(t, c.confirm(t.Context(), well, well))
		c.expect("2", "2", Good)
	})
	in(t, "the time before, none after", func(t *testing.T, c *card) {
		must(t, c.update("", day, stick("2")))
		if err := c.confirm(t.Context(), untimed, well); !errors.Is(err, ErrNetwork) {
			t.Errorf("%v, want %v", err, ErrNetwork)
		}
		c.expect("1", "2", Failed)
	})
	for _, answers := range []int{1, 2} {
		in(t, fmt.Sprintf("a registry that answers the old version at question %d only", answers), func(t *testing.T, c *card) {
			asked := 0
			c.reached = func() error {
				if asked++; asked == answers {
					return nil
				}
				return cut()
			}
			must(t, c.update("", day, stick("2")))
			_ = c.confirm(t.Context(), well, sick)
			c.expect("1", "2", Returned)
		})
	}
	in(t, "streamed, and the registry is gone since", func(t *testing.T, c *card) {
		c.reached = cut
		must(t, c.update("2", night, Request{}))
		_ = c.confirm(t.Context(), well, sick)
		c.expect("1", "2", Returned)
	})
	in(t, "onto a version that does not know the key", func(t *testing.T, c *card) {
		c.reached = cut
		must(t, c.update("", day, stick("2")))
		data, err := os.ReadFile(c.path)
		must(t, err)
		known := strings.Replace(string(data), `"alone": true`, `"since": "another version's"`, 1)
		if known == string(data) {
			t.Fatalf("nothing says that the door is alone:\n%s", data)
		}
		must(t, os.WriteFile(c.path, []byte(known), 0o600))
		_ = c.confirm(t.Context(), well, sick)
		c.expect("1", "2", Returned)
	})
	in(t, "it stays in, and the registry wants another version", func(t *testing.T, c *card) {
		must(t, c.update("", day, stick("2")))
		must(t, c.confirm(t.Context(), well, well))
		must(t, c.update("3", night, Request{}))
		must(t, c.confirm(t.Context(), well, well))
		must(t, c.update("", day, stick("2")))
		c.expect("3", "2", Good)
		c.lowest["3"] = "1"
		must(t, os.Remove(c.low().Path))
		must(t, c.update("", day, Request{Bundle: "2", Now: true})) // by hand it is taken, where it is not too low
		c.expect("2", "2", Good)
	})
	in(t, "with the version that runs, and another one waits", func(t *testing.T, c *card) {
		must(t, c.update("2", day, Request{}))
		must(t, c.update("", day, stick("1")))
		c.installErr = errors.New("installed twice")
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", "")
	})
}

func TestSelfTest(t *testing.T) {
	within := func(least, most time.Duration) func(*testing.T, *card, func(time.Duration) error, func(time.Duration) error) {
		return func(t *testing.T, c *card, health, registry func(time.Duration) error) {
			start := time.Now()
			err := c.confirm(t.Context(), health, registry)
			if took := time.Since(start); err != nil || took < least || took > most {
				t.Errorf("%v after %v, want it well after %v to %v", err, took, least, most)
			}
		}
	}
	in(t, "at once", func(t *testing.T, c *card) { within(20*time.Second, 22*time.Second)(t, c, well, nil) })
	in(t, "a break starts it again", func(t *testing.T, c *card) {
		within(39*time.Second, 43*time.Second)(t, c, func(since time.Duration) error {
			if since > 18*time.Second && since < 19500*time.Millisecond {
				return errCamera
			}
			return nil
		}, well)
	})
	in(t, "a late registry", func(t *testing.T, c *card) {
		within(5*time.Minute, 5*time.Minute+11*time.Second)(t, c, well, func(since time.Duration) error {
			if since < 5*time.Minute {
				return errCamera
			}
			return nil
		})
	})
	in(t, "on and off for ever", func(t *testing.T, c *card) {
		err := c.confirm(t.Context(), func(since time.Duration) error {
			if int(since/time.Second)%15 == 0 {
				return errCamera
			}
			return nil
		}, well)
		if err == nil || c.restarts != 0 {
			t.Errorf("%v, %d restarts", err, c.restarts)
		}
	})
	in(t, "a daemon that hangs", func(t *testing.T, c *card) {
		confirmer := Confirmer{
			Slots: c, Reboot: c.reboot, Path: c.path, Boot: c.boot(), For: time.Second, Within: time.Minute, Log: c.logger(),
			Health: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		}
		start := time.Now()
		if err := confirmer.Run(t.Context()); err == nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A system that is not on trial is never restarted, and its starts are counted afresh unless it may
// be damaged.
func TestNotOnTrial(t *testing.T) {
	for _, x := range []struct {
		name   string
		health func(time.Duration) error
		left   int
	}{{"well", well, 3}, {"sick", sick, 3}, {"silent", silent, 2}} {
		in(t, x.name, func(t *testing.T, c *card) {
			err := c.confirm(t.Context(), x.health, nil)
			if (err == nil) != (x.name == "well") || c.restarts != 0 || c.left["A"] != x.left {
				t.Errorf("%v, %d restarts, %d starts left, want %d", err, c.restarts, c.left["A"], x.left)
			}
			if _, err := os.Stat(c.path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the start cost the card a write: %v", err)
			}
		})
	}
	in(t, "stopped", func(t *testing.T, c *card) {
		must(t, c.update("2", night, Request{}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.confirm(ctx, sick, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		c.expect("2", "2", "")
		must(t, c.confirm(t.Context(), well, nil))
		c.expect("2", "2", Good)
	})
}

func TestUpdate(t *testing.T) {
	in(t, "window", func(t *testing.T, c *card) {
		must(t, c.update("2", day, Request{}))
		c.expect("1", "2", "")
		must(t, c.confirm(t.Context(), well, nil)) // of the old system, which waits
		must(t, c.update("2", day, Request{}))
		c.installErr = errors.New("installed twice")
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", "")
	})
	in(t, "now", func(t *testing.T, c *card) {
		must(t, c.update("2", day, Request{Now: true}))
		c.expect("2", "2", "")
		must(t, c.update("3", night, Request{})) // not while it is on trial
		c.expect("2", "3", "")
	})
	in(t, "check", func(t *testing.T, c *card) {
		must(t, c.update("2", night, Request{Check: true}))
		if c.slots["B"] != "" || c.restarts != 0 || !strings.Contains(c.log.String(), "would be installed") {
			t.Errorf("slots %v\n%s", c.slots, &c.log)
		}
	})
	in(t, "taken back", func(t *testing.T, c *card) {
		must(t, c.update("2", day, Request{}))
		must(t, c.update("", night, Request{}))
		c.start()
		c.expect("1", "2", "")
		if c.restarts != 0 || c.state().Trial != nil {
			t.Errorf("%d restarts, %+v", c.restarts, c.state())
		}
	})
	in(t, "replaced before it was started", func(t *testing.T, c *card) {
		must(t, c.update("2", day, Request{}))
		must(t, c.update("3", night, Request{}))
		c.expect("3", "2", "")
	})
	in(t, "restarted by somebody else", func(t *testing.T, c *card) {
		must(t, c.update("2", day, Request{}))
		c.start()
		_ = c.confirm(t.Context(), sick, nil)
		c.expect("1", "2", Failed)
	})
	in(t, "does not install", func(t *testing.T, c *card) {
		c.installErr = errors.New("signature")
		if err := c.update("2", night, Request{}); !errors.Is(err, c.installErr) {
			t.Error(err)
		}
		c.installErr = nil
		c.expect("1", "2", "")
		if c.state().Trial != nil {
			t.Errorf("kept as a trial: %+v", c.state())
		}
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", "")
	})
	in(t, "installs at the third go", func(t *testing.T, c *card) {
		c.fails = installTries
		if err := c.update("2", night, Request{}); !errors.Is(err, errStream) {
			t.Errorf("%v after %d tries, want %v", err, installTries, errStream)
		}
		c.expect("1", "2", "")
		c.fails = installTries - 1
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", "")
	})
	in(t, "power cut while installing", func(t *testing.T, c *card) {
		must(t, change(c.path, c.logger(), func(s *State) { s.Trial = &Trial{Version: "2", From: "A", Boot: c.boot()} }))
		must(t, c.confirm(t.Context(), well, nil))
		if c.state().Trial == nil {
			t.Error("the old system's confirmation forgot what is being installed")
		}
		c.start()
		must(t, c.confirm(t.Context(), well, nil))
		c.expect("1", "2", "")
		if c.state().Trial != nil {
			t.Errorf("kept as a trial: %+v", c.state())
		}
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", "")
	})
	in(t, "unreadable file", func(t *testing.T, c *card) {
		must(t, os.WriteFile(c.path, []byte("\x00\x00"), 0o600))
		must(t, c.update("2", night, Request{}))
		c.expect("2", "2", "")
	})
}

func TestWindow(t *testing.T) {
	at := func(text string) time.Time {
		at, err := time.Parse("15:04:05", text)
		must(t, err)
		return at
	}
	night, over, always := Window{3 * time.Hour, 5 * time.Hour}, Window{23 * time.Hour, 2 * time.Hour}, Window{}
	for _, x := range []struct {
		w    Window
		at   string
		open bool
	}{
		{night, "02:59:59", false}, {night, "03:00:00", true}, {night, "04:59:59", true}, {night, "05:00:00", false},
		{over, "22:59:59", false}, {over, "23:00:00", true}, {over, "00:00:00", true}, {over, "02:00:00", false},
		{always, "00:00:00", true}, {always, "12:00:00", true},
	} {
		if got := x.w.open(at(x.at)); got != x.open {
			t.Errorf("%v at %s: %v", x.w, x.at, got)
		}
	}
}

func TestManyVersions(t *testing.T) {
	var s State
	for i := range 2 * maxVersions {
		s.note(string(rune('a'+i)), Good, "", time.Now())
	}
	if len(s.Versions) != maxVersions || s.find("a") >= 0 || s.find(string(rune('a'+2*maxVersions-1))) < 0 {
		t.Errorf("kept %d", len(s.Versions))
	}
}

// What "rauc status" of 1.8 and 1.13 says.
func TestBootedSlot(t *testing.T) {
	const answer = `{"compatible":"ashyq","variant":"","booted":"B","boot_primary":"rootfs.1","slots":[
		{"rootfs.1":{"class":"rootfs","device":"/dev/mmcblk0p3","type":"raw","bootname":"B","state":"booted","parent":null,"mountpoint":"/","boot_status":"good"}},
		{"rootfs.0":{"class":"rootfs","device":"/dev/mmcblk0p2","type":"raw","bootname":"A","state":"inactive","parent":null,"mountpoint":null,"boot_status":"good"}}]}`
	if got, err := bootedSlot([]byte(answer)); got != "B" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "[]", `{"slots":[{"rootfs.0":{"bootname":"A","state":"inactive"}}]}`, `{"slots":[{"rescue.0":{"bootname":null,"state":"booted"}}]}`} {
		if got, err := bootedSlot([]byte(bad)); err == nil {
			t.Errorf("%q is running, says %s", got, bad)
		}
	}
}
