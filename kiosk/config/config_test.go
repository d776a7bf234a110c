package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/config"
)

func TestShippedFile(t *testing.T) {
	data, err := os.ReadFile("../../systemd/ashyq-kiosk.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Unenrolled || c.Hardware.Lines.Red != "GPIO17" || c.Clock.Always ||
		c.SnapshotDir != "/boot/firmware/ashyq-offline-snapshot" {
		t.Errorf("parsed as %+v", c)
	}
}

// TestShippedDefaults uncomments the shipped file's example lines: each must be a known key and
// give the default.
func TestShippedDefaults(t *testing.T) {
	data, err := os.ReadFile("../../systemd/ashyq-kiosk.toml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for line := range strings.Lines(string(data)) {
		rest, commented := strings.CutPrefix(line, "# ")
		example := strings.HasPrefix(rest, "name") || strings.HasPrefix(rest, "venue") ||
			strings.HasPrefix(rest, "identity") || strings.HasPrefix(rest, "url") || strings.HasPrefix(rest, "key") ||
			strings.HasPrefix(rest, "ca ") || strings.HasSuffix(strings.Fields(rest + " x")[0], "_ms") ||
			strings.HasPrefix(rest, "active_low")
		if commented && strings.Contains(rest, " = ") && !example {
			line = rest
		}
		open = append(open, line)
	}
	got, err := config.Parse([]byte(strings.Join(open, "")))
	if err != nil {
		t.Fatal(err)
	}
	if g, w := *got, *want; g.Door != w.Door || g.Camera != w.Camera || g.Hardware.Lines != w.Hardware.Lines ||
		g.Registry.Deadline != w.Registry.Deadline || g.Registry.Fresh != w.Registry.Fresh || g.StateDir != w.StateDir ||
		g.CardDir != w.CardDir || g.SnapshotDir != w.SnapshotDir || g.StickDir != w.StickDir ||
		g.Screen.Listen != w.Screen.Listen || g.Clock != w.Clock || g.Update != w.Update {
		t.Errorf("the file says\n%+v\nthe defaults are\n%+v", g, w)
	}
}

func TestNameIsComposed(t *testing.T) {
	c, err := config.Parse([]byte("[door]\nvenue = \"shop\"\nname = \"\u0418\u0306од\"\n"))
	if err != nil || c.Door.Name != "\u0419од" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestMistakes(t *testing.T) {
	const good = "[door]\nvenue = \"shop\"\n"
	for _, c := range []struct{ name, file, want string }{
		{"nearest key", "[door]\nvenu = \"shop\"\n", `line 2: unknown key "door.venu"` + "\n" +
			`hint: the nearest known key is "door.venue"`},
		{"nearest section", good + "[harware]\npins = \"sim\"\n", `"hardware`},
		{"nearest pattern", good + "[patterns.admitted]\nrelay = 3\n", `"patterns.admitted.relay_ms"`},
		{"not TOML", "[door\n", "line 1, column"},
		{"wrong type", "[door]\nvenue = 3\n", "line 2"},
		{"no venue", "[registry]\nurl = \"https://x\"\n", `door.venue: unknown kind of venue ""`},
		{"invisible name", "[door]\nvenue = \"shop\"\nname = \"door \\u202e1\"\n",
			"door.name: it has the character U+202E RIGHT-TO-LEFT OVERRIDE"},
		{"identity alone", good + "[registry]\nidentity = \"/x\"\n", "registry.identity: needs registry.ca"},
		{"card", good + "[state]\ncard = \"boot\"\n", "state.card"},
		{"stick", good + "[state]\nstick = \"stick\"\n", "state.stick"},
		{"venue", "[door]\nvenue = \"pub\"\n", `unknown kind of venue "pub", want one of airport,`},
		{"zone", good + "zone = \"blue\"\n", `door.zone: unknown zone "blue"`},
		{"way", good + "way = \"out\"\n", `door.way: unknown way "out", want entry or exit`},
		{"duration", good + "again = \"soon\"\n", `door.again: "soon" is not a duration`},
		{"too long", good + "again = \"2h\"\n", `not between 0s and 1h0m0s`},
		{"url", good + "[registry]\nurl = \"ftp://x\"\n", `registry.url: "ftp://x", want https://HOST`},
		{"key missing", good + "[registry]\nurl = \"https://x\"\n", `registry.key: the key does not begin with "k1"`},
		{"key without its prefix", good + "[registry]\nurl = \"https://x\"\nkey = \"" + strings.Repeat("A", 43) + "\"\n",
			"hint: `ashyq-registry key` prints it"},
		{"mirror over http", good + "[registry]\nmirrors = [\"http://x\"]\n", `registry.mirrors: "http://x", want https://HOST`},
		{"mirror with a user", good + "[registry]\nmirrors = [\"https://a:b@x\"]\n", "want https://HOST"},
		{"mirror twice", good + "[registry]\nmirrors = [\"https://x/a\", \"https://x/b\"]\n", `host "x" is named twice`},
		{"many mirrors", good + "[registry]\nmirrors = [" + strings.Repeat("\"https://x\", ", 9) + "]\n", "9 mirrors, more than 8"},
		{"authority of no mirror", good + "[registry]\nmirrors_ca = \"/x\"\n", "registry.mirrors_ca: is for registry.mirrors"},
		{"listen", good + "[screen]\nlisten = \"8080\"\n", "screen.listen"},
		{"language", good + "[screen]\nlanguages = [\"de\"]\n", `screen.languages: "de"`},
		{"exposure", good + "[camera]\nexposure = \"2s\"\n", "camera.exposure"},
		{"mains", good + "[camera]\nmains = 55\n", "camera.mains: 55, want 50, 60, or 0"},
		{"gain", good + "[camera]\ngain = -1.0\n", "camera.gain: -1 is below 0"},
		{"line", good + "[hardware]\nactive_low = [\"pink\"]\n", `hardware: active low "pink"`},
		{"clock", good + "[clock]\ntrust = \"me\"\n", `clock.trust: "me", want kernel or always`},
		{"window", good + "[update]\nwindow = \"3-5\"\n", `update.window: "3-5" is not a part of the day`},
		{"state", good + "[state]\ndir = \"here\"\n", "not an absolute path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Parse([]byte(c.file))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n%v\nwant in it\n%s", err, c.want)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := config.Parse([]byte("[door]\nvenue = \"pub\"\nzone = \"pink\"\n"))
	if err == nil || !strings.Contains(err.Error(), "door.venue") || !strings.Contains(err.Error(), "door.zone") {
		t.Errorf("error is %v, want both mistakes in it", err)
	}
}

const enrolled = `[door]
name = "North gate"
venue = "cinema"
zone = "red"
[registry]
url = "https://registry.example"
key = "k1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ca = "/s/ca.pem"
identity = "/s/identity.pem"
`

// TestLayers combines files as Load finds them.
func TestLayers(t *testing.T) {
	state := t.TempDir()
	file := filepath.Join(t.TempDir(), "kiosk.toml")
	load := func(text string) *config.Config {
		t.Helper()
		if err := os.WriteFile(file, []byte(text+fmt.Sprintf("[state]\ndir = %q\n", state)), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := load(""); !c.Unenrolled || c.Door.Venue != "" || c.Door.Name != "door" {
		t.Errorf("nobody has said anything: %+v", c.Door)
	}
	if c := load("[door]\nvenue = \"shop\"\n"); c.Unenrolled || c.Door.Venue != "shop" || c.Registry.URL != "" {
		t.Errorf("a door that lives on its cache: %+v", c)
	}
	if err := config.Check(file, nil, []byte(enrolled)); err != nil {
		t.Error(err)
	}
	if err := config.Check(file, nil, []byte(strings.Replace(enrolled, "red", "pink", 1))); err == nil {
		t.Error("a pink zone was taken")
	}
	if err := os.WriteFile(filepath.Join(state, "enrolled.toml"), []byte(enrolled), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load("")
	if c.Unenrolled || c.Door.Venue != "cinema" || c.Door.Zone != "red" || c.Door.Name != "North gate" ||
		c.Registry.URL != "https://registry.example" ||
		c.Registry.Identity != "/s/identity.pem" || c.Registry.CAFile != "/s/ca.pem" || c.StateDir != state {
		t.Errorf("enrolled: %+v", c)
	}
	c = load("[door]\nvenue = \"pharmacy\"\nzone = \"green\"\nname = \"X\"\nagain = \"5s\"\n" +
		"[registry]\nurl = \"https://other.example\"\nkey = \"k1BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA\"\nca = " +
		"\"/x\"\nidentity = \"/y\"\nfresh = \"1m\"\n")
	if c.Door.Venue != "cinema" || c.Door.Zone != "red" || c.Door.Name != "North gate" ||
		c.Registry.URL != "https://registry.example" ||
		c.Registry.CAFile != "/s/ca.pem" || c.Registry.Identity != "/s/identity.pem" || c.Registry.Key[0] != 0 {
		t.Errorf("the file over the enrolment: %+v %+v", c.Door, c.Registry)
	}
	if len(c.Overruled) != 7 || c.Overruled[1] != `door.venue is "pharmacy" in the file, and the enrolment's "cinema" counts` {
		t.Errorf("overruled: %q", c.Overruled)
	}
	if c := load("[door]\nvenue = \"cinema\"\nzone = \"red\"\n"); len(c.Overruled) != 0 {
		t.Errorf("the file says the same, and is overruled: %q", c.Overruled)
	}
	if before, after := load("[door]\npaper = true\n").Hash, load("[door]\npaper = false\n").Hash; before == after ||
		before != load("").Hash || len(after) != 16 {
		t.Errorf("hashes %q and %q", before, after)
	}
	if c.Door.Again != 5*time.Second || c.Registry.Fresh != time.Minute {
		t.Errorf("what the enrolment does not say: %+v %+v", c.Door, c.Registry)
	}
}

// TestCardRestrainsItsFile: what the boot partition says does not move a card's door away from its
// enrolment, and what else it says still counts.
func TestCardRestrainsItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kiosk.toml")
	const elsewhere = "[door]\nvenue = \"pharmacy\"\nzone = \"red\"\nagain = \"5s\"\n" +
		"[registry]\nurl = \"https://other.example\"\nkey = \"k1BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA\"\n" +
		"[state]\ndir = \"/tmp/away\"\ncard = \"/tmp\"\nsnapshot = \"/tmp/list\"\nstick = \"/tmp\"\n" +
		"[hardware]\npins = \"sim:/var/lib/ashyq-kiosk/enrolled.toml\"\nactive_low = [\"relay\"]\n"
	if err := os.WriteFile(file, []byte(elsewhere), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, &config.Card{})
	if err != nil {
		t.Fatal(err)
	}
	if c.StateDir != "/var/lib/ashyq-kiosk" || c.CardDir != "/boot/firmware" || c.StickDir != "/run/ashyq/stick" ||
		c.SnapshotDir != "/boot/firmware/ashyq-offline-snapshot" || c.Hardware.Pins != "sim" {
		t.Errorf("the file moved the door: %+v", c)
	}
	if len(c.Refused) != 5 || c.Refused[0] != `state.dir = "/tmp/away" does not count: the card's paths are the image's` {
		t.Errorf("refused: %q", c.Refused)
	}
	if c.Door.Venue != "pharmacy" || c.Door.Again != 5*time.Second || len(c.Hardware.ActiveLow) != 1 {
		t.Errorf("what a door that is not enrolled may say: %+v", c)
	}
	c, err = config.Load(file, &config.Card{Registry: "/etc/ashyq-kiosk/registry.pem"})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Unenrolled || c.Door.Zone != "green" || c.Registry.Key != nil || len(c.Refused) != 9 {
		t.Errorf("an image for one registry: %+v", c)
	}
	const odd = "[state]\ndir = \"relative\"\n[hardware]\npins = \"sim:/run/ashyq-kiosk/lines\"\n"
	refused, err := config.CheckCard(&config.Card{}, []byte(odd))
	if err != nil || len(refused) != 1 {
		t.Errorf("refused %q, %v", refused, err)
	}
}

// TestCardOverItsEnrolment: an enrolled door keeps venue and registry, and names each line once.
func TestCardOverItsEnrolment(t *testing.T) {
	dir := t.TempDir()
	file, state := filepath.Join(dir, "kiosk.toml"), filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		file:                                  "[door]\nvenue = \"pharmacy\"\n[state]\ndir = \"" + dir + "\"\n",
		filepath.Join(state, "enrolled.toml"): enrolled,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for registry, refused := range map[string]int{"": 1, "/etc/ashyq-kiosk/registry.pem": 2} {
		c, err := config.Load(file, &config.Card{State: state, Registry: registry})
		if err != nil {
			t.Fatal(err)
		}
		if c.Door.Venue != "cinema" || c.Registry.URL != "https://registry.example" || c.StateDir != state ||
			len(c.Refused) != refused || len(c.Overruled) != 2-refused {
			t.Errorf("%+v", c)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[door]\nvenue = \"shop\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := config.Parse(data); err == nil && (c.Door.Venue == "") != c.Unenrolled {
			t.Error("a configuration without a venue was taken")
		}
	})
}
