package update

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

// card is a machine with two systems and U-Boot, as far as updates see it.
type card struct {
	t        *testing.T
	path     string
	slots    map[string]string // boot name -> version
	bundles  map[string]Bundle // by path or URL, where that is not the version
	lowest   map[string]string // that a version's image asks for, where that is not the version
	left     map[string]int    // starts
	order    []string
	running  string // boot name
	starts   int
	installs int
	swap     func()       // done when an installation begins
	restarts int          // that were asked for
	fails    int          // installations from now on that come to nothing
	reached  func() error // what comes of asking the registry during an update; nil: it answers

	installErr, bootedErr, markErr error
	log                            bytes.Buffer
}

func newCard(t *testing.T) *card {
	c := &card{
		t: t, path: filepath.Join(t.TempDir(), "update.json"),
		bundles: map[string]Bundle{}, lowest: map[string]string{},
		slots: map[string]string{"A": "1", "B": ""}, left: map[string]int{"A": 3, "B": 0}, order: []string{"A", "B"},
	}
	c.start()
	return c
}

// start is what U-Boot does (rauc, contrib/uboot.sh).
func (c *card) start() {
	for _, name := range c.order {
		if c.left[name] > 0 {
			c.left[name]--
			c.running = name
			c.starts++
			return
		}
	}
	c.t.Fatal("no system has starts left")
}

func (c *card) boot() string { return fmt.Sprint("start ", c.starts) }

func (c *card) Booted(context.Context) (string, error) { return c.running, c.bootedErr }

func (c *card) Inspect(_ context.Context, bundle string) (Bundle, error) {
	if b, ok := c.bundles[bundle]; ok {
		return b, nil
	}
	return Bundle{Version: bundle}, nil
}

func (c *card) Install(ctx context.Context, bundle string) error {
	other := map[string]string{"A": "B", "B": "A"}[c.running]
	if s := c.state(); s.Trial == nil || s.Trial.Installed {
		c.t.Errorf("installing %q, and after a power cut nobody would know: %+v", bundle, s.Trial)
	}
	c.installs++
	if c.swap != nil {
		c.swap()
	}
	b, err := c.Inspect(ctx, bundle)
	if err != nil {
		return err
	}
	if Admit(c.path, c.low(), b, c.logger()) != nil {
		return errors.New("exit status 1") // that is all that RAUC says
	}
	if c.fails > 0 {
		c.fails--
		return errStream
	}
	if c.installErr != nil {
		c.slots[other], c.left[other] = "", 0
		return c.installErr
	}
	c.slots[other], c.left[other], c.order = b.Version, 3, []string{other, c.running}
	return nil
}

func (c *card) Mark(_ context.Context, mark Mark) error {
	other := map[string]string{"A": "B", "B": "A"}[c.running]
	switch {
	case c.markErr != nil:
		return c.markErr
	case mark == MarkGood:
		c.left[c.running] = 3
	case mark == MarkBad:
		c.left[c.running], c.order = 0, []string{other}
	case mark == MarkActive:
		c.order = []string{c.running, other}
	}
	return nil
}

func (c *card) reboot(context.Context) error {
	c.restarts++
	c.start()
	return nil
}

// low is the running image's Lowest.
func (c *card) low() Lowest {
	running := c.slots[c.running]
	return Lowest{Path: filepath.Join(filepath.Dir(c.path), LowestFile), Image: cmp.Or(c.lowest[running], running),
		Log: c.logger()}
}

func (c *card) logger() *slog.Logger { return slog.New(slog.NewTextHandler(&c.log, nil)) }

// update is a run of the timer at an hour; wants is what the registry says.
func (c *card) update(wants string, at time.Duration, r Request) error {
	u := Updater{
		Ask: func(context.Context) (Release, error) { return Release{Version: wants, Bundle: wants}, nil },
		Registry: func(context.Context) error {
			if c.reached == nil {
				return nil
			}
			return c.reached()
		},
		Slots: c, Reboot: c.reboot, Path: c.path, Lowest: c.low(), Running: c.slots[c.running], Boot: c.boot(),
		Window: Window{3 * time.Hour, 5 * time.Hour}, Log: c.logger(),
		Now: func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(at) },
	}
	return u.Run(c.t.Context(), r)
}

var (
	night = 4 * time.Hour
	day   = 12 * time.Hour
)

// confirm is the run after a start; health is asked each second.
func (c *card) confirm(ctx context.Context, health func(since time.Duration) error,
	registry func(since time.Duration) error) error {
	start := time.Now()
	confirmer := Confirmer{
		Slots: c, Reboot: c.reboot, Path: c.path, Lowest: c.low(), Running: c.slots[c.running], Boot: c.boot(), For: 20 * time.Second, Within: 10 * time.Minute, Log: c.logger(),
		Health: func(context.Context) error { return health(time.Since(start)) },
	}
	if registry != nil {
		confirmer.Registry = func(context.Context) error { return registry(time.Since(start)) }
	}
	return confirmer.Run(ctx)
}

var (
	errCamera = errors.New("out of order: camera")
	errStream = errors.New("verity: hash device is too small")
)

func well(time.Duration) error    { return nil }
func sick(time.Duration) error    { return errCamera }
func silent(time.Duration) error  { return ErrSilent }
func untimed(time.Duration) error { return fmt.Errorf("%w: out of order: clock", ErrNetwork) }

// state reads the file.
func (c *card) state() (s State) {
	if err := change(c.path, c.logger(), func(now *State) { s = *now }); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// expect is what is running, and what became of a version.
func (c *card) expect(version, tried string, result Result) {
	c.t.Helper()
	if got := c.slots[c.running]; got != version {
		c.t.Errorf("running %q, want %q\n%s", got, version, &c.log)
	}
	s := c.state()
	i := s.find(tried)
	switch {
	case i < 0 && result != "":
		c.t.Errorf("nothing is known of %q, want %q\n%s", tried, result, &c.log)
	case i >= 0 && s.Versions[i].Result != result:
		c.t.Errorf("%q is kept as %+v, want %q\n%s", tried, s.Versions[i], result, &c.log)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
