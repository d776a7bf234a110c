package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// rulesInForce asks the registry.
func rulesInForce(t *testing.T, address string) (a server.RulesAnswer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+server.PathRules, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// sendRules stores a document as a program does, in force at once.
func sendRules(t *testing.T, address string, base int64, document string) {
	t.Helper()
	query := url.Values{"changes": {strconv.FormatInt(base, 10)}, "why": {"decree 13"}, "alone": {"1"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address+server.PathRules+"?"+query.Encode(), strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("send the rules: %v, %v", answer, err)
	}
}

func national(t *testing.T, address, name string) string {
	t.Helper()
	var a server.AccountAnswer
	post(t, address, server.PathAccounts, adminKey, server.AccountRequest{Name: name, Role: store.National}, &a)
	return a.Key
}

// openRules opens the editor.
func openRules(t *testing.T, ctx context.Context, address, key string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(address+"/rules#key="+key))
	until(t, ctx, `document.querySelectorAll("#rules > li").length > 0 && document.querySelector("#findings").innerText !== ""`)
}

func typeText(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	do(t, ctx, chromedp.KeyEvent(text))
}

// writeDecree makes "from Friday 00:00 cinemas admit only green at weekends" with the keyboard alone.
func writeDecree(t *testing.T, ctx context.Context, cinema, name string, friday time.Time) {
	t.Helper()
	tabTo(t, ctx, "#add")
	typeText(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector("#rule-dialog").open && document.activeElement.id === "rule-name"`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`))
	typeText(t, ctx, name)
	for _, colour := range []string{"yellow", "blue"} {
		tabTo(t, ctx, `#pick-colours [value="`+colour+`"]`)
		typeText(t, ctx, " ")
	}
	tabTo(t, ctx, "#find-venue")
	typeText(t, ctx, cinema)
	tabTo(t, ctx, `#pick-venues [value="cinema"]`)
	typeText(t, ctx, " ")
	for _, day := range []string{"saturday", "sunday"} {
		tabTo(t, ctx, `#pick-weekdays [value="`+day+`"]`)
		typeText(t, ctx, " ")
	}
	tabTo(t, ctx, "#from-day")
	for _, order := range []string{"01022006", "02012006"} { // the browser's own language says which one
		typeText(t, ctx, friday.Format(order))
		if eval[string](t, ctx, `document.activeElement.value`) == friday.Format(time.DateOnly) {
			break
		}
		typeText(t, ctx, kb.ArrowLeft+kb.ArrowLeft)
	}
	tabTo(t, ctx, "#rule-form .main")
	keepScreen(t, ctx, "rules-form-"+name)
	typeText(t, ctx, kb.Enter)
	until(t, ctx, `!document.querySelector("#rule-dialog").open && document.querySelector("#changes li") !== null`)
}

// TestClerkWritesADecree: a clerk who never saw JSON changes the rules with the keyboard, in Kazakh and
// in Russian; another administrator publishes them, and the door's code decides by them.
func TestClerkWritesADecree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ language, cinema, stored string }{{"kk", "Кинотеатр", "басқа республикалық әкімші"}, {"ru", "кино", "другой республиканский"}} {
		t.Run(c.language, func(t *testing.T) {
			t.Parallel()
			address, _ := realRegistry(t)
			ann, bob := national(t, address, "Ann"), national(t, address, "Bob")
			ctx := tab(t)
			desktop(t, ctx)
			openRules(t, ctx, address, ann)
			language(t, ctx, c.language)
			almaty, err := time.LoadLocation("Asia/Almaty")
			if err != nil {
				t.Fatal(err)
			}
			friday := time.Now().In(almaty)
			friday = time.Date(friday.Year(), friday.Month(), friday.Day()+1, 0, 0, 0, 0, almaty)
			for friday.Weekday() != time.Friday {
				friday = friday.AddDate(0, 0, 1)
			}
			writeDecree(t, ctx, c.cinema, "cinemas-"+c.language, friday)
			keep(t, ctx, "rules-draft-"+c.language)
			saturday := friday.AddDate(0, 0, 1).Format(time.DateOnly)
			if on := eval[string](t, ctx, `document.querySelector("#preview-on").value`); on != saturday {
				t.Errorf("the preview is for %s, want %s, the first day of the rule", on, saturday)
			}
			tabTo(t, ctx, "#preview-form .main")
			typeText(t, ctx, kb.Enter)
			until(t, ctx, `document.querySelector("#preview-form output").className === "good"`)
			tabTo(t, ctx, "#why")
			typeText(t, ctx, "decree 14")
			typeText(t, ctx, kb.Enter)
			until(t, ctx, `document.querySelector("#store-form output").innerText.includes(%s)`, c.stored)
			if got := rulesInForce(t, address); strings.Contains(got.Document, "cinemas") {
				t.Error("the rules are in force before a second person has seen them")
			}
			keep(t, ctx, "rules-waits-"+c.language)

			other := tab(t)
			openRules(t, other, address, bob)
			language(t, other, c.language)
			tabTo(t, other, `#versions [data-act="publish"]`)
			typeText(t, other, kb.Enter)
			until(t, other, `document.querySelector("#versions-done").innerText !== ""`)
			got := rulesInForce(t, address)
			if got.Person != "Ann" || got.Publisher != "Bob" || got.Why != "decree 14" {
				t.Errorf("in force: %+v", got.RulesVersion)
			}
			checkDecree(t, got.Document, friday)
		})
	}
}

// checkDecree asks the door's code.
func checkDecree(t *testing.T, document string, friday time.Time) {
	t.Helper()
	rules, err := kiosk.ParseRules([]byte(document))
	if err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	for _, c := range []struct {
		at     time.Time
		venue  kiosk.Venue
		colour kiosk.Colour
		want   kiosk.Signal
	}{
		{friday.AddDate(0, 0, 1), "cinema", kiosk.Blue, kiosk.TurnedBack},
		{friday.AddDate(0, 0, 2), "cinema", kiosk.Blue, kiosk.TurnedBack},
		{friday.AddDate(0, 0, 2), "cinema", kiosk.Green, kiosk.Admitted},
		{friday.AddDate(0, 0, 2), "theatre", kiosk.Blue, kiosk.Admitted},
		{friday, "cinema", kiosk.Blue, kiosk.Admitted},
		{friday.AddDate(0, 0, -6), "cinema", kiosk.Blue, kiosk.Admitted}, // the Saturday before
	} {
		d := rules.Decide(kiosk.Situation{Venue: c.venue, Zone: kiosk.GreenZone, Colour: c.colour, Time: c.at, Occupancy: -1})
		if d.Signal != c.want {
			t.Errorf("%v in a %s on %v: %v, want %v", c.colour, c.venue, c.at, d.Signal, c.want)
		}
	}
}

// TestRulesEditor moves, copies and removes rules, warns, refuses what somebody else has changed, rolls
// back and opens a file.
func TestRulesEditor(t *testing.T) {
	t.Parallel()
	address, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	openRules(t, ctx, address, adminKey)
	language(t, ctx, "en")
	first := rulesInForce(t, address)
	order := func() string {
		return eval[string](t, ctx, `[...document.querySelectorAll("#rules > li")].map((li) => li.dataset.rule).join(" ")`)
	}
	tabTo(t, ctx, `[data-rule="yellow-elsewhere"] [data-act="moveUp"]`)
	typeText(t, ctx, kb.Enter)
	typeText(t, ctx, kb.Enter) // the focus goes with the rule
	if got, want := order(), "yellow-elsewhere red-nowhere yellow-shop-pharmacy blue-open green-free"; got != want {
		t.Errorf("after two moves: %s, want %s", got, want)
	}
	until(t, ctx, `document.querySelector("#findings").innerText.includes("yellow-shop-pharmacy")`) // it never decides now
	tabTo(t, ctx, `[data-rule="blue-open"] [data-act="remove"]`)
	typeText(t, ctx, kb.Enter)
	until(t, ctx, `document.querySelector("#findings").innerText.includes("No rule, the staff decides: Blue")`)
	keep(t, ctx, "rules-warnings")

	sendRules(t, address, first.Version, strings.Replace(first.Document, "April 2021", "May 2021", 1))
	do(t, ctx, chromedp.SetValue("#why", "decree 14"), chromedp.Click("#store-form .alone input"), chromedp.Click("#store-form .main"))
	until(t, ctx, `document.querySelector("#store-form output").innerText.includes("decree 13")`)
	keepScreen(t, ctx, "rules-conflict")
	do(t, ctx, chromedp.Click("#store-form output button"))
	until(t, ctx, `document.querySelectorAll("#versions > li").length === 2 && document.querySelectorAll("#rules > li").length === 5`)

	do(t, ctx, chromedp.Click(`#versions [data-version="`+strconv.FormatInt(first.Version, 10)+`"] [data-act="rollBack"]`))
	until(t, ctx, `document.querySelector("#back-dialog").open`)
	keepScreen(t, ctx, "rules-back")
	do(t, ctx, chromedp.SetValue("#back-why", "back"), chromedp.Click("#back-form .alone input"), chromedp.Click("#back-form .main"))
	until(t, ctx, `!document.querySelector("#back-dialog").open`)
	if got := rulesInForce(t, address); got.Document != first.Document || got.Version == first.Version || got.Why != "back" {
		t.Errorf("after the roll back: %+v", got.RulesVersion)
	}
	bad := strings.Replace(first.Document, `"shop"`, `"pub"`, 1)
	eval[chromedp.Void](t, ctx, `(() => {
		const files = new DataTransfer();
		files.items.add(new File([%s], "rules.json"));
		const input = document.querySelector("#upload");
		input.files = files.files;
		input.dispatchEvent(new Event("change"));
	})()`, bad)
	until(t, ctx, `document.querySelector('[data-rule="yellow-shop-pharmacy"] .faults').innerText.includes("pub")`)
}

// TestRulesFit measures the editor with text of 32 px, on a phone, light and dark.
func TestRulesFit(t *testing.T) {
	t.Parallel()
	address, _ := realRegistry(t)
	ctx := tab(t)
	openRules(t, ctx, address, adminKey)
	eval[chromedp.Void](t, ctx, `document.querySelector("#pages").remove()`) // the frame has its own test
	checkLarge(t, ctx, "rules")
	do(t, ctx, chromedp.Click(`[data-rule="yellow-shop-pharmacy"] [data-act="edit"]`))
	until(t, ctx, `document.querySelector("#rule-dialog").open`)
	eval[chromedp.Void](t, ctx, `document.querySelector("#rule-name").value = "yellow"`) // a longer one scrolls in its field
	checkLarge(t, ctx, "rules-form")
}
