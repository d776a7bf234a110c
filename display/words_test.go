package display_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
)

var update = flag.Bool("update", false, "write testdata/words.golden and ../docs/door.png")

// reasons reads all reasons from their source, so that the test cannot miss a new one.
func reasons(t *testing.T) []kiosk.Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../kiosk/verdict.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []kiosk.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kiosk.Reason(text))
		return true
	})
	if len(all) < 20 || !slices.Contains(all, kiosk.OutputFault) {
		t.Fatalf("found only the reasons %q", all)
	}
	return all
}

// TestWords writes down what every row says for every reason, in a golden file for readers of the
// languages.
func TestWords(t *testing.T) {
	var got bytes.Buffer
	now := time.Now()
	for _, s := range kiosk.Signals {
		plain := kiosk.Verdict{Signal: s, Colour: kiosk.Yellow}
		for _, r := range reasons(t) {
			v := plain
			v.Reason = r
			if r != kiosk.NoReason && saysTheSame(v, plain, now) {
				continue
			}
			fmt.Fprintf(&got, "%s %s\n", s, r)
			for _, lang := range display.Languages {
				w := display.Words(v, lang, now)
				fmt.Fprintf(&got, "  %s  %s\n", lang, strings.TrimSuffix(w[0]+" | "+w[1], " | "))
			}
		}
	}
	const golden = "testdata/words.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the words are not those of %s; look at them, then run with -update:\n%s", golden, got.Bytes())
	}
}

func saysTheSame(a, b kiosk.Verdict, now time.Time) bool {
	for _, lang := range display.Languages {
		if display.Words(a, lang, now) != display.Words(b, lang, now) {
			return false
		}
	}
	return true
}

func TestEveryRowAndReasonHasWordsInEveryLanguage(t *testing.T) {
	calm := []kiosk.Signal{kiosk.Idle, kiosk.Working, kiosk.Admitted, kiosk.Left} // these have nothing to explain
	for _, s := range kiosk.Signals {
		for _, r := range reasons(t) {
			for _, lang := range display.Languages {
				w := display.Words(kiosk.Verdict{Signal: s, Reason: r}, lang, time.Now())
				if w[0] == "" || w[1] == "" && !slices.Contains(calm, s) {
					t.Errorf("%v, reason %q, says %q in %s", s, r, w, lang)
				}
				if lang != "en" && strings.ContainsAny(strings.ReplaceAll(w[0]+w[1], "Ashyq", ""), "abcdefghijklmnopqrstuvwxyz") {
					t.Errorf("%v, reason %q, has Latin letters in %s: %q", s, r, lang, w)
				}
			}
		}
	}
	for _, r := range reasons(t)[1:] {
		plain := kiosk.Verdict{Signal: kiosk.OutOfOrder}
		because := kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: r}
		for _, lang := range display.Languages {
			if display.Words(plain, lang, time.Now()) == display.Words(because, lang, time.Now()) {
				t.Errorf("reason %q has no words of its own in %s", r, lang)
			}
		}
	}
}

func TestTheRulesOwnWordsComeFirst(t *testing.T) {
	v := kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Blue, Text: kiosk.Text{KK: "қазақша", EN: "English"}}
	for lang, want := range map[string]string{"kk": "қазақша", "en": "English", "ru": "Причину можно посмотреть в телефоне"} {
		if got := display.Words(v, lang, time.Now())[1]; got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

func TestUntil(t *testing.T) {
	now := time.Date(2026, 12, 30, 10, 0, 0, 0, almaty)
	at := func(d time.Duration) kiosk.Verdict {
		return kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Until: now.Add(d).UTC()}
	}
	for _, test := range []struct {
		v    kiosk.Verdict
		lang string
		want string
	}{
		{at(4*time.Hour + 30*time.Minute), "kk", "14:30-ға дейін жарамды"},
		{at(4*time.Hour + 30*time.Minute), "ru", "Действует до 14:30"},
		{at(13*time.Hour + 59*time.Minute), "en", "Valid until 23:59"}, // the next day in UTC+6, still today here
		{at(24 * time.Hour), "kk", "31.12, 10:00-ге дейін жарамды"},
		{at(24 * time.Hour), "en", "Valid until 31 Dec, 10:00"},
		{at(72 * time.Hour), "ru", "Действует до 02.01.2027, 10:00"},
		{at(72 * time.Hour), "en", "Valid until 2 Jan 2027, 10:00"},
		{kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Red, Until: now.Add(24 * time.Hour)}, "ru", "Статус до 31.12, 10:00"},
		{kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Red, Until: now.Add(24*time.Hour + 46*time.Minute)}, "kk", "Мәртебе 31.12, 10:46-ға дейін"},
		{kiosk.Verdict{Signal: kiosk.AskStaff, Until: now}, "en", ""}, // nothing about a doubtful status
		{kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green}, "en", ""},
	} {
		if got := display.Words(test.v, test.lang, now)[2]; got != test.want {
			t.Errorf("%v until %v in %s: %q, want %q", test.v.Signal, test.v.Until, test.lang, got, test.want)
		}
	}
}

// Each ending that a Kazakh number takes, by its last spoken word.
func TestKazakhEndings(t *testing.T) {
	now := time.Date(2026, 5, 4, 9, 0, 0, 0, almaty)
	for minute, ending := range map[int]string{
		0: "ге", 1: "ге", 2: "ге", 3: "ке", 4: "ке", 5: "ке", 6: "ға", 7: "ге", 8: "ге", 9: "ға",
		10: "ға", 15: "ке", 20: "ға", 30: "ға", 40: "қа", 45: "ке", 50: "ге", 59: "ға",
	} {
		v := kiosk.Verdict{Signal: kiosk.Admitted, Until: now.Add(time.Duration(minute) * time.Minute)}
		want := fmt.Sprintf("09:%02d-%s дейін жарамды", minute, ending)
		if got := display.Words(v, "kk", now)[2]; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAge(t *testing.T) {
	for _, test := range []struct {
		v    kiosk.Verdict
		want string
	}{
		{kiosk.Verdict{Signal: kiosk.Admitted, Age: 20 * time.Minute, Aged: true}, "Data updated 20 min ago"},
		{kiosk.Verdict{Signal: kiosk.Admitted, Age: 119 * time.Minute, Aged: true}, "Data updated 119 min ago"},
		{kiosk.Verdict{Signal: kiosk.TurnedBack, Age: 2 * time.Hour, Aged: true}, "Data updated 2 h ago"},
		{kiosk.Verdict{Signal: kiosk.AskStaff, Age: 71*time.Hour + 59*time.Minute, Aged: true}, "Data updated 71 h ago"},
		{kiosk.Verdict{Signal: kiosk.OutOfOrder, Age: 80 * time.Hour}, "Data updated 3 days ago"}, // always said
		{kiosk.Verdict{Signal: kiosk.OutOfOrder}, ""},
		{kiosk.Verdict{Signal: kiosk.Admitted, Age: 5 * time.Hour}, ""}, // the rules decide when to say it
		{kiosk.Verdict{Signal: kiosk.Idle, Age: 5 * time.Hour, Aged: true}, ""},
	} {
		if got := display.Words(test.v, "en", time.Now())[3]; got != test.want {
			t.Errorf("%v, age %v: %q, want %q", test.v.Signal, test.v.Age, got, test.want)
		}
	}
	fresh := kiosk.Verdict{Signal: kiosk.OutOfOrder, Age: 59 * time.Second}
	for lang, want := range map[string]string{
		"kk": "Деректер жаңа ғана жаңартылған", "ru": "Данные обновлены только что", "en": "Data updated just now",
	} {
		if got := display.Words(fresh, lang, time.Now())[3]; got != want {
			t.Errorf("%v old in %s: %q, want %q", fresh.Age, lang, got, want)
		}
	}
}
