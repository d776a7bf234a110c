package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// cutOff takes the network from a tab, or gives it back. The service worker answers all the same.
func cutOff(t *testing.T, ctx context.Context, off bool) {
	t.Helper()
	without := []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}}
	call(t, ctx, network.EmulateNetworkConditionsByRule,
		network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: without})
	call(t, ctx, network.OverrideNetworkState,
		network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1})
}

// says waits until an element says something in Kazakh, and then the same in Russian.
func says(t *testing.T, ctx context.Context, id, kk, ru string) {
	t.Helper()
	for language, words := range map[string]string{"kk": kk, "ru": ru} {
		eval[chromedp.Void](t, ctx, `document.querySelector(%s).click()`, `[data-language="`+language+`"]`)
		until(t, ctx, visible(id)+` && document.getElementById(%s).textContent.includes(%s)`, id, words)
	}
}

// TestCitizenWithoutNetwork opens the page without a network before there is a pass, and again with
// one: each part says what to do, and the next time the network is there it works.
func TestCitizenWithoutNetwork(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(h.url+"/"))
	until(t, ctx, visible("iin-form")+` && !(`+visible("unreached")+`)`)
	until(t, ctx, `navigator.serviceWorker.controller !== null`)
	cutOff(t, ctx, true)
	do(t, ctx, chromedp.Reload())
	says(t, ctx, "unreached", "интернетке қосылыңыз", "подключитесь к интернету")
	inEveryLook(t, ctx, "first-start-offline")
	do(t, ctx, chromedp.SetValue("#iin", alice), chromedp.Click("#iin-send"))
	says(t, ctx, "iin-error", "Интернетке қосылып", "Подключитесь к интернету")
	do(t, ctx, chromedp.Click(".help a"))
	until(t, ctx, `document.querySelectorAll("#sections details").length >= 6`)
	do(t, ctx, chromedp.Click(`.help a[href="/"]`))
	until(t, ctx, visible("iin-form"))
	cutOff(t, ctx, false)
	until(t, ctx, `!(`+visible("unreached")+`)`)

	signsIn(t, ctx, h.sms, alice)
	h.tested(t, "positive")
	until(t, ctx, `document.querySelector("#status").dataset.colour === "red"`)
	cutOff(t, ctx, true)
	until(t, ctx, `document.querySelector("#status").dataset.fresh === "false"`)
	eval[chromedp.Void](t, ctx, `document.querySelectorAll("#pass details").forEach((part) => part.open = true)`)
	do(t, ctx, chromedp.SetValue("#dispute-why", "Не я"), chromedp.Click("#dispute-send"))
	do(t, ctx, chromedp.Click("#remove-yes"))
	for _, id := range []string{"records-error", "phones-error", "remove-error", "dispute-error"} {
		says(t, ctx, id, "Интернетке қосылып", "Подключитесь к интернету")
	}
	do(t, ctx, chromedp.Click("#move-make"))
	says(t, ctx, "move-error", "Интернетке қосылып", "Подключитесь к интернету")
	says(t, ctx, "note", "QR код желісіз де", "QR-код работает и без")
	inEveryLook(t, ctx, "offline")
	if !eval[bool](t, ctx, visible("pass")+" && "+shownCode+" !== undefined") {
		t.Error("the code is gone")
	}
	cutOff(t, ctx, false)
	until(t, ctx, `document.querySelector("#status").dataset.fresh === "true"`)
}

// TestClearedStorage: a browser that has deleted the pass says how to go on, and the way works.
func TestClearedStorage(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(h.url+"/"))
	signsIn(t, ctx, h.sms, alice)
	call(t, ctx, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: h.url, StorageTypes: "all"})
	do(t, ctx, chromedp.Reload())
	says(t, ctx, "cleared", "Қайта кіріңіз", "Войдите снова")
	signsIn(t, ctx, h.sms, alice)
	do(t, ctx, chromedp.Click("#phones summary"))
	until(t, ctx, `document.querySelectorAll("#phones-list li").length === 2`)
	do(t, ctx, chromedp.Click("#phones-list button"), chromedp.Click("#phones-list button"))
	until(t, ctx, `document.querySelectorAll("#phones-list li").length === 1`)
}

// TestBrowsersThatCannot opens both pages in browsers without what they need: each says what to do.
func TestBrowsersThatCannot(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for name, c := range map[string]struct{ script, kk, ru string }{
		"keys": {`SubtleCrypto.prototype.generateKey = () => Promise.reject(new DOMException("no", "NotSupportedError"))`,
			"жаңартыңыз", "Обновите"},
		"storage": {`globalThis.Date = Object.getPrototypeOf(Date); // the test's clock needs a storage
			Object.defineProperty(globalThis, "localStorage", { get() { throw new DOMException("no", "SecurityError") } });
			IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError") }`,
			"дерек сақтауға рұқсат беріңіз", "разрешите в настройках"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := tab(t)
			call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: c.script})
			phone(t, ctx)
			do(t, ctx, chromedp.Navigate(h.url+"/"))
			says(t, ctx, "problem", c.kk, c.ru)
			inEveryLook(t, ctx, "without-"+name)
			do(t, ctx, chromedp.Click(".help a"))
			until(t, ctx, `document.querySelectorAll("#sections details").length >= 6`)
		})
	}
	for _, path := range []string{"/", "/help"} {
		t.Run("too old "+path, func(t *testing.T) { // as where a module's syntax is not known
			t.Parallel()
			ctx := tab(t)
			call(t, ctx, network.Enable, network.EnableParams{})
			blocked := []*network.BlockPattern{{URLPattern: h.url + "/static/*/js/*", Block: true}}
			call(t, ctx, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: blocked})
			saysInAll(t, ctx, h.url+path, "#starting", "жаңартыңыз", "Обновите")
		})
		t.Run("without scripts "+path, func(t *testing.T) {
			t.Parallel()
			ctx := tab(t)
			call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			saysInAll(t, ctx, h.url+path, "noscript", "JavaScript", "Включите")
		})
	}
}

// saysInAll is says where no script of the page runs, so that nothing can wait in it: once for all
// languages, with text of 32 px.
func saysInAll(t *testing.T, ctx context.Context, url, selector, kk, ru string) {
	t.Helper()
	phone(t, ctx)
	setText(t, ctx, 32)
	do(t, ctx, chromedp.Navigate(url))
	for language, words := range map[string]string{"kk": kk, "ru": ru} {
		part := selector + " [lang=" + language + "]"
		for deadline := time.Now().Add(patience); !eval[bool](t, ctx, `(() => {
			const part = document.querySelector(%s);
			return Boolean(part?.checkVisibility({ opacityProperty: true }) && part.innerText.includes(%s));
		})()`, part, words); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s %s does not say %q", url, part, words)
			}
		}
	}
	if across := eval[int](t, ctx, `document.documentElement.scrollWidth`); across > 390 {
		t.Errorf("%s is %d px wide", url, across)
	}
	keepScreen(t, ctx, "citizen-"+strings.Trim(selector, "#")+"-"+url[strings.LastIndex(url, "/")+1:])
}

// TestInstallHint: the page offers to be installed where the browser can do it, and says where on an
// iPhone. The browser's own offer comes when it likes, so the test keeps it back.
func TestInstallHint(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ctx := tab(t)
	call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `addEventListener("beforeinstallprompt", (offer) => offer.isTrusted && offer.stopImmediatePropagation())`,
	})
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(h.url+"/"))
	signsIn(t, ctx, h.sms, alice)
	if eval[bool](t, ctx, visible("install")) {
		t.Error("the page offers what the browser cannot do")
	}
	offerToInstall(t, ctx)
	do(t, ctx, chromedp.Click("#install summary"), chromedp.Click("#install-yes"))
	until(t, ctx, `globalThis.prompted === true && !(`+visible("install-apple")+`)`)
	eval[chromedp.Void](t, ctx, `dispatchEvent(new Event("appinstalled"))`)
	until(t, ctx, `!(`+visible("install")+`)`)

	agent := "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
	call(t, ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent})
	do(t, ctx, chromedp.Reload())
	until(t, ctx, visible("install"))
	do(t, ctx, chromedp.Click("#install summary"))
	says(t, ctx, "install-apple", "«Басты экранға қосу»", "«На экран Домой»")
	if eval[bool](t, ctx, visible("install-yes")) {
		t.Error("an iPhone has no button for that")
	}
}
