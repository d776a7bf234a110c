package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/web"
)

// axeCore is the source of axe-core as .ci/axe has fetched it.
var axeCore = sync.OnceValues(func() (string, error) {
	pinned, err := os.ReadFile(filepath.Join("testdata", "axe-core.txt"))
	if err != nil {
		return "", err
	}
	version, _, _ := strings.Cut(string(pinned), " ")
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(filepath.Join(cache, "ashyq-kiosk", "axe-core-"+version+".min.js"))
	return string(source), err
})

// audit has axe-core look at what the tab shows, and fails the test for each violation. Without
// axe-core it does nothing; TestAudit says so.
func audit(t *testing.T, ctx context.Context) {
	t.Helper()
	auditFor(t, ctx, `rules: { "label-content-name-mismatch": { enabled: true }, "target-size": { enabled: true } }`)
}

// auditColours is audit after nothing but the theme has changed: a theme is a table of colours.
func auditColours(t *testing.T, ctx context.Context) {
	t.Helper()
	auditFor(t, ctx, `runOnly: ["color-contrast", "link-in-text-block"]`)
}

func auditFor(t *testing.T, ctx context.Context, rules string) {
	t.Helper()
	source, err := axeCore()
	if err != nil {
		return
	}
	if !eval[bool](t, ctx, `"axe" in globalThis`) { // it is large: sending it takes longer than using it
		eval[chromedp.Void](t, ctx, `(() => {`+source+`})()`)
	}
	for _, violation := range eval[[]string](t, ctx, `axe.run(document, { resultTypes: ["violations"], preload: false, `+rules+`
	}).then(({ violations }) => violations.map(({ id, help, nodes }) =>
		id + ": " + help + ": " + nodes.map(({ html }) => html.slice(0, 200)).slice(0, 3).join(" ")))`) {
		t.Errorf("%s: axe: %s", eval[string](t, ctx, "location.pathname"), violation)
	}
}

// dark shows the page as on a device with a dark theme, or with a light one.
func dark(t *testing.T, ctx context.Context, on bool) {
	t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// TestAudit opens every page, closed and open, in Kazakh and Russian, light and dark, on a phone and
// on a desk.
func TestAudit(t *testing.T) {
	t.Parallel()
	if _, err := axeCore(); err != nil {
		t.Skipf("axe-core is not there, run make axe: %v", err)
	}
	url, _ := realRegistry(t)
	lab := newSource(t, url, "City laboratory 3", server.Laboratory)
	for i, iin := range []string{alice, bob} {
		body := server.ResultRequest{IIN: iin, Sample: fmt.Sprint("T-", i), Result: "positive", Taken: time.Now()}
		post(t, url, server.PathResults, lab, body, nil)
	}
	for _, name := range append([]string{""}, web.OfficePages()...) {
		t.Run("/"+name, func(t *testing.T) {
			t.Parallel()
			ctx := tab(t)
			desktop(t, ctx)
			do(t, ctx, chromedp.Navigate(url+"/"+name))
			inEachLook(t, ctx, "closed"+name)
			if name == "" {
				return
			}
			key := map[string]string{"lab": lab}[name]
			if key == "" {
				key = adminKey
			}
			do(t, ctx, chromedp.SendKeys("#key", key), chromedp.Click("#key-form .main"))
			until(t, ctx, visible("inside"))
			inEachLook(t, ctx, "open-"+name)
		})
	}
}

// inEachLook audits the page in each language, theme and width, and keeps pictures of it.
func inEachLook(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	for _, language := range []string{"kk", "ru"} {
		do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
		for _, on := range []bool{false, true} {
			dark(t, ctx, on)
			for width, show := range map[string]func(*testing.T, context.Context){"phone": phone, "desktop": desktop} {
				show(t, ctx)
				if on {
					auditColours(t, ctx)
				} else {
					audit(t, ctx)
				}
				if width == "phone" {
					fits(t, ctx, name)
				}
				if on == (language == "kk") {
					keep(t, ctx, strings.Join([]string{name, language, width}, "-"))
				}
			}
		}
	}
}
