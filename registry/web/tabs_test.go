package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
)

// What one tab changes does not undo what another one has changed: a pass that is lost cannot be had
// again.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	first, second := tab(t), tab(t)
	activated(t, r, first)
	phone(t, second)
	do(t, second, chromedp.Navigate(r.url()+"/"))
	until(t, second, visible("pass"))
	do(t, second, chromedp.Click("#family summary"), chromedp.Click("#family-add"))
	until(t, second, visible("activation")+` && document.querySelector("#have-code").open`)
	do(t, second, chromedp.SetValue("#code", oneTimeCode+"2"), chromedp.Click("#activate"))
	until(t, second, `document.querySelectorAll("#people button").length === 2`)

	// The first tab does not know of the child.
	do(t, first, chromedp.Click("#family summary"), chromedp.SetValue("#family-name", "Ainur"), chromedp.Click("#family-form button"))
	until(t, first, `document.querySelector("#people").textContent.includes("Ainur")`)
	do(t, second, chromedp.Reload())
	until(t, second, visible("pass")+` && document.querySelectorAll("#people button").length === 2`)

	// What one has removed does not come back through the other one.
	do(t, second, chromedp.Click("#people button:first-child"))
	until(t, second, `document.querySelector("#people button:first-child").getAttribute("aria-pressed") === "true"`)
	r.set(func(r *registry) { r.status = server.SelfAnswer{Status: "invalid"} })
	do(t, second, chromedp.Reload())
	until(t, second, visible("ended-forget"))
	do(t, second, chromedp.Click("#ended-forget"))
	until(t, second, `document.querySelector("#people").hidden`)
	r.set(func(r *registry) { r.status = server.SelfAnswer{Status: "green", Colour: "green"} })
	do(t, first, chromedp.Click("#family summary"), chromedp.SetValue("#family-name", "Bota"),
		chromedp.Click("#family-form button"))
	until(t, first, `document.querySelector("#people").hidden && `+visible("pass"))
	do(t, second, chromedp.Reload())
	until(t, second, visible("pass")+` && document.querySelector("#people").hidden`)
}
