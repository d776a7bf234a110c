package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// Whoever closes a page and leaves does not leave its contents to the next one, who presses the browser's
// back button.
func TestBackAfterClosing(t *testing.T) {
	t.Parallel()
	data := openStore(t)
	url, _ := registryOver(t, data)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/people"))
	until(t, ctx, visible("gate"))
	do(t, ctx, chromedp.SetValue("#key", adminKey), chromedp.Click("#key-form button"))
	until(t, ctx, visible("inside"))
	eval[chromedp.Void](t, ctx, `(document.querySelector("input[name=iin]").value = %s, undefined)`, alice)
	do(t, ctx, chromedp.Navigate(url+"/admin"))
	until(t, ctx, visible("forget"))
	do(t, ctx, chromedp.Click("#forget"))
	until(t, ctx, visible("gate"))
	eval[chromedp.Void](t, ctx, `(history.back(), undefined)`)
	until(t, ctx, `location.pathname === "/people" && document.readyState === "complete" && `+visible("gate"))
	if eval[bool](t, ctx, `document.querySelector("input[name=iin]").value !== ""`) {
		t.Error("the number that was typed is still there")
	}
}
