package web_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// child is somebody else of the family: made up, with a right check digit.
const child = "011399500107"

// otherKey is the public key of another phone that is not here.
func otherKey(t *testing.T) string {
	t.Helper()
	key, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(key)
}

// home is a registry that sends codes, with a family that is registered, and records about alice.
type home struct {
	url     string
	options server.Options
	sms     *inbox
	lab     string // its key
	samples int
}

func newHome(t *testing.T) *home {
	t.Helper()
	data, sms := openStore(t), &inbox{}
	url, options := registryThat(t, data, func(o *server.Options) { o.Messages = sms })
	const number = "+77010000001"
	family := []store.Resident{{IIN: alice, Name: "Alice", Phone: number}, {IIN: child, Name: "Bob", Phone: number}}
	if err := data.LoadPeople(t.Context(), store.File{}, family, len(family)); err != nil {
		t.Fatal(err)
	}
	return &home{url: url, options: options, sms: sms, lab: newSource(t, url, "City laboratory 3", server.Laboratory)}
}

// tested enters a result of alice.
func (h *home) tested(t *testing.T, result string) {
	t.Helper()
	h.samples++
	body := server.ResultRequest{IIN: alice, Sample: fmt.Sprint("S-", h.samples), Result: result, Taken: time.Now()}
	post(t, h.url, server.PathResults, h.lab, body, nil)
}

// anotherPhone gives alice's pass to a phone that is not here.
func (h *home) anotherPhone(t *testing.T, name string) {
	t.Helper()
	var code server.CitizenAnswer
	post(t, h.url, server.PathCitizens, adminKey, server.CitizenRequest{IIN: alice}, &code)
	post(t, h.url, server.PathActivate, "", server.ActivateRequest{Code: code.Code, Key: otherKey(t), Name: name}, nil)
}

// TestCitizensLooks takes the page through what a citizen does, and looks at each state on a phone
// and on a desk, light and dark, with text of 16 and of 32 px.
func TestCitizensLooks(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(h.url+"/"))
	until(t, ctx, visible("iin-form"))
	eval[chromedp.Void](t, ctx, `document.querySelector("#have-code").open = true`)
	do(t, ctx, chromedp.SetValue("#iin", alice[:11]+"1"), chromedp.Click("#iin-send"))
	until(t, ctx, `document.querySelector("#iin-error").textContent !== ""`)
	inEveryLook(t, ctx, "sign-in")

	do(t, ctx, chromedp.SetValue("#iin", alice), chromedp.Click("#iin-send"))
	until(t, ctx, visible("sent-form"))
	code := h.sms.code(t)
	do(t, ctx, chromedp.SetValue("#sent", "000000"), chromedp.Click("#sent-go"))
	until(t, ctx, `document.querySelector("#sent-error").textContent !== ""`)
	inEveryLook(t, ctx, "sent")
	do(t, ctx, chromedp.SetValue("#sent", code), chromedp.Click("#sent-go"))
	until(t, ctx, visible("pass")+` && document.querySelector("#status").dataset.fresh === "true"`)

	h.tested(t, "inconclusive")
	h.tested(t, "negative")
	h.tested(t, "positive")
	withdrawn := server.Target{Sample: "S-3", Why: "Пробирка перепутана с соседней"}
	post(t, h.url, server.PathWithdraw, h.lab, withdrawn, nil)
	h.anotherPhone(t, "Android, Samsung")
	eval[chromedp.Void](t, ctx, `window.dispatchEvent(new Event("online"))`)
	until(t, ctx, visible("new-phone")+` && document.querySelector("#status").dataset.colour === "green"`)
	offerToInstall(t, ctx)
	eval[chromedp.Void](t, ctx, `document.querySelectorAll(".more details").forEach((part) => part.open = true)`)
	until(t, ctx, `document.querySelectorAll("#phones-list li").length === 2`)
	until(t, ctx, `document.querySelectorAll("#records-list li").length === 3`)
	do(t, ctx, chromedp.Click("#move-make"))
	until(t, ctx, visible("move-made"))
	inEveryLook(t, ctx, "everything")

	do(t, ctx, chromedp.SetValue("#family-name", "Айгерім"), chromedp.Click("#family-form button"))
	until(t, ctx, `!document.querySelector("#family").open`)
	do(t, ctx, chromedp.Click("#family summary"), chromedp.Click("#family-add"))
	until(t, ctx, visible("activation"))
	inEveryLook(t, ctx, "another-person")
	signsIn(t, ctx, h.sms, child)
	until(t, ctx, `document.querySelectorAll("#people button").length === 2`)
	inEveryLook(t, ctx, "family")

	do(t, ctx, chromedp.Click(".help a"))
	until(t, ctx, `document.querySelectorAll("#sections details").length >= 6`)
	eval[chromedp.Void](t, ctx, `document.querySelectorAll("details").forEach((part) => part.open = true)`)
	inEveryLook(t, ctx, "help")
}

// offerToInstall does what a browser does that can install the page, and waits for the hint.
func offerToInstall(t *testing.T, ctx context.Context) {
	t.Helper()
	eval[chromedp.Void](t, ctx, `(() => {
		const offer = new Event("beforeinstallprompt", { cancelable: true });
		offer.prompt = () => globalThis.prompted = true;
		dispatchEvent(offer);
	})()`)
	until(t, ctx, visible("install"))
}

// inEveryLook shows the page in each language on each screen: axe finds nothing, nothing scrolls
// sideways, and no word breaks.
func inEveryLook(t *testing.T, ctx context.Context, state string) {
	t.Helper()
	for _, language := range []string{"kk", "ru"} {
		eval[chromedp.Void](t, ctx, `for (const item of document.querySelectorAll(".plain-list li")) item.dataset.old = ""`)
		eval[chromedp.Void](t, ctx, `document.querySelector(%s).click()`, `[data-language="`+language+`"]`)
		until(t, ctx, `!document.querySelector("details[open] [data-old]")`) // fetched again in that language
		for _, look := range []struct {
			name                string
			width, height, text int64
			dark                bool
		}{
			{"phone", 390, 844, 16, false},
			{"phone-dark", 390, 844, 16, true},
			{"desktop", 1280, 900, 16, language == "ru"},
			{"phone-32px", 390, 844, 32, language == "kk"},
			{"small-32px", 360, 640, 32, false},
		} {
			what := fmt.Sprintf("citizen-%s-%s-%s", state, language, look.name)
			dark(t, ctx, look.dark)
			screen(t, ctx, look.width, look.height, 2)
			setText(t, ctx, look.text)
			for _, wrong := range eval[[]string](t, ctx, largeScript, fmt.Sprint(look.text, "px")) {
				t.Errorf("%s: %s", what, wrong)
			}
			if look.name == "phone-dark" {
				auditColours(t, ctx)
			} else {
				audit(t, ctx)
			}
			keepWhole(t, ctx, what, look.width, look.text)
		}
	}
	phone(t, ctx)
	setText(t, ctx, 16)
	dark(t, ctx, false)
}

func setText(t *testing.T, ctx context.Context, size int64) {
	t.Helper()
	sizes := &page.FontSizes{Standard: size, Fixed: size * 13 / 16} // a new screen forgets them
	call(t, ctx, page.SetFontSizes, page.SetFontSizesParams{FontSizes: sizes})
}

// keepWhole keeps a picture of the whole page with the text's size: on a screen as high as the page.
func keepWhole(t *testing.T, ctx context.Context, name string, width, text int64) {
	t.Helper()
	if os.Getenv("ASHYQ_SCREENSHOTS") == "" {
		return
	}
	screen(t, ctx, width, eval[int64](t, ctx, `document.documentElement.scrollHeight`), 1)
	setText(t, ctx, text)
	keepScreen(t, ctx, name)
}
