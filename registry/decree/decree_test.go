package decree_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/decree"
)

var update = flag.Bool("update", false, "write the golden files")

const head = `{"name":"x","timezone":"Asia/Almaty","ages":{"quiet":"15m","full":"24h","limit":"72h"},"rules":[`

// rules makes a document of rules without names and texts: "a" is the first one.
func rules(t *testing.T, lines ...string) *kiosk.Rules {
	t.Helper()
	for i, line := range lines {
		if !strings.Contains(line, `"name"`) {
			line += `,"name":"` + string(rune('a'+i)) + `"`
		}
		lines[i] = "{" + line + `,"text":{"kk":"k","ru":"r","en":"e"}}`
	}
	r, err := kiosk.ParseRules([]byte(head + strings.Join(lines, ",") + "]}"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// everything covers whatever the rules before it leave.
const everything = `"name":"rest","colours":["red","yellow","blue","green"],"then":"turned-back"`

// friday is 2021-04-23, 12:00 in Almaty, which was at +06:00 then.
var friday = time.Date(2021, 4, 23, 6, 0, 0, 0, time.UTC)

// TestAnalyseGolden keeps what the editor warns of, by document.
func TestAnalyseGolden(t *testing.T) {
	byDefault, err := kiosk.ParseRules(kiosk.DefaultRulesJSON())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, c := range []struct {
		name  string
		rules *kiosk.Rules
	}{
		{"the default rules", byDefault},
		{"no rules", rules(t)},
		{"a later rule for a part of what an earlier one covers", rules(t, `"colours":["red","green"],"then":"turned-back"`,
			`"colours":["green"],"venues":["cinema"],"then":"admitted"`, everything)},
		{"two rules together cover a third", rules(t, `"colours":["green"],"weekdays":["saturday","sunday"],"then":"admitted"`,
			`"colours":["green"],"weekdays":["monday","tuesday","wednesday","thursday","friday"],"then":"turned-back"`,
			`"colours":["green"],"venues":["cinema"],"then":"admitted"`, everything)},
		{"hours that cover a day together", rules(t, `"colours":["green"],"hours":{"from":"07:00","until":"19:30"},"then":"admitted"`,
			`"colours":["green"],"hours":{"from":"19:30","until":"07:00"},"then":"turned-back"`, `"colours":["green"],"then":"admitted"`, everything)},
		{"covered only from May on", rules(t, `"colours":["green"],"from":"2021-05-01T00:00:00+06:00","then":"turned-back"`,
			`"colours":["green"],"then":"admitted"`, everything)},
		{"begins when an earlier one has begun", rules(t, `"colours":["green"],"from":"2021-05-01T00:00:00+06:00","then":"turned-back"`,
			`"colours":["green"],"from":"2021-05-02T00:00:00+06:00","then":"admitted"`, everything)},
		{"its time is over", rules(t, `"colours":["green"],"until":"2021-04-01T00:00:00+06:00","then":"admitted"`, everything)},
		{"no rule where seats are taken or unknown", rules(t, `"colours":["green"],"occupancy_below":0.5,"then":"admitted"`,
			`"colours":["red","yellow","blue"],"then":"turned-back"`)},
		{"a rule for half the seats after one for more", rules(t, `"colours":["green"],"occupancy_below":0.7,"then":"admitted"`,
			`"colours":["green"],"occupancy_below":0.5,"then":"turned-back"`, everything)},
		{"blue without a rule in a red zone's cinema at weekends", rules(t,
			`"colours":["blue"],"weekdays":["monday","tuesday","wednesday","thursday","friday"],"then":"admitted"`,
			`"colours":["blue"],"zones":["yellow","green"],"then":"admitted"`, `"colours":["red","yellow","green"],"then":"turned-back"`)},
	} {
		found, err := decree.Analyse(c.rules, friday)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for i := range found.Gaps {
			if len(found.Gaps[i].Venues) == len(kiosk.Venues) {
				found.Gaps[i].Venues = []kiosk.Venue{"every kind"}
			}
		}
		text, err := json.MarshalIndent(found, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("# " + c.name + "\n" + string(text) + "\n\n")
	}
	golden(t, "analyse", out.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
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

func TestCompare(t *testing.T) {
	const red, blue, green = `"name":"r","colours":["red"],"then":"turned-back"`, `"name":"b","colours":["blue"],"then":"admitted"`, `"name":"g","colours":["green"],"then":"admitted"`
	before := rules(t, red, blue, green)
	if c := decree.Compare(before, rules(t, red, blue, green)); !c.None() {
		t.Errorf("the same document: %+v", c)
	}
	c := decree.Compare(before, rules(t, green, red, `"name":"y","colours":["yellow"],"then":"turned-back"`))
	if len(c.Added) != 1 || c.Added[0].Name != "y" || len(c.Removed) != 1 || c.Removed[0].Name != "b" || len(c.Changed) != 0 ||
		!reflect.DeepEqual(c.Moved, []decree.Move{{Rule: "g", Before: 3, After: 1}}) {
		t.Errorf("%+v", c)
	}
	after := rules(t, red, strings.Replace(blue, "admitted", "turned-back", 1)+`,"weekdays":["sunday"]`, green)
	after.Timezone = "Asia/Aqtobe"
	c = decree.Compare(before, after)
	field := func(name, before, after string) decree.FieldChange {
		f := decree.FieldChange{Field: name, After: json.RawMessage(after)}
		if before != "" {
			f.Before = json.RawMessage(before)
		}
		return f
	}
	want := decree.Changes{
		Head: []decree.FieldChange{field("timezone", `"Asia/Almaty"`, `"Asia/Aqtobe"`)},
		Changed: []decree.RuleChange{{Rule: "b", Fields: []decree.FieldChange{
			field("then", `"admitted"`, `"turned-back"`), field("weekdays", "", `["sunday"]`)}}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, want %+v", c, want)
	}
}

func TestPreview(t *testing.T) {
	before := rules(t, `"name":"red","colours":["red"],"then":"turned-back"`, `"name":"others","colours":["yellow","blue","green"],"then":"admitted"`)
	after := rules(t, `"name":"weekend","colours":["blue"],"venues":["cinema"],"weekdays":["saturday"],"hours":{"from":"18:15","until":"22:00"},"then":"turned-back"`,
		`"name":"red","colours":["red"],"then":"turned-back"`, `"name":"others","colours":["blue","green"],"then":"admitted"`)
	evening := time.Date(2021, 4, 23, 12, 0, 0, 0, time.UTC) // 18:00 on a Friday
	counts := []decree.Checks{
		{"cinema", "green", "KZ-75", evening, "admitted/blue", 100},
		{"cinema", "green", "KZ-75", evening, "admitted/green", 10},
		{"cinema", "green", "", evening.Add(4 * time.Hour), "admitted/blue", 7}, // at 22:00
		{"shop", "red", "KZ-71", evening, "admitted/yellow", 5},
		{"shop", "red", "KZ-71", evening, "turned-back/red", 3},
		{"shop", "red", "KZ-71", evening, "ask-staff/green", 2}, // its data was old
		{"shop", "red", "KZ-71", evening, "code-problem/none", 9},
	}
	p := decree.Compute(before, after, counts, decree.Assumed{Shift: 24 * time.Hour, Occupancy: -1})
	hour := 18
	same := decree.Outcome{Admitted: 124, TurnedBack: 3}
	want := decree.Preview{
		All: decree.Line{Before: same, After: decree.Outcome{Admitted: 44, TurnedBack: 78, AskStaff: 5}},
		Kinds: []decree.Line{
			{Venue: "cinema", Zone: "green", Colour: kiosk.Blue, Before: decree.Outcome{Admitted: 107}, After: decree.Outcome{Admitted: 32, TurnedBack: 75}},
			{Venue: "shop", Zone: "red", Colour: kiosk.Yellow, Before: decree.Outcome{Admitted: 5}, After: decree.Outcome{AskStaff: 5}},
		},
		Regions: []decree.Line{
			{Region: "KZ-75", Before: decree.Outcome{Admitted: 110}, After: decree.Outcome{Admitted: 35, TurnedBack: 75}},
			{Region: "KZ-71", Before: decree.Outcome{Admitted: 7, TurnedBack: 3}, After: decree.Outcome{Admitted: 2, TurnedBack: 3, AskStaff: 5}},
		},
		Hours:    []decree.Line{{Hour: &hour, Before: decree.Outcome{Admitted: 117, TurnedBack: 3}, After: decree.Outcome{Admitted: 37, TurnedBack: 78, AskStaff: 5}}},
		Excluded: 9, Others: 2,
	}
	if !reflect.DeepEqual(p, want) {
		got, _ := json.Marshal(p)
		wanted, _ := json.Marshal(want)
		t.Errorf("preview\n%s, want\n%s", got, wanted)
	}
	today := decree.Compute(before, after, counts, decree.Assumed{Occupancy: -1})
	if got := today.All.After.TurnedBack; got != 3 {
		t.Errorf("on Friday %d are turned back, want 3", got)
	}
}
