package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// TestLargeText opens each state of the citizen's page with the browser's text set to 32 px, twice
// the default: nothing scrolls sideways, no word breaks, and the code is whole.
func TestLargeText(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(r.url()+"/"))
	until(t, ctx, visible("activation"))
	do(t, ctx, chromedp.SetValue("#code", "7Q2MX-0KD4R-9HT3W"), chromedp.Click("#activate"))
	until(t, ctx, `document.querySelector("#activation-error").textContent !== ""`)
	checkLarge(t, ctx, "activation")

	eval[chromedp.Void](t, ctx, `location.hash = %s`, oneTimeCode)
	do(t, ctx, chromedp.Click("#activate"))
	until(t, ctx, `document.querySelector("#status").dataset.fresh === "true"`)
	day := time.Now()
	because := func(kind store.Kind, source string) []server.Reason {
		return []server.Reason{{Kind: kind, At: day, Source: source, Until: day}}
	}
	positive, contact := because(store.Positive, server.Covid19Centre), because(store.Contact, server.Covid19Centre)
	vaccinated := because(store.Vaccinated, server.VaccinationRegister)
	for _, s := range []server.SelfAnswer{
		{Status: "red", Colour: "red", Until: day.Add(50 * time.Hour), Reasons: positive},
		{Status: "yellow", Colour: "yellow", Until: day.Add(50 * time.Hour), Disputed: true, Reasons: contact},
		{Status: "valid", Colour: "blue"},
		{Status: "green", Colour: "green", Until: day, Reasons: vaccinated},
		{Status: "suspended"},
	} {
		r.set(func(r *registry) { r.status = s })
		eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
		want := s.Colour
		if want == "" {
			want = "none"
		}
		until(t, ctx, `document.querySelector("#status").dataset.colour === %s`, want)
		if want == "red" {
			eval[chromedp.Void](t, ctx, `document.querySelector("#dispute").open = true`)
		}
		checkLarge(t, ctx, s.Status)
	}
	eval[chromedp.Void](t, ctx, "shiftClock(%s)", int((5 * time.Minute).Milliseconds()))
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, visible("clock"))
	r.set(func(r *registry) { r.captive = true })
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, visible("note"))
	checkLarge(t, ctx, "clock-and-network")
	r.set(func(r *registry) { r.captive = false })

	eval[chromedp.Void](t, ctx, `location.hash = "NONSENSE"`)
	until(t, ctx, visible("replace"))
	do(t, ctx, chromedp.Click("#replace-yes"))
	until(t, ctx, `document.querySelector("#replace-error").textContent !== ""`)
	checkLarge(t, ctx, "replace")
	do(t, ctx, chromedp.Click("#replace-no"))
	r.set(func(r *registry) { r.status = server.SelfAnswer{Status: "invalid"} })
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, visible("ended"))
	checkLarge(t, ctx, "revoked")

	// Whatever keeps a browser from carrying a pass.
	for _, key := range []string{"insecure", "unsupported", "noStorage", "noSpace", "few", "emptyTitle", "emptyText"} {
		eval[chromedp.Void](t, ctx, `(async () => {
			const { citizen } = await import(%s);
			for (const old of document.querySelectorAll(".tried")) old.remove();
			document.querySelector("main").prepend(...["kk", "ru", "en"].map((language) => {
				const text = document.createElement(%s);
				text.textContent = citizen[%s][language].replace("{time}", "27.11.2026, 12:34");
				const notice = Object.assign(document.createElement("section"), { className: "notice strong tried" });
				notice.append(text);
				return notice;
			}));
		})()`, moduleAt(t, "js/texts.js"), map[bool]string{true: "h2", false: "p"}[strings.HasSuffix(key, "Title")], key)
		checkLarge(t, ctx, key)
	}
}

// checkLarge measures the page in each language on two phones, light and dark, also with the default
// text.
func checkLarge(t *testing.T, ctx context.Context, state string) {
	t.Helper()
	for width, height := range map[int64]int64{360: 640, 390: 844} {
		for _, text := range []int64{16, 32} {
			screen(t, ctx, width, height, 2)
			sizes := &page.FontSizes{Standard: text, Fixed: text * 13 / 16} // a new screen forgets them
			call(t, ctx, page.SetFontSizes, page.SetFontSizesParams{FontSizes: sizes})
			for _, language := range []string{"kk", "ru", "en"} {
				eval[chromedp.Void](t, ctx, `document.querySelector(%s).click()`, `[data-language="`+language+`"]`)
				scheme := map[string]string{"kk": "light", "ru": "dark", "en": "light"}[language]
				call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				what := fmt.Sprintf("citizen-%dpx-%s-%s-%d", text, state, language, width)
				for _, wrong := range eval[[]string](t, ctx, largeScript, fmt.Sprint(text, "px")) {
					t.Errorf("%s: %s", what, wrong)
				}
				keepScreen(t, ctx, what)
			}
		}
	}
}

// largeScript lists what does not fit.
const largeScript = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
	scrollTo(0, 0);
	const wrong = [];
	const size = getComputedStyle(document.documentElement).fontSize;
	if (size !== %s) wrong.push("the text is " + size + " high");
	const across = document.documentElement.scrollWidth;
	if (across > innerWidth) wrong.push("the page is " + across + " px wide");
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = texts.nextNode(); node; node = texts.nextNode()) {
		const parent = node.parentElement;
		if (!parent.checkVisibility() || parent.closest("noscript, .unseen")) continue;
		for (const word of node.data.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
			const range = document.createRange();
			range.setStart(node, word.index);
			range.setEnd(node, word.index + word[0].length);
			const rects = [...range.getClientRects()].filter((rect) => rect.width > 0);
			if (new Set(rects.map((rect) => Math.round(rect.top))).size > 1) wrong.push("the word " + word[0] + " breaks");
			const cut = rects.some((rect) => rect.left < 0 || rect.right > innerWidth + 1);
			if (cut) wrong.push("the word " + word[0] + " is cut off");
		}
	}
	for (const input of document.querySelectorAll("input")) {
		const cut = input.checkVisibility() && input.scrollWidth > input.clientWidth;
		if (cut) wrong.push("what is in #" + input.id + " does not fit");
	}
	const code = document.querySelector("#qr");
	if (code?.checkVisibility()) {
		const { left, right, top, bottom } = code.getBoundingClientRect();
		const cut = left < 0 || right > innerWidth || top < 0 || bottom > innerHeight;
		if (cut) wrong.push("the code is not whole: " + [left, top, right, bottom]);
		if (right - left < 0.9 * Math.min(innerWidth, 340)) wrong.push("the code is only " + (right - left) + " px wide");
	}
	resolve(wrong);
})))`
