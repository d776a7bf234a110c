package web_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ashyq-kiosk/registry/server"
)

// tabAnd goes to what the selector names by the Tab key, and presses a key on it. Whatever has the
// focus then is on the page, and can be told by its frame.
func tabAnd(t *testing.T, ctx context.Context, selector, key string) {
	t.Helper()
	tabTo(t, ctx, selector)
	if got := eval[string](t, ctx, frameScript); got != "" {
		t.Errorf("%s has the focus: %s", selector, got)
	}
	keys(t, ctx, key)
}

// frameScript says what is wrong with how the focus is shown.
const frameScript = `(() => {
	const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
	const { top, bottom } = document.activeElement.getBoundingClientRect();
	if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) return "no frame is around it";
	return bottom < 0 || top > innerHeight ? "it is off the screen" : "";
})()`

// kept waits until something is true, and then for the focus: it must not be lost with what was
// pressed, or the next Tab starts at the top of the page.
func kept(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	until(t, ctx, expression)
	until(t, ctx, `document.activeElement !== document.body && document.activeElement.checkVisibility()`)
}

// TestCitizenByKeyboard does all that a citizen can do, without a mouse: on a phone and on a desk.
func TestCitizenByKeyboard(t *testing.T) {
	t.Parallel()
	for language, show := range map[string]func(*testing.T, context.Context){"kk": desktop, "ru": phone} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			ctx := tab(t)
			show(t, ctx)
			do(t, ctx, chromedp.Navigate(h.url+"/"))
			until(t, ctx, visible("iin-form"))
			tabAnd(t, ctx, `[data-language="`+language+`"]`, kb.Enter)
			signsInByKeyboard(t, ctx, h, alice)
			disputesByKeyboard(t, ctx, h)
			managesPhonesByKeyboard(t, ctx, h)
			addsFamilyByKeyboard(t, ctx, h)
			tabAnd(t, ctx, "#remove summary", kb.Enter)
			tabAnd(t, ctx, "#remove-yes", kb.Enter)
			kept(t, ctx, `document.querySelector("#people").hidden && `+visible("pass"))
			tabAnd(t, ctx, "#remove summary", kb.Enter)
			tabAnd(t, ctx, "#remove-yes", kb.Enter)
			kept(t, ctx, visible("iin-form"))
			tabAnd(t, ctx, "#have-code summary", kb.Enter)
			tabAnd(t, ctx, "#code", "WRONG"+kb.Enter)
			until(t, ctx, `document.querySelector("#activation-error").textContent !== ""`)
			focused(t, ctx, "#code, #activate")

			tabAnd(t, ctx, ".help a", kb.Enter)
			until(t, ctx, `document.querySelectorAll("#sections details").length >= 6`)
			tabAnd(t, ctx, "#privacy summary", kb.Enter)
			kept(t, ctx, `document.querySelector("#privacy").open`)
			tabAnd(t, ctx, `.help a[href="/"]`, kb.Enter)
			until(t, ctx, visible("iin-form"))
		})
	}
}

func signsInByKeyboard(t *testing.T, ctx context.Context, h *home, iin string) {
	t.Helper()
	tabAnd(t, ctx, "#iin", iin[:11]+kb.Enter)
	kept(t, ctx, `document.querySelector("#iin-error").textContent !== ""`)
	focused(t, ctx, "#iin")
	tabAnd(t, ctx, "#iin", iin[11:]+kb.Enter)
	until(t, ctx, visible("sent-form"))
	focused(t, ctx, "#sent")
	code := h.sms.code(t)
	tabAnd(t, ctx, "#sent", "0"+code[:len(code)-1]+kb.Enter)
	kept(t, ctx, `document.querySelector("#sent-error").textContent !== ""`)
	tabAnd(t, ctx, "#sent-back", kb.Enter)
	focused(t, ctx, "#iin")
	keys(t, ctx, kb.Enter)
	until(t, ctx, visible("sent-form"))
	focused(t, ctx, "#sent")
	tabAnd(t, ctx, "#sent", h.sms.code(t)+kb.Enter)
	kept(t, ctx, visible("pass")+` && document.querySelector("#status").dataset.fresh === "true"`)
}

func disputesByKeyboard(t *testing.T, ctx context.Context, h *home) {
	t.Helper()
	h.tested(t, "positive")
	until(t, ctx, `document.querySelector("#status").dataset.colour === "red"`)
	tabAnd(t, ctx, "#dispute summary", kb.Enter)
	tabAnd(t, ctx, "#dispute-why", "Не я"+kb.Enter)
	kept(t, ctx, visible("disputed")+` && !(`+visible("dispute")+`)`)
	tabAnd(t, ctx, "#records summary", kb.Enter)
	kept(t, ctx, `document.querySelectorAll("#records-list li").length === 1`)
}

func managesPhonesByKeyboard(t *testing.T, ctx context.Context, h *home) {
	t.Helper()
	tabAnd(t, ctx, "#phones summary", kb.Enter)
	tabAnd(t, ctx, "#move-make", kb.Enter)
	kept(t, ctx, visible("move-made"))
	code := eval[string](t, ctx, `document.querySelector("#move-code").textContent`)
	other := server.ActivateRequest{Code: code, Key: otherKey(t), Name: "Android, Samsung"}
	post(t, h.url, server.PathActivate, "", other, nil)
	tabAnd(t, ctx, "#phones summary", kb.Enter)
	until(t, ctx, visible("new-phone"))
	tabAnd(t, ctx, "#new-phone-look", kb.Enter)
	focused(t, ctx, "#phones summary")
	tabAnd(t, ctx, "#phones-list button", kb.Enter)
	until(t, ctx, `document.activeElement.dataset.sure === "yes"`)
	keys(t, ctx, kb.Enter)
	kept(t, ctx, `document.querySelectorAll("#phones-list li").length === 1 && !(`+visible("new-phone")+`)`)

	h.anotherPhone(t, "iPhone, Safari")
	until(t, ctx, visible("new-phone"))
	tabAnd(t, ctx, "#new-phone-fine", kb.Enter)
	kept(t, ctx, `!(`+visible("new-phone")+`)`)
}

func addsFamilyByKeyboard(t *testing.T, ctx context.Context, h *home) {
	t.Helper()
	tabAnd(t, ctx, "#family summary", kb.Enter)
	tabAnd(t, ctx, "#family-name", "Айгерім"+kb.Enter)
	kept(t, ctx, `!document.querySelector("#family").open`)
	tabAnd(t, ctx, "#family summary", kb.Enter)
	tabAnd(t, ctx, "#family-add", kb.Enter)
	focused(t, ctx, "#iin")
	tabAnd(t, ctx, "#activation-no", kb.Enter)
	kept(t, ctx, visible("pass"))
	tabAnd(t, ctx, "#family summary", kb.Enter)
	tabAnd(t, ctx, "#family-add", kb.Enter)
	focused(t, ctx, "#iin")
	signsInByKeyboard(t, ctx, h, child)
	tabAnd(t, ctx, "#people button", kb.Enter)
	kept(t, ctx, `document.querySelector("#people [aria-pressed=true]")?.textContent === "Айгерім"`)
	focused(t, ctx, "#people [aria-pressed=true]")
	// A status that arrives must not take the focus away.
	before := eval[int](t, ctx, `performance.getEntriesByName(location.origin + "/v1/self").length`)
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, `performance.getEntriesByName(location.origin + "/v1/self").length > %s`, before)
	eval[chromedp.Void](t, ctx, `new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))`)
	focused(t, ctx, "#people [aria-pressed=true]")
}
