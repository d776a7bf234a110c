package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// madeDesk decides what the code says: a signal, a slash and a colour. The doors' own judge is tested
// behind the page in cmd/ashyq-kiosk.
type madeDesk struct{ parts server.DeskParts }

func newMadeDesk(parts server.DeskParts) server.Desk { return madeDesk{parts} }

func (d madeDesk) Decide(ctx context.Context, code, _ []byte, _ time.Time) (server.Decision, error) {
	signal, colour, _ := strings.Cut(string(code), "/")
	if signal == "admitted" && d.parts.Seat(ctx) != nil {
		signal, colour = "full", "none"
	}
	lines := map[string]server.Line{}
	for lang, head := range map[string]string{"kk": "Қазақша", "ru": "По-русски", "en": "In English"} {
		lines[lang] = server.Line{Head: head + ": " + signal, Body: "…", Until: "10:00"}
	}
	return server.Decision{Signal: signal, Colour: colour, Lines: lines}, nil
}

// An owner begins a session, the link opens the page on a phone, and the staff check and count there.
func TestStaffPage(t *testing.T) {
	t.Parallel()
	data := openStore(t)
	url, _ := registryOver(t, data)
	venue := store.Venue{BIN: "990140000007", Name: "Абай театры", Kind: "theatre", Region: "KZ-75", Zone: "green", Capacity: 2}
	if err := data.PutVenues(t.Context(), []store.Venue{venue}); err != nil {
		t.Fatal(err)
	}
	key := server.NewKey()
	owner := store.Account{Name: "Owner", Role: store.Owner, BIN: venue.BIN}
	if _, err := data.AddAccount(t.Context(), owner, store.SecretOf(key), time.Now()); err != nil {
		t.Fatal(err)
	}
	desk := tab(t)
	desktop(t, desk)
	do(t, desk, chromedp.Navigate(url+"/staff#key="+key))
	until(t, desk, visible("begin")+` && document.querySelectorAll("#venue option").length === 1`)
	audit(t, desk)
	eval[chromedp.Void](t, desk, `(document.querySelector("#name").value = "Evening shift", undefined)`)
	screen(t, desk, 1280, 700, 1) // the code is below what is seen
	do(t, desk, chromedp.Click("#begin-form button.main"))
	until(t, desk, `document.querySelector("#begin-form output").className === "good"`)
	link := values(t, desk, "#begin-form")[0]
	if err := shows(t, desk, link); err != nil {
		t.Errorf("the code to hold to the staff's phone: %v", err)
	}
	until(t, desk, `document.querySelector("#sessions li h3")?.textContent === "Evening shift"`)
	inEachLook(t, desk, "staff-begin")
	language(t, desk, "en")
	desktop(t, desk)

	staff := tab(t)
	phone(t, staff)
	do(t, staff, chromedp.Navigate(link))
	until(t, staff, visible("work")+` && document.querySelector("#where").textContent === "Абай театры"`)
	if got := eval[string](t, staff, "location.href"); got != url+"/staff" {
		t.Errorf("the address is %q", got)
	}
	for _, language := range []string{"kk", "ru", "en"} {
		do(t, staff, chromedp.Click(`[data-language="`+language+`"]`))
		audit(t, staff)
		keep(t, staff, "staff-"+language)
	}
	count := func() string { return eval[string](t, staff, `document.querySelector("#count").textContent`) }
	enter := func(code, head string) {
		t.Helper()
		do(t, staff, chromedp.SetValue("#code", code), chromedp.Click("#code-form button.main"))
		until(t, staff, `document.querySelector("#verdict").open && document.querySelector("#head").textContent === %s`, head)
	}
	for _, one := range []struct{ code, head, colour, count string }{
		{"admitted/green", "In English: admitted", "green", "1 of 2"},
		{"turned-back/red", "In English: turned-back", "red", "1 of 2"},
		{"admitted-here/yellow", "In English: admitted-here", "yellow", "1 of 2"},
		{"admitted/blue", "In English: admitted", "blue", "2 of 2"},
		{"admitted/green", "In English: full", "none", "2 of 2"},
		{"ask-staff/none", "In English: ask-staff", "none", "2 of 2"},
		{"code-refused/none", "In English: code-refused", "none", "2 of 2"},
	} {
		enter(one.code, one.head)
		if got := eval[string](t, staff, `document.querySelector("#verdict").dataset.colour`); got != one.colour || count() != one.count {
			t.Errorf("%s: %s, %s; want %s, %s", one.code, got, count(), one.colour, one.count)
		}
		audit(t, staff)
		keepScreen(t, staff, "staff-verdict-"+strings.ReplaceAll(one.code+"-"+one.colour, "/", "-"))
		do(t, staff, chromedp.Click("#next"))
		until(t, staff, `!document.querySelector("#verdict").open`)
	}
	do(t, staff, chromedp.Click("#less"))
	until(t, staff, `document.querySelector("#count").textContent === "1 of 2"`)
	send(t, staff, "#count-form", map[string]string{"#counted": "0"})
	until(t, staff, `document.querySelector("#count").textContent === "0 of 2"`)
	if got := eval[string](t, staff, `document.querySelector("#checks").textContent`); !strings.HasSuffix(got, ": 7") {
		t.Errorf("checks: %q", got)
	}
	if stored := eval[string](t, staff, `JSON.stringify(localStorage) + JSON.stringify(sessionStorage)`); strings.Contains(stored, "admitted") {
		t.Errorf("the phone keeps a pass: %s", stored)
	}
	staffAtLargeText(t, staff)

	// The phone was stolen: the owner ends its session.
	do(t, desk, chromedp.Click("#sessions button"))
	until(t, desk, `document.querySelector("#sessions").textContent === "There are no sessions now."`)
	do(t, staff, chromedp.SetValue("#code", "admitted/green"), chromedp.Click("#code-form button.main"))
	until(t, staff, visible("gate")+` && document.querySelector("#key-error").textContent !== ""`)
}

// staffAtLargeText looks for what runs off the screen at a text size of 32 px.
func staffAtLargeText(t *testing.T, ctx context.Context) {
	t.Helper()
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	for _, language := range []string{"kk", "ru"} {
		do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
		eval[chromedp.Void](t, ctx, `(document.documentElement.style.fontSize = "32px", undefined)`)
		if wide := eval[int](t, ctx, `document.documentElement.scrollWidth`); wide > 390 {
			t.Errorf("%s: the page is %d px wide at 32 px text", language, wide)
		}
		audit(t, ctx)
		keep(t, ctx, fmt.Sprintf("staff-32px-%s-dark", language))
		eval[chromedp.Void](t, ctx, `(document.documentElement.style.fontSize = "", undefined)`)
	}
}

// WebAssembly runs in the worker that reads codes, and nowhere else.
func TestOnlyTheReaderRunsWebAssembly(t *testing.T) {
	root, _, _ := strings.Cut(fetch(t, "/staff").Body.String(), "/office/staff.js")
	root = root[strings.LastIndex(root, `"`)+1:]
	for name, may := range map[string]bool{"reader-worker.js": true, "camera.js": false, "staff.js": false} {
		w := fetch(t, root+"/office/"+name)
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != 200 || strings.Contains(policy, "script-src 'wasm-unsafe-eval' 'self';") != may {
			t.Errorf("%s: %d, policy %q", name, w.Code, policy)
		}
	}
}
