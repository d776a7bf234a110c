package kiosk_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
)

var update = flag.Bool("update", false, "write the golden files")

func mustRules(t testing.TB, doc string) *kiosk.Rules {
	t.Helper()
	r, err := kiosk.ParseRules([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func defaultRules(t testing.TB) *kiosk.Rules { return mustRules(t, string(kiosk.DefaultRulesJSON())) }

// TestDefaultRulesGolden is the table a customer can read: kind of venue x colour with the default
// rules, at three ages of the data.
func TestDefaultRulesGolden(t *testing.T) {
	rules := defaultRules(t)
	var out bytes.Buffer
	for _, age := range []time.Duration{time.Minute, 25 * time.Hour, 73 * time.Hour} {
		fmt.Fprintf(&out, "# data %v old\n%-18s", age, "venue")
		for _, c := range kiosk.Colours {
			fmt.Fprintf(&out, " %-36s", c)
		}
		out.WriteString("\n")
		for _, v := range kiosk.Venues {
			fmt.Fprintf(&out, "%-18s", v)
			for _, c := range kiosk.Colours {
				d := rules.Decide(kiosk.Situation{Venue: v, Zone: kiosk.GreenZone, Colour: c, Time: time.Unix(1617264000, 0), Occupancy: -1, Age: age})
				why := d.Rule
				if why == "" {
					why = string(d.Reason)
				}
				fmt.Fprintf(&out, " %-36s", d.Signal.String()+" ("+why+")")
			}
			out.WriteString("\n")
		}
		out.WriteString("\n")
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	golden(t, "testdata/rules.golden", strings.Join(lines, "\n"))
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the difference. Got:\n%s", path, got)
	}
}

const decree = `{
 "name": "decree", "timezone": "Asia/Almaty",
 "ages": {"quiet": "15m", "full": "24h", "limit": "72h"},
 "rules": [
  {"name": "weekend-cinema", "colours": ["blue"], "venues": ["cinema"], "weekdays": ["saturday", "sunday"], "then": "turned-back", "text": {"kk": "a", "ru": "b", "en": "c"}},
  {"name": "night", "colours": ["blue", "green"], "zones": ["yellow"], "hours": {"from": "07:00", "until": "01:00"}, "then": "admitted", "text": {"kk": "a", "ru": "b", "en": "c"}},
  {"name": "half-full", "colours": ["green"], "zones": ["red"], "occupancy_below": 0.5, "then": "admitted", "text": {"kk": "a", "ru": "b", "en": "c"}},
  {"name": "may-only", "colours": ["red"], "from": "2021-05-01T00:00:00+06:00", "until": "2021-06-01T00:00:00+06:00", "then": "turned-back", "text": {"kk": "a", "ru": "b", "en": "c"}}
 ]}`

func TestDecide(t *testing.T) {
	almaty := time.FixedZone("Almaty", 6*3600) // in 2021
	at := func(day, hour, minute int) time.Time { return time.Date(2021, 5, day, hour, minute, 0, 0, almaty) }
	for _, c := range []struct {
		name  string
		s     kiosk.Situation
		want  kiosk.Signal
		rule  string
		until time.Time
	}{
		{"saturday", kiosk.Situation{Venue: "cinema", Zone: "green", Colour: kiosk.Blue, Time: at(1, 12, 0)}, kiosk.TurnedBack, "weekend-cinema", time.Time{}},
		{"monday: nothing matches", kiosk.Situation{Venue: "cinema", Zone: "green", Colour: kiosk.Blue, Time: at(3, 12, 0)}, kiosk.AskStaff, "", time.Time{}},
		{"open until one in the night", kiosk.Situation{Venue: "restaurant", Zone: "yellow", Colour: kiosk.Blue, Time: at(3, 12, 0)}, kiosk.Admitted, "night", at(4, 1, 0)},
		{"after midnight", kiosk.Situation{Venue: "restaurant", Zone: "yellow", Colour: kiosk.Blue, Time: at(4, 0, 59)}, kiosk.Admitted, "night", at(4, 1, 0)},
		{"closed at one sharp", kiosk.Situation{Venue: "restaurant", Zone: "yellow", Colour: kiosk.Blue, Time: at(4, 1, 0)}, kiosk.AskStaff, "", time.Time{}},
		{"opens at seven sharp", kiosk.Situation{Venue: "restaurant", Zone: "yellow", Colour: kiosk.Green, Time: at(4, 7, 0)}, kiosk.Admitted, "night", at(5, 1, 0)},
		{"seats left", kiosk.Situation{Venue: "theatre", Zone: "red", Colour: kiosk.Green, Time: at(3, 12, 0), Occupancy: 0.49}, kiosk.Admitted, "half-full", time.Time{}},
		{"no seats left", kiosk.Situation{Venue: "theatre", Zone: "red", Colour: kiosk.Green, Time: at(3, 12, 0), Occupancy: 0.5}, kiosk.AskStaff, "", time.Time{}},
		{"seats unknown", kiosk.Situation{Venue: "theatre", Zone: "red", Colour: kiosk.Green, Time: at(3, 12, 0), Occupancy: -1}, kiosk.AskStaff, "", time.Time{}},
		{"rule in force", kiosk.Situation{Venue: "shop", Zone: "red", Colour: kiosk.Red, Time: at(31, 23, 59)}, kiosk.TurnedBack, "may-only", at(32, 0, 0)},
		{"rule over", kiosk.Situation{Venue: "shop", Zone: "red", Colour: kiosk.Red, Time: at(32, 0, 0)}, kiosk.AskStaff, "", time.Time{}},
		{"rule not begun", kiosk.Situation{Venue: "shop", Zone: "red", Colour: kiosk.Red, Time: at(0, 23, 59)}, kiosk.AskStaff, "", time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := mustRules(t, decree).Decide(c.s)
			if d.Signal != c.want || d.Rule != c.rule || !d.Until.Equal(c.until) {
				t.Errorf("decided %v by %q until %v, want %v by %q until %v", d.Signal, d.Rule, d.Until, c.want, c.rule, c.until)
			}
		})
	}
}

// TestUntilADate: what rules decide lasts until a date at which they decide otherwise.
func TestUntilADate(t *testing.T) {
	const rule = `{"name":"%s","colours":["green"],"then":"%s"%s,"text":{"kk":"a","ru":"b","en":"c"}}`
	const head = `{"name":"x","timezone":"UTC","ages":{"quiet":"15m","full":"24h","limit":"72h"},"rules":[`
	now := time.Date(2021, 4, 30, 12, 0, 0, 0, time.UTC)
	may := time.Date(2021, 5, 1, 0, 0, 0, 0, time.UTC)
	always := fmt.Sprintf(rule, "always", "admitted", "")
	for name, c := range map[string]struct {
		rules string
		want  time.Time
	}{
		"no date":                             {always, time.Time{}},
		"it ends":                             {fmt.Sprintf(rule, "april", "admitted", `,"until":"2021-05-01T00:00:00Z"`), may},
		"it ends, and another goes on":        {fmt.Sprintf(rule, "april", "admitted", `,"until":"2021-05-01T00:00:00Z"`) + "," + always, time.Time{}},
		"a stricter one begins":               {fmt.Sprintf(rule, "may", "turned-back", `,"from":"2021-05-01T00:00:00Z"`) + "," + always, may},
		"another one begins":                  {fmt.Sprintf(rule, "may", "admitted", `,"from":"2021-05-01T00:00:00Z"`) + "," + always, time.Time{}},
		"one begins that is not for it":       {fmt.Sprintf(rule, "may", "turned-back", `,"from":"2021-05-01T00:00:00Z","venues":["casino"]`) + "," + always, time.Time{}},
		"a later rule that it hides":          {always + "," + fmt.Sprintf(rule, "may", "turned-back", `,"from":"2021-05-01T00:00:00Z"`), time.Time{}},
		"its hours end before it ends":        {fmt.Sprintf(rule, "april", "admitted", `,"until":"2021-05-01T00:00:00Z","hours":{"from":"08:00","until":"20:00"}`), now.Add(8 * time.Hour)},
		"a date that has passed says nothing": {fmt.Sprintf(rule, "march", "turned-back", `,"from":"2021-03-01T00:00:00Z","until":"2021-04-01T00:00:00Z"`) + "," + always, time.Time{}},
	} {
		d := mustRules(t, head+c.rules+"]}").Decide(kiosk.Situation{Venue: "cinema", Zone: "green", Colour: kiosk.Green, Time: now})
		if d.Signal != kiosk.Admitted || !d.Until.Equal(c.want) {
			t.Errorf("%s: %v until %v, want admitted until %v", name, d.Signal, d.Until, c.want)
		}
	}
}

func TestDecideByAge(t *testing.T) {
	rules := defaultRules(t)
	for _, c := range []struct {
		colour kiosk.Colour
		age    time.Duration
		want   kiosk.Signal
		aged   bool
	}{
		{kiosk.Green, 15 * time.Minute, kiosk.Admitted, false},
		{kiosk.Green, 15*time.Minute + 1, kiosk.Admitted, true},
		{kiosk.Green, 24 * time.Hour, kiosk.Admitted, true},
		{kiosk.Green, 24*time.Hour + 1, kiosk.AskStaff, true},
		{kiosk.Blue, 24*time.Hour + 1, kiosk.AskStaff, true},
		{kiosk.Yellow, 72 * time.Hour, kiosk.AdmittedHere, true},
		{kiosk.Red, 72 * time.Hour, kiosk.TurnedBack, true},
		{kiosk.Red, 72*time.Hour + 1, kiosk.OutOfOrder, true},
	} {
		d := rules.Decide(kiosk.Situation{Venue: "shop", Zone: "green", Colour: c.colour, Occupancy: -1, Age: c.age})
		if d.Signal != c.want || d.Aged != c.aged {
			t.Errorf("%v with data %v old: %v, aged %v; want %v, aged %v", c.colour, c.age, d.Signal, d.Aged, c.want, c.aged)
		}
	}
}

func TestParseRulesRefuses(t *testing.T) {
	const head = `{"name":"x","timezone":"Asia/Almaty","ages":{"quiet":"15m","full":"24h","limit":"72h"},"rules":[`
	const text = `"text":{"kk":"a","ru":"b","en":"c"}`
	for _, c := range []struct{ name, doc, want string }{
		{"empty", "", "read the rules"},
		{"unknown key", head + `{"name":"a","colors":["red"]}]}`, `unknown field "colors"`},
		{"two documents", head + `]}{}`, "something follows"},
		{"zone name", strings.Replace(head, "Asia/Almaty", "Asia/Atlantis", 1) + `]}`, `timezone "Asia/Atlantis"`},
		{"the machine's own zone", strings.Replace(head, "Asia/Almaty", "Local", 1) + `]}`, `timezone "Local"`},
		{"ages", strings.Replace(head, "24h", "96h", 1) + `]}`, "ascending"},
		{"negative age", strings.Replace(head, "15m", "-15m", 1) + `]}`, "negative"},
		{"name twice", head + `{"name":"a","colours":["red"],"then":"admitted",` + text + `},{"name":"a","colours":["red"],"then":"admitted",` + text + `}]}`, "used twice"},
		{"no colour", head + `{"name":"a","colours":[],"then":"admitted",` + text + `}]}`, "names no colour"},
		{"colour", head + `{"name":"a","colours":["pink"],"then":"admitted",` + text + `}]}`, `unknown colour "pink"`},
		{"venue", head + `{"name":"a","colours":["red"],"venues":["pub"],"then":"admitted",` + text + `}]}`, `"pub"`},
		{"then", head + `{"name":"a","colours":["red"],"then":"idle",` + text + `}]}`, `decides "idle"`},
		{"no text", head + `{"name":"a","colours":["red"],"then":"admitted"}]}`, "has no text"},
		{"hours", head + `{"name":"a","colours":["red"],"hours":{"from":"7:00","until":"25:00"},"then":"admitted",` + text + `}]}`, "time of day"},
		{"ends before", head + `{"name":"a","colours":["red"],"from":"2021-05-01T00:00:00Z","until":"2021-04-01T00:00:00Z","then":"admitted",` + text + `}]}`, "ends before"},
		{"too large", head + strings.Repeat(" ", kiosk.MaxRules) + `]}`, "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := kiosk.ParseRules([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add(kiosk.DefaultRulesJSON())
	f.Add([]byte(decree))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := kiosk.ParseRules(data)
		if err != nil {
			return
		}
		for _, c := range kiosk.Colours {
			d := r.Decide(kiosk.Situation{Venue: "shop", Zone: "red", Colour: c, Time: time.Unix(1617264000, 0), Occupancy: 0.2})
			if d.Rule == "" && d.Reason == kiosk.NoReason {
				t.Errorf("%v: decided %v without a rule or a reason", c, d.Signal)
			}
		}
	})
}
