package web_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/pass"
)

// space is how much a phone has at first, bytes.
const space = 16 << 20

// give lets an origin keep so many bytes in the browser's storage. The browser itself then refuses
// to write more.
func give(t *testing.T, ctx context.Context, origin string, bytes float64) {
	t.Helper()
	call(t, ctx, storage.OverrideQuotaForOrigin,
		storage.OverrideQuotaForOriginParams{Origin: origin, QuotaSize: &bytes})
}

// fill leaves an origin that was given space nothing of it. A browser remembers for half a minute
// how much there was, and asks again for what is more than that.
func fill(t *testing.T, ctx context.Context, origin string) {
	t.Helper()
	give(t, ctx, origin, 1)
	if got := eval[string](t, ctx, fillScript, 2*space); got != "QuotaExceededError" {
		t.Fatalf("storing more than there is space for: %s", got)
	}
}

const fillScript = `new Promise((resolve) => {
	const opening = indexedDB.open("test");
	opening.onupgradeneeded = () => opening.result.createObjectStore("test");
	opening.onerror = () => resolve(opening.error.name);
	opening.onsuccess = () => {
		const storing = opening.result.transaction("test", "readwrite");
		storing.oncomplete = () => resolve("done");
		storing.onabort = () => resolve(storing.error.name);
		storing.objectStore("test").put(new Blob([new Uint8Array(%s)]), "test");
	};
})`

var fullLanguages = map[string]struct{ full, free string }{
	"kk": {"орын қалмады", "Орын босатып"},
	"ru": {"не осталось места", "Освободите место"},
}

// TestFullPhoneKeepsItsPass tops up the days of a phone that has no space left: the page says so,
// keeps what it has, and shows the new codes as long as it is open. With space again it keeps them.
func TestFullPhoneKeepsItsPass(t *testing.T) {
	t.Parallel()
	for language, says := range fullLanguages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			ctx := tab(t)
			give(t, ctx, r.url(), space)
			activated(t, r, ctx)
			do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
			until(t, ctx, `navigator.serviceWorker.controller !== null`)
			had := stored(t, ctx)
			full := func() {
				t.Helper()
				until(t, ctx, visible("few")+` && document.querySelector("#few").textContent.includes(%s)`, says.full)
				until(t, ctx, `document.querySelector("#few").textContent.includes(%s)`, says.free)
				until(t, ctx, `document.querySelector("#status").dataset.fresh === "true" && !(`+visible("note")+`)`)
				until(t, ctx, shownCode+" !== undefined")
				if err := r.verify(shown(t, ctx), r.now()); err != nil {
					t.Errorf("the code: %v", err)
				}
				if got := stored(t, ctx); !slices.Equal(got, had) {
					t.Errorf("stored are %v, want %v as before", got, had)
				}
			}
			fill(t, ctx, r.url())
			later(t, r, ctx, 20*aDay)
			for range 2 { // what was not stored is gone with the page, and asked for again
				do(t, ctx, chromedp.Reload())
				full()
			}
			keep(t, ctx, "space-few-"+language)
			audit(t, ctx)
			later(t, r, ctx, 20*aDay) // no stored day is left
			do(t, ctx, chromedp.Reload())
			full()
			keep(t, ctx, "space-none-"+language)

			give(t, ctx, r.url(), space)
			until(t, ctx, `(async () => (window.dispatchEvent(new Event("online")),
				(await `+storedDays+`).at(-1) === %s))()`, month(r.now())[pass.MaxDays-1])
			until(t, ctx, `!(`+visible("few")+`)`)
			r.down()
			do(t, ctx, chromedp.Reload())
			until(t, ctx, shownCode+" !== undefined")
			if err := r.verify(shown(t, ctx), r.now()); err != nil {
				t.Errorf("the code without a network: %v", err)
			}
			got := stored(t, ctx) // past ones go with the next day's
			if got = got[max(0, len(got)-pass.MaxDays):]; !slices.Equal(got, month(r.now())) {
				t.Errorf("with space again stored are %v", got)
			}
		})
	}
}

// TestFullPhoneGetsAPass activates a pass on a phone that has no space left: the page says so and
// does not use the one-time code up. With space again the code works.
func TestFullPhoneGetsAPass(t *testing.T) {
	t.Parallel()
	for language, says := range fullLanguages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			ctx := tab(t)
			give(t, ctx, r.url(), space)
			phone(t, ctx)
			do(t, ctx, chromedp.Navigate(r.url()+"/"))
			until(t, ctx, visible("activation")+` && navigator.serviceWorker.controller !== null`)
			do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
			fill(t, ctx, r.url())
			do(t, ctx, chromedp.SetValue("#code", oneTimeCode), chromedp.Click("#activate"))
			until(t, ctx, `document.querySelector("#activation-error").textContent.includes(%s)`, says.full)
			keep(t, ctx, "space-activation-"+language)
			audit(t, ctx)
			r.set(func(r *registry) {
				if len(r.used) > 0 {
					t.Error("the code was used up by a phone that cannot keep the pass")
				}
			})
			give(t, ctx, r.url(), space)
			for deadline := time.Now().Add(patience); eval[bool](t, ctx, visible("activation")); {
				if time.Now().After(deadline) {
					t.Fatal("with space again the code does not work")
				}
				do(t, ctx, chromedp.Click("#activate"))
				until(t, ctx, `!document.querySelector("#activate").disabled`)
			}
			until(t, ctx, shownCode+" !== undefined")
			if err := r.verify(shown(t, ctx), r.now()); err != nil {
				t.Errorf("the code: %v", err)
			}
		})
	}
}

// TestFullFamilyPhone chooses another person, gives a name, owns up to a new phone and removes the
// pass on a phone that has no space left: each time the page says that it was not kept. The chosen
// person is shown all the same. With space again all is kept.
func TestFullFamilyPhone(t *testing.T) {
	t.Parallel()
	for language, says := range fullLanguages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			ctx := tab(t)
			give(t, ctx, r.url(), space)
			activated(t, r, ctx)
			do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
			until(t, ctx, `navigator.serviceWorker.controller !== null`)
			do(t, ctx, chromedp.Click("#family summary"), chromedp.Click("#family-add"))
			until(t, ctx, visible("activation")+` && document.querySelector("#have-code").open`)
			do(t, ctx, chromedp.SetValue("#code", oneTimeCode+"2"), chromedp.Click("#activate"))
			until(t, ctx, `document.querySelectorAll("#people button").length === 2 && `+shownCode+" !== undefined")
			second := holderOf(t, shown(t, ctx))
			r.set(func(r *registry) { r.status.NewPhone = r.now() })
			do(t, ctx, chromedp.Reload())
			until(t, ctx, visible("new-phone"))

			fill(t, ctx, r.url())
			notKept := func(id string) {
				t.Helper()
				until(t, ctx, visible(id)+` && [%s, %s].every((words) =>
					document.getElementById(%s).textContent.includes(words))`, says.full, says.free, id)
			}
			do(t, ctx, chromedp.Click("#people button:first-child"))
			notKept("people-error")
			until(t, ctx, `document.querySelector('#people button:first-child[aria-pressed="true"]') !== null`)
			until(t, ctx, visible("new-phone")+" && "+shownCode+" !== undefined")
			if holderOf(t, shown(t, ctx)) == second {
				t.Error("the page shows the code of somebody who was not chosen")
			}
			do(t, ctx, chromedp.Click("#new-phone-fine"))
			notKept("new-phone-error")
			do(t, ctx, chromedp.Click("#family summary"), chromedp.SetValue("#family-name", "Ainur"),
				chromedp.Click("#family-form button"))
			notKept("family-error")
			do(t, ctx, chromedp.Click("#remove summary"), chromedp.Click("#remove-yes"))
			notKept("remove-error")
			keep(t, ctx, "space-family-"+language)
			audit(t, ctx)

			give(t, ctx, r.url(), space)
			until(t, ctx, `(document.querySelector("#family-form button").click(),
				document.querySelector("#people button:first-child").textContent === "Ainur")`)
			do(t, ctx, chromedp.Click("#new-phone-fine"))
			until(t, ctx, `!(`+visible("new-phone")+`)`)
			do(t, ctx, chromedp.Click("#people button:last-child"))
			until(t, ctx, `document.activeElement ===
				document.querySelector('#people button:last-child[aria-pressed="true"]') && !(`+visible("people-error")+`)`)
			do(t, ctx, chromedp.Reload())
			until(t, ctx, `document.querySelector('#people button:last-child[aria-pressed="true"]') !== null`)
		})
	}
}
