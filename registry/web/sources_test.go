package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
)

// press fills in a form, presses one of its buttons and waits for its result.
func press(t *testing.T, ctx context.Context, form, value string, fields map[string]string) string {
	t.Helper()
	for selector, value := range fields {
		do(t, ctx, chromedp.SetValue(selector, value))
	}
	button := form + ` button[value="` + value + `"]`
	eval[chromedp.Void](t, ctx, `document.querySelector(%s).className = ""`, form+" output")
	do(t, ctx, chromedp.Click(button))
	until(t, ctx, `["good", "error"].includes(document.querySelector(%s).className)`, form+" output")
	return eval[string](t, ctx, `document.querySelector(%s).innerText`, form+" output")
}

// A laboratory's key gets into wrong hands: the administrator sees it, stops it and decides on what
// waits, in Kazakh and in Russian.
func TestStolenKey(t *testing.T) {
	t.Parallel()
	for _, words := range []struct{ language, active, suspended, revoked, waits, approved, discarded, positive, refusedKey, unknownKey, revokedKey string }{
		{"kk", "Жұмыс істейді", "Тоқтатылған", "Кілттің күші жойылған", "есепке алынбайды", "Есепке алынған жазбалар: 1.", "Жойылған жазбалар: 1.", "Оң",
			"бұл кілт тоқтатылған", "белгісіз кілт", "бұл кілттің күші жойылған"},
		{"ru", "Действует", "Приостановлен", "Ключ отозван", "пока не учитывается", "Учтено записей: 1.", "Удалено записей: 1.", "Положительный",
			"этот ключ приостановлен", "неизвестный ключ", "этот ключ отозван"},
	} {
		t.Run(words.language, func(t *testing.T) {
			t.Parallel()
			url, _ := realRegistry(t)
			admin := tab(t)
			desktop(t, admin)
			do(t, admin, chromedp.Navigate(url+"/sources#key="+adminKey))
			until(t, admin, visible("inside"))
			do(t, admin, chromedp.Click(`[data-language="`+words.language+`"]`))
			send(t, admin, "#source-form", map[string]string{"#source-name": "Lab 3", "#source-kind": "laboratory"})
			link := values(t, admin, "#source-form")[1]
			source := map[string]string{"#source-key-name": "Lab 3"}
			shows := func(id, text string) {
				t.Helper()
				until(t, admin, `document.getElementById(%s).innerText.includes(%s)`, id, text)
			}
			shows("sources", words.active)
			send(t, admin, "#limit-form", map[string]string{"#limit-name": "Lab 3", "#limit-hourly": "0"})

			lab := tab(t)
			desktop(t, lab)
			sample := 0
			enter := func(link string, want ...string) {
				t.Helper()
				do(t, lab, chromedp.Navigate("about:blank"), chromedp.Navigate(link))
				until(t, lab, `document.body !== null && (`+visible("record-form")+` || `+visible("gate")+` || document.querySelector("#trouble").textContent !== "")`)
				if eval[bool](t, lab, visible("record-form")) {
					sample++
					enterResult(t, lab, fmt.Sprint("T-", sample), alice, "positive")
				}
				for _, text := range want {
					until(t, lab, `document.body.innerText.includes(%s)`, text)
				}
			}
			enter(link, words.waits)
			shows("waiting", "Lab 3\t"+alice+"\t"+words.positive)
			shows("sources", "1, ")
			keep(t, admin, "sources-waiting-"+words.language)
			decide := func(decision, want string) {
				t.Helper()
				do(t, admin, chromedp.Click("#decide-form [type=checkbox]"))
				if got := press(t, admin, "#decide-form", decision, map[string]string{"#decide-name": "Lab 3"}); got != want {
					t.Errorf("%s: %q, want %q", decision, got, want)
				}
			}
			decide("discard", words.discarded)
			until(t, admin, `document.getElementById("waiting-count").textContent === "0"`)
			enter(link, words.waits)
			shows("waiting", alice)
			decide("approve", words.approved)
			until(t, admin, `document.getElementById("waiting-count").textContent === "0"`)

			press(t, admin, "#source-key-form", "suspend", source)
			shows("sources", words.suspended)
			enter(link, words.refusedKey)
			press(t, admin, "#source-key-form", "resume", source)
			shows("sources", words.active)
			press(t, admin, "#source-key-form", "rotate", source)
			newLink := values(t, admin, "#source-key-form")[1]
			if newLink == link || !strings.Contains(newLink, "/lab#key="+server.NewKey()[:2]) {
				t.Errorf("the new link is %q", newLink)
			}
			enter(newLink, words.waits)
			enter(link, words.unknownKey)
			press(t, admin, "#source-key-form", "revoke", source)
			shows("sources", words.revoked)
			enter(newLink, words.revokedKey)
			keep(t, admin, "sources-revoked-"+words.language)
			phone(t, admin)
			if got := eval[float64](t, admin, "document.documentElement.scrollWidth"); got > 390 {
				t.Errorf("the page is %v px wide on a phone of 390 px", got)
			}
		})
	}
}
