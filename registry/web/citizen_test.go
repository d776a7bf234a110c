package web_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
)

const shownCode = `document.querySelector("#qr").dataset.code`

func visible(id string) string {
	return `document.getElementById("` + id + `")?.checkVisibility() === true`
}

// activated opens the citizen's page with the code behind '#' and waits for the pass.
func activated(t *testing.T, r *registry, ctx context.Context) {
	t.Helper()
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(r.url()+"/#"+oneTimeCode))
	until(t, ctx, shownCode+` !== undefined`)
	until(t, ctx, `document.querySelector("#status").dataset.fresh === "true"`)
}

// shown is the code on the screen.
func shown(t *testing.T, ctx context.Context) string {
	t.Helper()
	return eval[string](t, ctx, shownCode)
}

func TestActivation(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(r.url()+"/"))
	until(t, ctx, visible("activation"))
	keep(t, ctx, "citizen-activation")

	do(t, ctx, chromedp.Click("#activate"))
	until(t, ctx, `document.querySelector("#activation-error").textContent !== ""`)
	do(t, ctx, chromedp.SendKeys("#code", "WRONG"), chromedp.Click("#activate"))
	until(t, ctx, `document.querySelector("#activation-error").textContent.includes("not valid")`)
	keep(t, ctx, "citizen-activation-refused")

	// Typed with spaces, as people do.
	do(t, ctx, chromedp.SetValue("#code", " "+oneTimeCode[:4]+" "+oneTimeCode[4:]), chromedp.Click("#activate"))
	until(t, ctx, shownCode+` !== undefined`)
	if err := r.verify(shown(t, ctx), time.Now()); err != nil {
		t.Errorf("the shown code: %v", err)
	}
	until(t, ctx, `document.querySelector("#status").dataset.fresh === "true"`)
	if got := eval[string](t, ctx, `document.querySelector("#status-word").textContent`); got != "Green" {
		t.Errorf("status in words: %q, want Green", got)
	}
	keep(t, ctx, "citizen-green")
}

func TestCodeFromAddress(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	if got := eval[string](t, ctx, "location.href"); got != r.url()+"/" {
		t.Errorf("address %q still holds the one-time code", got)
	}
	if got := eval[float64](t, ctx, "history.length"); got > 2 {
		t.Errorf("%v entries in the history, want no further one for the code", got)
	}
}

// The private key must be of no use to a script that got into the page.
func TestKeyCannotBeExtracted(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	got := eval[string](t, ctx, `new Promise((resolve, reject) => {
		const opening = indexedDB.open("ashyq");
		opening.onerror = () => reject(opening.error);
		opening.onsuccess = () => {
			const asking = opening.result.transaction("records").objectStore("records").get("people");
			asking.onsuccess = async () => {
				const days = opening.result.transaction("days").objectStore("days").getAll();
				days.onsuccess = async () => {
					const keys = [asking.result[0].phone, ...days.result.map((day) => day.keys)].map((pair) => pair.privateKey);
					const tries = await Promise.all(keys.map(async (key) => [key.extractable, ...(await Promise.allSettled(
						["pkcs8", "jwk", "raw"].map((form) => crypto.subtle.exportKey(form, key)))).map((t) => t.status)].join()));
					resolve([keys.length, ...new Set(tries)].join());
				};
			};
		};
	})`)
	if want := "32,false,rejected,rejected,rejected"; got != want {
		t.Errorf("keys, extractable and attempts: %s, want %s", got, want)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	for range 3 {
		before := shown(t, ctx)
		eval[chromedp.Void](t, ctx, "shiftClock(%s)", 15000)
		r.set(func(r *registry) { r.shift += pass.Period })
		until(t, ctx, shownCode+" !== %s", before)
		after := shown(t, ctx)
		if err := r.verify(after, time.Now().Add(r.shift)); err != nil {
			t.Fatalf("the next code: %v", err)
		}
		old, err := pass.Parse([]byte(before))
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := pass.Parse([]byte(after))
		if err != nil {
			t.Fatal(err)
		}
		if step := fresh.Signed.Sub(old.Signed); step < time.Second || step > 2*pass.Period {
			t.Errorf("the next code is %v younger, want about %v", step, pass.Period)
		}
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	until(t, ctx, `navigator.serviceWorker.controller !== null`)
	address := r.address
	r.down()

	before := shown(t, ctx)
	eval[chromedp.Void](t, ctx, "shiftClock(%s)", int((2 * time.Hour).Milliseconds()))
	until(t, ctx, shownCode+" !== %s", before)
	if err := r.verify(shown(t, ctx), time.Now().Add(2*time.Hour)); err != nil {
		t.Errorf("the code without a network: %v", err)
	}

	do(t, ctx, chromedp.Reload())
	until(t, ctx, shownCode+` !== undefined`)
	if err := r.verify(shown(t, ctx), time.Now().Add(2*time.Hour)); err != nil {
		t.Errorf("the code after opening the page without a network: %v", err)
	}
	until(t, ctx, `document.querySelector("#status-head").textContent === "Last known status (2 h ago)"`)
	until(t, ctx, visible("note"))
	if got := eval[string](t, ctx, `document.querySelector("#status").dataset.fresh`); got != "false" {
		t.Error("a status of two hours ago is shown as fresh")
	}
	keep(t, ctx, "citizen-offline")

	r.set(func(r *registry) { r.shift = 2 * time.Hour })
	r.up(address)
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, `document.querySelector("#status").dataset.fresh === "true"`)
}

// The status in words and colour, and the code that must not tell it.
func TestStatuses(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	ink := eval[string](t, ctx, inkScript)
	for _, colour := range []string{"red", "yellow", "blue", "green"} {
		status := colour
		if colour == "blue" {
			status = "valid"
		}
		r.set(func(r *registry) {
			r.status = server.SelfAnswer{Status: status, Colour: colour, Until: time.Now().Add(50 * time.Hour)}
		})
		eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
		until(t, ctx, `document.querySelector("#status").dataset.colour === %s`, colour)
		if got := eval[string](t, ctx, inkScript); got != ink {
			t.Errorf("the code is drawn in %s with a %s status, want %s", got, colour, ink)
		}
		keep(t, ctx, "citizen-"+colour)
	}
	if ink != "0,0,0 255,255,255" {
		t.Errorf("the code is drawn in %s, want black on white", ink)
	}
}

// inkScript lists the colours of the code's pixels.
const inkScript = `(() => {
	const canvas = document.querySelector("#qr");
	const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
	const seen = new Set();
	for (let i = 0; i < data.length; i += 4) seen.add(data.slice(i, i + 3).join());
	return [...seen].sort().join(" ");
})()`

func TestPassThatEnded(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)

	r.set(func(r *registry) { r.status = server.SelfAnswer{Status: "suspended"} })
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, `document.querySelector("#status-word").textContent === "This pass is on hold"`)
	keep(t, ctx, "citizen-suspended")

	r.set(func(r *registry) { r.status = server.SelfAnswer{Status: "invalid"} })
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, visible("ended")+" && "+visible("activation"))
	if got := eval[string](t, ctx, `document.querySelector("#ended-title").textContent`); got != "This pass was revoked" {
		t.Errorf("withdrawn pass: %q", got)
	}
	keep(t, ctx, "citizen-withdrawn")

	// The way out that the words name.
	r.set(func(r *registry) { r.status = server.SelfAnswer{Status: "valid", Colour: "blue"} })
	do(t, ctx, chromedp.SetValue("#code", oneTimeCode+"2"), chromedp.Click("#activate"))
	until(t, ctx, visible("pass")+` && document.querySelector("#status").dataset.colour === "blue"`)
}

func TestReplace(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	first := shown(t, ctx)

	eval[chromedp.Void](t, ctx, `location.hash = "NONSENSE"`)
	until(t, ctx, visible("replace"))
	do(t, ctx, chromedp.Click("#replace-yes"))
	until(t, ctx, `document.querySelector("#replace-error").textContent.includes("not valid")`)
	keep(t, ctx, "citizen-replace")
	do(t, ctx, chromedp.Click("#replace-no"))
	until(t, ctx, visible("pass")+" && "+shownCode+` !== undefined`)
	if holderOf(t, shown(t, ctx)) != holderOf(t, first) {
		t.Error("the pass was lost to a code that is not valid")
	}

	eval[chromedp.Void](t, ctx, `location.hash = %s`, oneTimeCode+"2")
	until(t, ctx, visible("replace"))
	do(t, ctx, chromedp.Click("#replace-yes"))
	until(t, ctx, visible("pass")+" && "+shownCode+` !== undefined`)
	if holderOf(t, shown(t, ctx)) == holderOf(t, first) {
		t.Error("the new pass has the old one's key")
	}
}

func holderOf(t *testing.T, text string) string {
	t.Helper()
	code, err := pass.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(code.Credential.Holder)
}

// A wrong clock is named, and never shown as a colour.
func TestPhoneClock(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	eval[chromedp.Void](t, ctx, "shiftClock(%s)", int((5 * time.Minute).Milliseconds()))
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, visible("clock"))
	if got := eval[string](t, ctx, `document.querySelector("#clock").textContent`); !strings.HasPrefix(got, "The phone's clock is wrong by 5 min") {
		t.Errorf("clock warning: %q", got)
	}
	keep(t, ctx, "citizen-clock")
}

// TestClockCorrection: a page that is online makes its codes with the registry's time, so that a
// screenshot is of no use to anybody 30 s later, however wrong the phone's clock is; and a phone
// that was put right is not corrected any more.
func TestClockCorrection(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	off := 0 * time.Second
	for _, shift := range []time.Duration{time.Minute, -2 * time.Minute, time.Minute, 20 * time.Second, -40 * time.Second} {
		off += shift
		old := shown(t, ctx)
		eval[chromedp.Void](t, ctx, "shiftClock(%s)", int(shift.Milliseconds()))
		eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
		until(t, ctx, shownCode+" !== %s", old)
		var text string
		for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) { // the page has asked
			text = shown(t, ctx)
			code, err := pass.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			ahead := time.Until(code.Signed)
			if ahead < 4*time.Second && ahead > -pass.Period-4*time.Second {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("a phone %v ahead: its code is %v ahead", off, ahead.Round(time.Second))
			}
		}
		if err := r.verify(text, time.Now()); err != nil {
			t.Errorf("a phone %v ahead: %v", off, err)
		}
		if err := r.verify(text, time.Now().Add(30*time.Second)); !errors.Is(err, pass.ErrStale) {
			t.Errorf("a phone %v ahead: its code 30 s later: %v, want %v", off, err, pass.ErrStale)
		}
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	for language, want := range map[string]string{"kk": "Жасыл", "ru": "Зелёный", "en": "Green"} {
		narrow(t, ctx)
		do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
		until(t, ctx, `document.querySelector("#status-word").textContent === %s`, want)
		if got := eval[string](t, ctx, "document.documentElement.lang"); got != language {
			t.Errorf("lang=%q, want %q", got, language)
		}
		if got := eval[float64](t, ctx, "document.documentElement.scrollWidth"); got > 320 {
			t.Errorf("%s: the page is %v px wide on a screen of 320 px", language, got)
		}
		keep(t, ctx, "citizen-narrow-"+language)
		do(t, ctx, chromedp.Reload())
		until(t, ctx, `document.querySelector("#status-word").textContent === %s`, want)
	}
}

func TestWhatKeepsAPassFromAPhone(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	_, port, err := net.SplitHostPort(r.address)
	if err != nil {
		t.Fatal(err)
	}
	insecure := tab(t)
	do(t, insecure, chromedp.Navigate("http://"+net.JoinHostPort(elsewhere, port)+"/#"+oneTimeCode))
	until(t, insecure, visible("problem")+` && document.querySelector("#problem").textContent.includes("https://")`)

	for text, script := range map[string]string{
		"too old":          `crypto.subtle.generateKey = () => Promise.reject(new DOMException("no", "NotSupportedError"))`,
		"private browsing": `IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError") }`,
	} {
		ctx := tab(t)
		phone(t, ctx)
		call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		do(t, ctx, chromedp.Navigate(r.url()+"/#"+oneTimeCode))
		until(t, ctx, visible("problem")+` && document.querySelector("#problem").textContent.includes(%s)`, text)
		keep(t, ctx, "citizen-problem")
	}
	r.set(func(r *registry) {
		if len(r.used) > 0 {
			t.Error("the one-time code was used up by a phone that cannot carry a pass")
		}
	})
}

// Behind a log-in page of a network every address answers 200 with somebody else's words.
func TestNetworkWithLogInPage(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	r.set(func(r *registry) { r.captive = true })
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, visible("note")+` && document.querySelector("#status-head").textContent.startsWith("Last known status")`)
	if got := eval[string](t, ctx, `document.querySelector("#note").textContent`); !strings.HasPrefix(got, "No network") {
		t.Errorf("note: %q", got)
	}
}

// The answer to the activation can get lost; the code must not be lost with it.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.set(func(r *registry) { r.loseAnswer = true })
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(r.url()+"/#"+oneTimeCode))
	until(t, ctx, `document.querySelector("#activation-error").textContent.includes("No network")`)
	r.set(func(r *registry) { r.loseAnswer = false })
	until(t, ctx, `document.querySelector("#iin-form").hidden`) // nothing moves any more where the click goes
	do(t, ctx, chromedp.Click("#activate"))
	until(t, ctx, shownCode+` !== undefined`)
}
