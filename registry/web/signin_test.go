package web_test

import (
	"context"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// inbox is a phone that messages come to.
type inbox struct {
	mu   sync.Mutex // guards text
	text string
}

func (i *inbox) Send(_ context.Context, _, text string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.text = text
	return nil
}

// code waits for a message and takes the code out of it.
func (i *inbox) code(t *testing.T) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		i.mu.Lock()
		text := i.text
		i.text = ""
		i.mu.Unlock()
		if text != "" {
			return regexp.MustCompile(`[0-9]{6,9}`).FindString(text)
		}
	}
	t.Fatal("no message came")
	return ""
}

// signsIn types an IIN and the code that is sent for it.
func signsIn(t *testing.T, ctx context.Context, phone *inbox, iin string) {
	t.Helper()
	until(t, ctx, visible("iin-form"))
	do(t, ctx, chromedp.SetValue("#iin", iin), chromedp.Click("#iin-send"))
	until(t, ctx, visible("sent-form"))
	do(t, ctx, chromedp.SetValue("#sent", phone.code(t)), chromedp.Click("#sent-go"))
	until(t, ctx, visible("pass")+` && document.querySelector("#status").dataset.fresh === "true"`)
}

// A citizen signs in, hears of a second phone, removes it, adds a child, reads the records, and removes
// the pass; in Kazakh and in Russian.
func TestCitizenSignsIn(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"kk", "ru"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			data, sms := openStore(t), &inbox{}
			url, _ := registryThat(t, data, func(o *server.Options) { o.Messages = sms })
			const bob = "011399500107"
			people := []store.Resident{{IIN: alice, Name: "Alice", Phone: "+77010000001"}, {IIN: bob, Name: "Bob", Phone: "+77010000001"}}
			if err := data.LoadPeople(t.Context(), store.File{}, people, len(people)); err != nil {
				t.Fatal(err)
			}
			ctx := tab(t)
			phone(t, ctx)
			do(t, ctx, chromedp.Navigate(url+"/"))
			until(t, ctx, visible("iin-form"))
			do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
			keep(t, ctx, "signin-"+language)
			audit(t, ctx)
			do(t, ctx, chromedp.SetValue("#iin", "011399500019"), chromedp.Click("#iin-send"))
			until(t, ctx, `document.querySelector("#iin-error").textContent !== ""`)
			signsIn(t, ctx, sms, alice)

			// Another phone of the same person.
			var other server.CitizenAnswer
			office(t, url, server.PathCitizens, adminKey, server.CitizenRequest{IIN: alice}, &other)
			key := `{"code":"` + other.Code + `","key":"` + "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" + `","name":"Old phone"}`
			if got := eval[int](t, ctx, `fetch("/v1/activate", {method: "POST", body: %s}).then((r) => r.status)`, key); got != 204 {
				t.Fatalf("the other phone: %d", got)
			}
			until(t, ctx, visible("new-phone"))
			keep(t, ctx, "signin-new-phone-"+language)
			audit(t, ctx)
			do(t, ctx, chromedp.Click("#new-phone-look"))
			until(t, ctx, `document.querySelectorAll("#phones-list li").length === 2`)
			keep(t, ctx, "signin-phones-"+language)
			do(t, ctx, chromedp.Click("#phones-list button"), chromedp.Click("#phones-list button"))
			until(t, ctx, `document.querySelectorAll("#phones-list li").length === 1 && !(`+visible("new-phone")+`)`)

			// The family.
			do(t, ctx, chromedp.Click("#family summary"), chromedp.Click("#family-add"))
			signsIn(t, ctx, sms, bob)
			until(t, ctx, `document.querySelectorAll("#people button").length === 2`)
			childs := shown(t, ctx)
			do(t, ctx, chromedp.Click("#people button:first-child"))
			until(t, ctx, visible("pass")+" && "+shownCode+" !== undefined && "+shownCode+" !== %s", childs)
			if holderOf(t, shown(t, ctx)) == holderOf(t, childs) {
				t.Error("both have one pass")
			}
			keep(t, ctx, "signin-family-"+language)
			audit(t, ctx)

			do(t, ctx, chromedp.Click("#records summary"))
			until(t, ctx, `document.querySelectorAll("#records-list li").length === 1`)
			do(t, ctx, chromedp.Click("#remove summary"), chromedp.Click("#remove-yes"))
			until(t, ctx, `document.querySelector("#people").hidden && `+visible("pass"))
			do(t, ctx, chromedp.Click(".help a"))
			until(t, ctx, `document.querySelectorAll("#sections details").length >= 6`)
			eval[chromedp.Void](t, ctx, `document.querySelectorAll("details").forEach((part) => part.open = true)`)
			keep(t, ctx, "help-"+language)
			audit(t, ctx)
		})
	}
}

// Whoever reads the message finds the page loaded anew, because the phone was short of memory. The code is
// still good, and it is still another person's.
func TestSignInAfterReload(t *testing.T) {
	t.Parallel()
	data, sms := openStore(t), &inbox{}
	url, _ := registryThat(t, data, func(o *server.Options) { o.Messages = sms })
	const bob = "011399500107"
	people := []store.Resident{
		{IIN: alice, Name: "Alice", Phone: "+77010000001"}, {IIN: bob, Name: "Bob", Phone: "+77010000001"},
	}
	if err := data.LoadPeople(t.Context(), store.File{}, people, len(people)); err != nil {
		t.Fatal(err)
	}
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/"))
	for n, iin := range []string{alice, bob} {
		if n > 0 {
			do(t, ctx, chromedp.Click("#family summary"), chromedp.Click("#family-add"))
		}
		until(t, ctx, visible("iin-form"))
		do(t, ctx, chromedp.SetValue("#iin", iin), chromedp.Click("#iin-send"))
		until(t, ctx, visible("sent-form"))
		code := sms.code(t)
		do(t, ctx, chromedp.Reload())
		until(t, ctx, visible("sent-form"))
		do(t, ctx, chromedp.SetValue("#sent", code), chromedp.Click("#sent-go"))
		until(t, ctx, visible("pass")+` && document.querySelector("#status").dataset.fresh === "true"`)
		until(t, ctx, `Math.max(1, document.querySelectorAll("#people button").length) === %s`, n+1)
		do(t, ctx, chromedp.Reload())
		until(t, ctx, visible("pass")+` && !(`+visible("sent-form")+`)`)
	}
}
