package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ashyq-kiosk/registry/server"
)

// post sends a request as a laboratory's system does.
func post(t *testing.T, url, path, key string, body, answer any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		t.Fatalf("POST %s: %s", path, res.Status)
	}
	if answer != nil {
		if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
			t.Fatal(err)
		}
	}
}

func newSource(t *testing.T, url, name, kind string) string {
	t.Helper()
	var a server.SourceAnswer
	post(t, url, server.PathSources, adminKey, server.SourceRequest{Name: name, Kind: kind}, &a)
	return a.Key
}

func language(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	do(t, ctx, chromedp.Click(`[data-language="`+name+`"]`))
}

// tabTo presses the Tab key until the focus is on what the selector names: the page works without a
// mouse.
func tabTo(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	for range 60 {
		if eval[bool](t, ctx, `document.activeElement.matches(%s)`, selector) {
			return
		}
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
	}
	t.Fatalf("the Tab key does not reach %s", selector)
}

// A citizen reads why the status is yellow, in each language, and disputes it by keyboard; the
// administrator reads the citizen's words and settles it, and the citizen is free.
func TestDisputedContact(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	centre := newSource(t, url, "City centre", server.Covid19Centre)
	var code server.CitizenAnswer
	post(t, url, server.PathCitizens, adminKey, server.CitizenRequest{IIN: alice}, &code)
	since := time.Now().Add(-24 * time.Hour)
	post(t, url, server.PathContacts, centre, server.ContactRequest{IIN: alice, Since: since}, nil)

	citizen := tab(t)
	phone(t, citizen)
	do(t, citizen, chromedp.Navigate(code.URL))
	until(t, citizen, `document.querySelector("#status").dataset.colour === "yellow"`)
	for name, want := range map[string]string{
		"kk": "Ауырған адаммен байланыс, " + since.Format("02.01.2006") + ". Дереккөзі: Covid-19 басқару орталығы.",
		"ru": "Контакт с заболевшим, " + since.Format("02.01.2006") + ". Источник: центр управления COVID-19.",
		"en": "Contact with a case on " + since.Format("02 Jan 2006") + ", reported by the Covid-19 centre",
	} {
		language(t, citizen, name)
		if got := eval[string](t, citizen, `document.querySelector("#status-why").innerText`); got != want {
			t.Errorf("%s: the page says %q, want %q", name, got, want)
		}
		do(t, citizen, chromedp.Click("#dispute summary"))
		keep(t, citizen, "citizen-why-"+name)
		do(t, citizen, chromedp.Click("#dispute summary"))
		if got := eval[float64](t, citizen, "document.documentElement.scrollWidth"); got > 390 {
			t.Errorf("%s: the page is %v px wide on a phone of 390 px", name, got)
		}
	}
	do(t, citizen, chromedp.Focus("#dispute summary"), chromedp.KeyEvent(kb.Enter))
	tabTo(t, citizen, "#dispute-why")
	do(t, citizen, chromedp.KeyEvent("Мен ол күні Атырауда болдым"), chromedp.KeyEvent(kb.Enter))
	until(t, citizen, visible("disputed")+` && !`+visible("dispute"))
	keep(t, citizen, "citizen-disputed")

	for _, words := range []struct{ language, reason, settled string }{
		{"kk", "Азамат қарсы", "Шешім сақталды"}, {"ru", "Гражданин возражает", "Решение сохранено"}, {"en", "The citizen disputes it", "Settled"},
	} {
		admin := tab(t)
		desktop(t, admin)
		do(t, admin, chromedp.Navigate(url+"/records#key="+adminKey))
		language(t, admin, words.language)
		until(t, admin, `document.querySelector(".case") !== null`)
		text := eval[string](t, admin, `document.querySelector(".case").innerText`)
		for _, want := range []string{alice, words.reason, "Мен ол күні Атырауда болдым", "City centre"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the case does not say %q:\n%s", words.language, want, text)
			}
		}
		if words.language != "en" {
			continue
		}
		tabTo(t, admin, `.case input[type="radio"]`)
		do(t, admin, chromedp.KeyEvent(kb.ArrowDown)) // from the first choice to the second: it does not stand
		tabTo(t, admin, `.case input[name="why"]`)
		do(t, admin, chromedp.KeyEvent("the ticket to Atyrau was seen"), chromedp.KeyEvent(kb.Enter))
		until(t, admin, `document.querySelector("#settled").textContent.includes(%s) && document.querySelector(".case") === null`, words.settled)
	}
	until(t, citizen, `(window.dispatchEvent(new Event("online")), document.querySelector("#status").dataset.colour === "blue")`)
}

// Laboratory and portal contradict each other about one test: the administrator sees both sides.
func TestSettleSideBySide(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	lab, portal := newSource(t, url, "City laboratory 3", server.Laboratory), newSource(t, url, "Portal", server.PCRPortal)
	taken := time.Now().Add(-3 * time.Hour)
	post(t, url, server.PathResults, lab, server.ResultRequest{IIN: alice, Sample: "A-17", Result: "negative", Taken: taken, Signed: server.Signed{Person: "Aigerim S."}}, nil)
	post(t, url, server.PathRecords, portal, server.RecordsRequest{Records: []server.EntryRequest{
		{IIN: alice, Sample: "A-17", Kind: "positive", At: taken, Laboratory: "City laboratory 3"}}}, nil)
	post(t, url, server.PathRecords, portal, server.RecordsRequest{Records: []server.EntryRequest{
		{IIN: bob, Sample: "A-18", Kind: "negative", At: taken, Laboratory: "City laboratory 3"}}}, nil)
	post(t, url, server.PathResults, lab, server.ResultRequest{IIN: bob, Sample: "A-18", Result: "negative", Taken: taken}, nil)
	admin := tab(t)
	desktop(t, admin)
	do(t, admin, chromedp.Navigate(url+"/records#key="+adminKey))
	for _, name := range []string{"kk", "ru"} {
		language(t, admin, name)
		until(t, admin, `document.querySelectorAll(".case .record").length === 2`)
		keep(t, admin, "records-"+name)
		phone(t, admin)
		keep(t, admin, "records-phone-"+name)
		if got := eval[float64](t, admin, "document.documentElement.scrollWidth"); got > 390 {
			t.Errorf("%s: the page is %v px wide on a phone of 390 px", name, got)
		}
		desktop(t, admin)
	}
	if got := eval[string](t, admin, `[...document.querySelectorAll("#tiles strong")].map((n) => n.textContent).join()`); got != "1,1,0,0" {
		t.Errorf("the comparison counts %s, want 1,1,0,0", got)
	}
	do(t, admin, chromedp.Click(`.case [data-kind="positive"] [value="end"]`), chromedp.Click(`.case [data-kind="negative"] [value="stand"]`),
		chromedp.SetValue(`.case [name="why"]`, "зертхана қайта тексерді"), chromedp.Click(".case .main"))
	until(t, admin, `document.querySelector(".case") === null && [...document.querySelectorAll("#tiles strong")].map((n) => n.textContent).join() === "1,0,0,0"`)

	// The history tells it all, and a record is withdrawn from there.
	do(t, admin, chromedp.SetValue("#person-iin", alice), chromedp.Click("#person-form .main"))
	until(t, admin, `document.querySelectorAll("#person .record").length === 2`)
	keep(t, admin, "records-person")
	text := eval[string](t, admin, `document.querySelector("#person").innerText`)
	for _, want := range []string{"Aigerim S.", "снята решением", "зертхана қайта тексерді", "оставлена в силе"} {
		if !strings.Contains(text, want) {
			t.Errorf("the history does not say %q:\n%s", want, text)
		}
	}
	do(t, admin, chromedp.SetValue(`#person .record > form [name="why"]`, "не тот человек"), chromedp.Click("#person .record > form .main"))
	until(t, admin, `document.querySelectorAll("#person .past").length === 2 && document.querySelector("#person").innerText.includes("не тот человек")`)
}

// After a look at what would change, the administrator withdraws all that a stolen key has entered.
func TestWithdrawAllOfASource(t *testing.T) {
	t.Parallel()
	for _, words := range []struct{ language, change, done string }{
		{"kk", "Қызыл → Көк: 2 адам", "Кері қайтарылған жазбалар: 3."}, {"ru", "Красный → Синий: 2 чел.", "Отозвано записей: 3."},
	} {
		t.Run(words.language, func(t *testing.T) {
			t.Parallel()
			url, _ := realRegistry(t)
			lab := newSource(t, url, "City laboratory 3", server.Laboratory)
			for sample, iin := range map[string]string{"1": alice, "2": alice, "3": bob} {
				post(t, url, server.PathResults, lab, server.ResultRequest{IIN: iin, Sample: sample, Result: "positive", Taken: time.Now()}, nil)
			}
			admin := tab(t)
			desktop(t, admin)
			do(t, admin, chromedp.Navigate(url+"/records#key="+adminKey))
			until(t, admin, visible("inside"))
			language(t, admin, words.language)
			if eval[bool](t, admin, visible("bulk-seen")) {
				t.Error("without a preview there is a button that withdraws")
			}
			press(t, admin, "#bulk-form", "preview", map[string]string{
				"#bulk-name": "City laboratory 3", "#bulk-since": time.Now().Add(-time.Hour).Format("2006-01-02T15:04"),
			})
			keep(t, admin, "records-bulk-"+words.language)
			if got := eval[string](t, admin, `document.querySelector("#bulk-counts").innerText`); !strings.Contains(got, words.change) {
				t.Errorf("the preview says %q, want %q", got, words.change)
			}
			got := press(t, admin, "#bulk-form", "withdraw", map[string]string{"#bulk-why": "stolen key"})
			if got != words.done || eval[bool](t, admin, visible("bulk-seen")) {
				t.Errorf("withdrawn: %q", got)
			}
		})
	}
}

// Suspended passes: the counts of the overview move.
func TestSuspend(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	post(t, url, server.PathPaper, adminKey, server.CitizenRequest{IIN: alice}, nil)
	admin := tab(t)
	desktop(t, admin)
	do(t, admin, chromedp.Navigate(url+"/people#key="+adminKey))
	until(t, admin, visible("inside"))
	overview := tab(t)
	do(t, overview, chromedp.Navigate(url+"/admin#key="+adminKey))
	const counts = `document.querySelectorAll("#tiles .tile")[1]?.innerText.includes(%s)`
	press(t, admin, "#hold-form", "suspend", map[string]string{"#hold-iin": alice})
	until(t, overview, counts, "Passes: 1 suspended, 0 revoked")
	press(t, admin, "#hold-form", "resume", nil)
	until(t, overview, counts, "Passes: 0 suspended, 0 revoked")
}

// A source that has withdrawn too much in an hour is told so, and not to wait a minute.
func TestLimitIsTold(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(url+"/records"))
	for hint, want := range map[string]string{"ask the administrator": "too many||ask the administrator", "": "Too many attempts. Try again in a minute."} {
		got := eval[string](t, ctx, `import(%s).then(({ trouble }) =>
			trouble({ status: 429, message: "too many", hint: %s }).map((part) => part.textContent ?? part).join("|"))`, moduleAt(t, "office/office.js"), hint)
		if got != want {
			t.Errorf("with the hint %q the page says %q, want %q", hint, got, want)
		}
	}
}
