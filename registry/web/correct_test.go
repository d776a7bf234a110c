package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// The administrator corrects a laboratory's record without a mouse: a negative one becomes positive
// only with the IIN, and the history tells both.
func TestAdministratorCorrects(t *testing.T) {
	t.Parallel()
	for _, words := range []struct {
		language           string
		screen             func(*testing.T, context.Context)
		positive, negative string
		corrected          string
	}{
		{"kk", phone, "Оң", "Теріс", "түзетілді"}, {"ru", desktop, "Положительный", "Отрицательный", "исправлена"},
	} {
		t.Run(words.language, func(t *testing.T) {
			t.Parallel()
			url, _ := realRegistry(t)
			lab := newSource(t, url, "City laboratory 3", server.Laboratory)
			body := server.ResultRequest{IIN: alice, Sample: "A-17", Result: "negative", Taken: time.Now()}
			post(t, url, server.PathResults, lab, body, nil)
			admin := tab(t)
			words.screen(t, admin)
			do(t, admin, chromedp.Navigate(url+"/records#key="+adminKey))
			until(t, admin, visible("inside"))
			language(t, admin, words.language)
			tabTo(t, admin, "#person-iin")
			keys(t, admin, alice+kb.Enter)
			until(t, admin, `document.querySelectorAll("#person .record").length === 1`)
			tabTo(t, admin, "#person summary")
			keys(t, admin, kb.Enter)
			tabTo(t, admin, `#person select`)
			keys(t, admin, words.positive[:2])
			until(t, admin, `document.querySelector("#person select").value === "positive"`)
			tabTo(t, admin, `#person details [name="why"]`)
			keys(t, admin, "x"+kb.Enter)
			if !eval[bool](t, admin, `document.querySelector('#person [name="iin"]').matches(":invalid")`) {
				t.Error("somebody becomes red without a second IIN")
			}
			audit(t, admin)
			if words.language == "kk" {
				fits(t, admin, "/records")
			}
			keep(t, admin, "records-correct-"+words.language)
			eval[chromedp.Void](t, admin, `document.querySelector('#person [name="iin"]').focus()`)
			keys(t, admin, alice+kb.Enter)
			until(t, admin, `document.querySelectorAll("#person .record").length === 2`)
			text := eval[string](t, admin, `document.querySelector("#person").innerText`)
			for _, want := range []string{words.positive, words.negative, words.corrected} {
				if !strings.Contains(text, want) {
					t.Errorf("the history does not say %q:\n%s", want, text)
				}
			}
			var kept []store.Kept
			post(t, url, server.PathHistory, adminKey, server.CitizenRequest{IIN: alice}, &kept)
			if len(kept) != 2 || kept[0].Kind == kept[1].Kind {
				t.Errorf("the registry has %+v", kept)
			}
		})
	}
}

// A source's region is chosen when it is created, and shown in the language of the page.
func TestRegionOfSource(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/sources#key="+adminKey))
	until(t, ctx, `document.querySelectorAll("#source-region option").length === 21`)
	send(t, ctx, "#source-form", map[string]string{"#source-name": "Lab 3", "#source-region": "KZ-75"})
	send(t, ctx, "#source-form", map[string]string{"#source-name": "Portal", "#source-kind": "pcr-portal"})
	for name, want := range map[string]string{
		"kk": "Lab 3|Зертхана|Алматы;Portal|ПТР порталы|Бүкіл ел", "ru": "Lab 3|Лаборатория|Алматы;Portal|Портал ПЦР-исследований|Вся страна",
		"en": "Lab 3|Laboratory|Almaty;Portal|PCR portal|The whole country",
	} {
		language(t, ctx, name)
		until(t, ctx, `[...document.querySelectorAll("#sources tr")].map((row) => [...row.children].slice(0, 3).map((cell) => cell.textContent).join("|")).join(";") === %s`, want)
		fits(t, ctx, "/sources")
	}
	keep(t, ctx, "sources-region")
}
