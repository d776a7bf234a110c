package web_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
)

const aDay = 24 * time.Hour

// later moves the phone's clock and the registry's.
func later(t *testing.T, r *registry, ctx context.Context, d time.Duration) {
	t.Helper()
	r.set(func(r *registry) { r.shift += d })
	eval[chromedp.Void](t, ctx, "shiftClock(%s)", d.Milliseconds())
}

// stored are the days that the phone has a credential for.
func stored(t *testing.T, ctx context.Context) []int {
	t.Helper()
	return eval[[]int](t, ctx, storedDays)
}

const storedDays = `new Promise((resolve, reject) => {
	const opening = indexedDB.open("ashyq");
	opening.onerror = () => reject(opening.error);
	opening.onsuccess = () => {
		const asking = opening.result.transaction("days").objectStore("days").getAllKeys();
		asking.onsuccess = () => { opening.result.close(); resolve(asking.result.map(([, day]) => day)); };
	};
})`

// month is today and the 30 days after it.
func month(now time.Time) (days []int) {
	for n := range pass.MaxDays {
		days = append(days, int(pass.DayOf(now))+n)
	}
	return days
}

// A phone works for 30 days without a network, says when few days are left, and on the 31st day what to do:
// a network brings everything back by itself.
func TestPhoneWithoutNetworkForDays(t *testing.T) {
	t.Parallel()
	for language, says := range map[string]struct{ few, empty, do string }{
		"kk": {"5 күн жетеді", "Бүгінге код жоқ", "код өзі келеді"},
		"ru": {"осталось на 5 дн.", "На сегодня кода нет", "код придёт сам"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			ctx := tab(t)
			activated(t, r, ctx)
			do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
			until(t, ctx, `navigator.serviceWorker.controller !== null`)
			if got := stored(t, ctx); !slices.Equal(got, month(time.Now())) {
				t.Fatalf("the phone has the days %v", got)
			}
			address := r.address
			r.down()
			credentials := map[string]bool{}
			for day := range pass.MaxDays {
				if day > 0 {
					later(t, r, ctx, aDay)
					do(t, ctx, chromedp.Reload())
				}
				until(t, ctx, shownCode+` !== undefined`)
				text := shown(t, ctx)
				if err := r.verify(text, r.now()); err != nil {
					t.Errorf("the code after %d days without a network: %v", day, err)
				}
				credentials[holderOf(t, text)] = true
				if few := eval[bool](t, ctx, visible("few")); few != (day >= pass.MaxDays-5) {
					t.Errorf("after %d days the page says that few are left: %v", day, few)
				}
				if day == pass.MaxDays-5 {
					if got := eval[string](t, ctx, `document.querySelector("#few").textContent`); !strings.Contains(got, says.few) {
						t.Errorf("five days left: %q", got)
					}
					keep(t, ctx, "days-few-"+language)
					audit(t, ctx)
				}
			}
			if len(credentials) != pass.MaxDays {
				t.Errorf("%d keys in %d days", len(credentials), pass.MaxDays)
			}

			later(t, r, ctx, aDay)
			do(t, ctx, chromedp.Reload())
			until(t, ctx, visible("empty"))
			got := eval[string](t, ctx, `document.querySelector("#empty").innerText`)
			if !strings.Contains(got, says.empty) || !strings.Contains(got, says.do) {
				t.Errorf("after 31 days: %q", got)
			}
			if eval[bool](t, ctx, visible("qr")+" || "+shownCode+" !== undefined") {
				t.Error("a code is shown on a day that has none")
			}
			do(t, ctx, chromedp.Click("#empty-again"))
			until(t, ctx, `document.querySelector("#empty-error").textContent !== ""`)
			keep(t, ctx, "days-none-"+language)
			audit(t, ctx)

			r.up(address)
			do(t, ctx, chromedp.Click("#empty-again"))
			until(t, ctx, visible("qr")+" && "+shownCode+" !== undefined")
			if err := r.verify(shown(t, ctx), r.now()); err != nil {
				t.Errorf("the code when there is a network again: %v", err)
			}
			if got := stored(t, ctx); !slices.Equal(got, month(r.now())) {
				t.Errorf("then the phone has the days %v, want no past ones", got)
			}
		})
	}
}

// Each day brings one more, and what is past is deleted. Nothing is asked for twice.
func TestTopUpEachDay(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	for range 3 {
		later(t, r, ctx, aDay)
		do(t, ctx, chromedp.Reload())
		until(t, ctx, `(async () => (await `+storedDays+`).at(-1) === %s)()`, month(r.now())[pass.MaxDays-1])
		if got := stored(t, ctx); !slices.Equal(got, month(r.now())) {
			t.Errorf("the phone has the days %v", got)
		}
	}
	r.set(func(r *registry) {
		var asked []int
		seen := map[string]bool{}
		for _, days := range r.topUps {
			asked = append(asked, len(days))
			for _, d := range days {
				seen[string(d.Holder)] = true
			}
		}
		if !slices.Equal(asked, []int{pass.MaxDays, 1, 1, 1}) || len(seen) != pass.MaxDays+3 {
			t.Errorf("asked for %v days with %d keys", asked, len(seen))
		}
	})
}

// At midnight by UTC, 05:00 in Kazakhstan, the page changes to the next day's credential at once; the code that
// it showed before stays good as long as any other.
func TestMidnight(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	today := pass.DayOf(time.Now())
	later(t, r, ctx, time.Until((today+1).Start())-pass.Period-time.Second) // the last period has not begun
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, `document.querySelector("#status").dataset.fresh === "true"`)
	var last, first string
	for deadline := time.Now().Add(patience); first == ""; time.Sleep(20 * time.Millisecond) {
		code, err := pass.Parse([]byte(shown(t, ctx)))
		if err != nil {
			t.Fatal(err)
		}
		if code.Credential.Day == today {
			last = code.Text()
		} else {
			first = code.Text()
		}
		if time.Now().After(deadline) {
			t.Fatalf("the page shows no code of the next day; now it is %v", r.now())
		}
	}
	if late := r.now().Sub((today + 1).Start()); late < 0 || late > 10*time.Second {
		t.Errorf("the next day's credential came %v after midnight", late)
	}
	for name, text := range map[string]string{"last": last, "first": first} {
		if err := r.verify(text, r.now()); err != nil {
			t.Errorf("the %s code, a moment after midnight: %v", name, err)
		}
	}
}

// A lost answer, two tabs and a page that is closed in between: the phone tops up again, and each day's
// credential is that of the day's own key.
func TestTopUpsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.set(func(r *registry) { r.loseTopUp = true })
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(r.url()+"/#"+oneTimeCode))
	until(t, ctx, visible("empty"))
	asked := func() (n int) {
		r.set(func(r *registry) { n = len(r.topUps) })
		return n
	}
	if asked() == 0 {
		t.Error("the page shows a pass before it has asked for days")
	}
	if got := stored(t, ctx); len(got) > 0 {
		t.Errorf("days without credentials: %v", got)
	}
	r.set(func(r *registry) { r.loseTopUp = false })
	other := tab(t)
	do(t, other, chromedp.Navigate(r.url()+"/"))
	do(t, ctx, chromedp.Click("#empty-again"))
	until(t, ctx, shownCode+" !== undefined")
	until(t, other, shownCode+" !== undefined")
	// Both at once, again and again; one of them is closed in between.
	for range 5 {
		later(t, r, ctx, aDay)
		for _, tab := range []context.Context{ctx, other} {
			eval[chromedp.Void](t, tab, `window.dispatchEvent(new Event("online"))`)
		}
		do(t, other, chromedp.Reload())
		until(t, ctx, `(async () => (await `+storedDays+`).at(-1) === %s)()`, month(r.now())[pass.MaxDays-1])
	}
	if got := stored(t, ctx); !slices.Equal(got, month(r.now())) {
		t.Errorf("the phone has the days %v", got)
	}
	for range pass.MaxDays {
		for _, tab := range []context.Context{ctx, other} {
			do(t, tab, chromedp.Reload())
			until(t, tab, shownCode+" !== undefined")
			if err := r.verify(shown(t, tab), r.now()); err != nil {
				t.Fatalf("on %v: %v", pass.DayOf(r.now()), err)
			}
		}
		r.set(func(r *registry) { r.refuse = &api.Error{Error: "no more"} }) // what there is has to do
		later(t, r, ctx, aDay)
	}
}

// A revoked pass gets no more days, and the page says what to do. A suspended one is topped up.
func TestTopUpOfARevokedPass(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	r.set(func(r *registry) { r.status = server.SelfAnswer{Status: "suspended"} })
	later(t, r, ctx, 3*aDay)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, `(async () => (await `+storedDays+`).length === %s)() && `+visible("pass"), pass.MaxDays)
	until(t, ctx, `(async () => (await `+storedDays+`)[0] === %s)()`, month(r.now())[0])

	r.set(func(r *registry) { r.refuse = &api.Error{Error: "this pass was revoked", Code: api.CodeRevoked} })
	later(t, r, ctx, aDay)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, visible("ended")+" && "+visible("activation"))
	got := eval[string](t, ctx, `document.querySelector("#ended").innerText`)
	if !strings.Contains(got, "This pass was revoked") || !strings.Contains(got, "sign in again") {
		t.Errorf("the page says %q", got)
	}
}

// A phone that was activated with a wrong clock is put right by the first answer.
func TestTopUpWithAWrongClock(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(r.url()+"/"))
	until(t, ctx, visible("activation"))
	eval[chromedp.Void](t, ctx, "shiftClock(%s)", (40 * aDay).Milliseconds())
	do(t, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(r.url()+"/#"+oneTimeCode))
	until(t, ctx, shownCode+" !== undefined")
	if err := r.verify(shown(t, ctx), time.Now()); err != nil {
		t.Errorf("the code: %v", err)
	}
	if got := stored(t, ctx); !slices.Equal(got, month(time.Now())) {
		t.Errorf("the phone has the days %v", got)
	}
}
