// Package config reads the kiosk's configuration in two steps: the TOML file as written (raw.go),
// then checked and typed (Config). It rejects a file with a mistake as a whole, and says in which
// line and what to do.
//
// There are three layers: the defaults, over them the file of the administrator, and on top
// enrolled.toml in the state directory: what the registry said at the enrolment. The file is on a
// part of the card that any computer can write, so it does not change which door this is.
package config

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/names"
)

// Config is a checked configuration.
type Config struct {
	Door        Door
	Camera      Camera
	Registry    Registry
	Hardware    hardware.Config
	Patterns    hardware.Patterns
	Screen      Screen
	StateDir    string // directory of the cache and of the enrolment
	CardDir     string // the card's boot partition, where an administrator puts files
	SnapshotDir string // an offline snapshot of the registry, for a start without a network
	StickDir    string // where the system mounts a USB stick, which may hold an offline snapshot
	Clock       Clock
	Update      Update
	// Unenrolled says that the door does not know its place yet: it is not enrolled, and the file
	// names neither a venue nor a registry. It then has no venue.
	Unenrolled bool
	// Overruled are the keys where the file says something else than the enrolment, which counts.
	// Only Load sets it.
	Overruled []string
	// Refused are the keys that the file on a card's boot partition may not set.
	Refused []string
	Hash    string // changes with the effective configuration; 16 hex digits (api.HeaderConfig)
}

// Door says where the door is and how it treats codes.
type Door struct {
	Name        string
	Venue       kiosk.Venue
	Zone        kiosk.Zone
	Way         kiosk.Way
	AcceptPaper bool
	Again       time.Duration // how long an admitted person is not admitted again
}

// Camera is where pictures come from. The scanner checks the syntax of Source.
type Camera struct {
	Source      string
	FrozenAfter time.Duration
	Budget      time.Duration // CPU time for a picture, on average
	Exposure    time.Duration // of one picture; 0 here and below: the camera decides
	Gain        float64       // in the driver's units
	Focus       float64       // in the driver's units
	FPS         float64       // pictures a second
	Mains       int           // Hz of the power line, against flicker
}

// Registry is the registry that the door follows. With an empty URL the door uses what its cache
// holds.
type Registry struct {
	URL      string
	Key      ed25519.PublicKey // of the manifest
	CAFile   string            // PEM; empty: the system's authorities
	Identity string            // PEM, key and certificate of this door; empty: it only follows the public list
	Deadline time.Duration     // for one online check while somebody waits
	Fresh    time.Duration     // data older than this makes the door ask the registry

	Mirrors       []string // URLs from which the door takes the list, rather than from the registry
	MirrorsCAFile string   // PEM; empty: the system's authorities
}

// Screen is the local web server: the door's screen, /metrics, /healthz.
type Screen struct {
	Listen    string
	Languages []string // the first is the largest
}

// Clock says when the time is trusted.
type Clock struct {
	Always bool // do not ask the kernel: another program keeps the clock right
}

// Update says when the door may install another version of the card image.
type Update struct {
	Window Window        // in which the door may restart
	Trial  time.Duration // time for a new version to prove that the door is healthy
}

// Window is a part of each day, as times since midnight in the machine's zone; it may cross
// midnight. Both equal: the whole day.
type Window struct{ From, Until time.Duration }

// enrolledFile is what the enrolment writes to the state directory (package enrol).
const enrolledFile = "enrolled.toml"

// Load reads and checks a file, below the settings of the enrolment. card is nil on a machine
// without our image.
func Load(path string, card *Card) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	r, _, err := parseRaw(card, data) // for the state directory
	if err != nil {
		return nil, fmt.Errorf("configuration %q: %w", path, err)
	}
	enrolled := filepath.Join(r.State.Dir, enrolledFile)
	settings, err := os.ReadFile(enrolled)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the settings of the enrolment: %w\nhint: run this as root or as the daemon's user", err)
	}
	c, err := parse(card, data, settings)
	switch {
	case err != nil && settings != nil:
		return nil, fmt.Errorf("configuration %q below %q: %w", path, enrolled, err)
	case err != nil:
		return nil, fmt.Errorf("configuration %q: %w", path, err)
	case c.Unenrolled && settings != nil:
		return nil, fmt.Errorf("%q names neither a venue nor a registry\nhint: remove it, and enrol the door again",
			enrolled)
	}
	if settings != nil {
		c.Overruled, err = overruled(card, data, settings)
	}
	return c, err
}

// Check reports whether the file goes with these settings of an enrolment.
func Check(path string, card *Card, settings []byte) error {
	data, err := read(path)
	if err != nil {
		return err
	}
	_, err = parse(card, data, settings)
	return err
}

// CheckCard checks the contents of a card's file, and lists what it may not set.
func CheckCard(card *Card, data []byte) (refused []string, err error) {
	c, err := parse(card, data)
	if err != nil {
		return nil, err
	}
	return c.Refused, nil
}

func read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the configuration: %w\nhint: copy systemd/ashyq-kiosk.toml to %q, or name another file with --config",
			err, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return data, nil
}

// Parse reads and checks the contents of files; later ones override earlier ones.
func Parse(files ...[]byte) (*Config, error) { return parse(nil, files...) }

// parse restrains the first file, if it is a card's.
func parse(card *Card, files ...[]byte) (*Config, error) {
	raw, refused, err := parseRaw(card, files...)
	if err != nil {
		return nil, err
	}
	var problems []error
	var check checker = func(key string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
		}
	}
	c := &Config{
		Door:        Door{Name: raw.Door.Name, AcceptPaper: raw.Door.Paper},
		Camera:      raw.camera(check),
		Registry:    raw.registry(check),
		Hardware:    raw.Hardware.WithDefaults(),
		Screen:      Screen{Listen: raw.Screen.Listen, Languages: raw.Screen.Languages},
		StateDir:    raw.State.Dir,
		CardDir:     raw.State.Card,
		SnapshotDir: raw.State.Snapshot,
		StickDir:    raw.State.Stick,
		Clock:       Clock{Always: raw.Clock.Trust == "always"},

		Unenrolled: raw.Door.Venue == "" && raw.Registry.URL == "",
		Refused:    refused,
		Hash:       raw.hash(),
	}
	if !c.Unenrolled {
		c.Door.Venue, err = kiosk.ParseVenue(raw.Door.Venue)
		check("door.venue", err)
	}
	check("door.name", names.Check(raw.Door.Name))
	c.Door.Zone, err = kiosk.ParseZone(raw.Door.Zone)
	check("door.zone", err)
	c.Door.Way, err = kiosk.ParseWay(raw.Door.Way)
	check("door.way", err)
	c.Door.Again, err = duration(raw.Door.Again, 0, time.Hour)
	check("door.again", err)
	check("hardware", c.Hardware.Check())
	c.Patterns, err = hardware.ParsePatterns(raw.Patterns)
	check("patterns", err)
	check("screen.listen", checkListen(raw.Screen.Listen))
	check("screen.languages", checkLanguages(raw.Screen.Languages))
	check("state.dir", checkDir(raw.State.Dir))
	check("state.card", checkDir(raw.State.Card))
	if c.SnapshotDir == "" {
		c.SnapshotDir = filepath.Join(raw.State.Card, "ashyq-offline-snapshot")
	}
	check("state.snapshot", checkDir(c.SnapshotDir))
	check("state.stick", checkDir(c.StickDir))
	if raw.Clock.Trust != "kernel" && raw.Clock.Trust != "always" {
		check("clock.trust", fmt.Errorf("%q, want kernel or always", raw.Clock.Trust))
	}
	c.Update.Window, err = window(raw.Update.Window)
	check("update.window", err)
	c.Update.Trial, err = duration(raw.Update.Trial, time.Minute, time.Hour)
	check("update.trial", err)
	return c, errors.Join(problems...)
}

// checker notes what is wrong with a key.
type checker func(key string, err error)

func (r raw) camera(check checker) Camera {
	from := r.Camera
	c := Camera{Source: from.Source, Gain: from.Gain, Focus: from.Focus, FPS: from.FPS, Mains: from.Mains}
	var err error
	check("camera.source", notEmpty(c.Source))
	c.FrozenAfter, err = duration(r.Camera.FrozenAfter, time.Second, 5*time.Minute)
	check("camera.frozen_after", err)
	c.Budget, err = duration(r.Camera.Budget, time.Millisecond, time.Second)
	check("camera.budget", err)
	c.Exposure, err = duration(r.Camera.Exposure, 0, time.Second)
	check("camera.exposure", err)
	check("camera.gain", notNegative(c.Gain))
	check("camera.focus", notNegative(c.Focus))
	check("camera.fps", notNegative(c.FPS))
	if c.Mains != 0 && c.Mains != 50 && c.Mains != 60 {
		check("camera.mains", fmt.Errorf("%d, want 50, 60, or 0 for the camera's own", c.Mains))
	}
	return c
}

func (r raw) registry(check checker) Registry {
	c := Registry{URL: r.Registry.URL, CAFile: r.Registry.CA, Identity: r.Registry.Identity,
		Mirrors: r.Registry.Mirrors, MirrorsCAFile: r.Registry.MirrorsCA}
	var err error
	check("registry.url", checkURL(c.URL))
	c.Key, err = parseKey(r.Registry.Key, c.URL != "")
	check("registry.key", err)
	check("registry.mirrors", checkMirrors(c.Mirrors))
	if c.MirrorsCAFile != "" && len(c.Mirrors) == 0 {
		check("registry.mirrors_ca", errors.New("is for registry.mirrors, which names no mirror"))
	}
	if c.Identity != "" && c.CAFile == "" {
		check("registry.identity", errors.New("needs registry.ca, the authority of that registry"))
	}
	c.Deadline, err = duration(r.Registry.Deadline, 100*time.Millisecond, 10*time.Second)
	check("registry.deadline", err)
	c.Fresh, err = duration(r.Registry.Fresh, 0, 72*time.Hour)
	check("registry.fresh", err)
	return c
}

func window(s string) (Window, error) {
	var w Window
	from, until, _ := strings.Cut(s, "-")
	for _, end := range []struct {
		text string
		to   *time.Duration
	}{{from, &w.From}, {until, &w.Until}} {
		t, err := time.Parse("15:04", end.text)
		if err != nil {
			return Window{}, fmt.Errorf("%q is not a part of the day such as 03:00-05:00", s)
		}
		*end.to = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return w, nil
}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	return nil
}

func notNegative(v float64) error {
	if !(v >= 0) {
		return fmt.Errorf("%v is below 0", v)
	}
	return nil
}

func duration(s string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 1500ms, 15m or 24h", s)
	}
	if d < least || d > most {
		return 0, fmt.Errorf("%q is not between %v and %v", s, least, most)
	}
	return d, nil
}

func checkURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q, want https://HOST or http://HOST", s)
	}
	return nil
}

func checkMirrors(urls []string) error {
	if len(urls) > api.MostMirrors {
		return fmt.Errorf("%d mirrors, more than %d", len(urls), api.MostMirrors)
	}
	hosts := map[string]bool{}
	for _, s := range urls {
		u, err := url.Parse(s)
		switch {
		case err != nil:
			return err
		case u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
			return fmt.Errorf("%q, want https://HOST or https://HOST/PATH", s)
		case hosts[u.Host]:
			return fmt.Errorf("%q: host %q is named twice", s, u.Host)
		}
		hosts[u.Host] = true
	}
	return nil
}

func parseKey(s string, needed bool) (ed25519.PublicKey, error) {
	if s == "" && !needed {
		return nil, nil
	}
	key, err := api.ParseKey(s)
	if err != nil {
		return nil, fmt.Errorf("%w\nhint: `ashyq-registry key` prints it", err)
	}
	return key, nil
}

func checkListen(s string) error {
	if _, _, err := net.SplitHostPort(s); err != nil {
		return fmt.Errorf("%q, want HOST:PORT such as 127.0.0.1:8081", s)
	}
	return nil
}

func checkLanguages(languages []string) error {
	known := []string{"kk", "ru", "en"}
	if len(languages) == 0 {
		return errors.New("names no language, want at least one of kk, ru, en")
	}
	for i, l := range languages {
		if !slices.Contains(known, l) || slices.Contains(languages[:i], l) {
			return fmt.Errorf("%q is unknown or named twice, want kk, ru or en", l)
		}
	}
	return nil
}

func checkDir(s string) error {
	if !filepath.IsAbs(s) {
		return fmt.Errorf("%q is not an absolute path", s)
	}
	return nil
}
