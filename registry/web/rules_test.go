package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/server"
)

// The administrator reads the rules that were sent, byte for byte, in each language and on a phone.
func TestRulesCanBeRead(t *testing.T) {
	url, _ := realRegistry(t)
	document := string(kiosk.DefaultRulesJSON()) + "\n \n"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+server.PathRules+"?changes=1&why=test&alone=1", strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("send the rules: %v, %v", answer, err)
	}
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/rules#key="+adminKey))
	until(t, ctx, visible("inside"))
	for language, want := range map[string]string{"kk": "Жарияланған:", "ru": "Опубликованы:", "en": "Published:"} {
		do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
		until(t, ctx, `(() => {
			const button = document.querySelector("#rules-form .main");
			if (document.querySelector("#rules-form output").innerText.startsWith(%s)) return true;
			if (!button.disabled) button.click();
		})()`, want)
		if got := values(t, ctx, "#rules-form"); len(got) != 1 || got[0] != document {
			t.Errorf("%s: the page shows %q", language, got)
		}
	}
	phone(t, ctx)
	if got := eval[float64](t, ctx, "document.documentElement.scrollWidth"); got > 390 {
		t.Errorf("with the rules the page is %v px wide on a phone of 390 px", got)
	}
	eval[chromedp.Void](t, ctx, `document.querySelector("#rules-form").scrollIntoView()`)
	keepScreen(t, ctx, "rules-phone")
}
