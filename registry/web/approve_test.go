package web_test

import (
	"errors"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/store"
)

// The administrator sees which door asks to renew an expired certificate, and approves it with one
// press.
func TestApproveRenewal(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	certificate := store.Certificate{Print: store.SecretOf("certificate"), Until: time.Now().Add(-time.Hour)}
	give := func(d store.Door) (store.Certificate, error) { certificate.Door = d.ID; return certificate, nil }
	token, now := store.SecretOf("token"), time.Now()
	doors := []store.Door{{Name: "North gate", Venue: "shop", Zone: "green", Ring: "all"}}
	if err := options.Store.PutTokens(t.Context(), doors, []store.Secret{token}, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := options.Store.Enrol(t.Context(), token, store.Enrollee{Device: "00112233aabbccdd", Key: token, SealKey: make([]byte, 32)}, now, give); err != nil {
		t.Fatal(err)
	}
	renew := func() error { return options.Store.Renew(t.Context(), certificate, "00112233aabbccdd", now, give) }
	if err := renew(); !errors.Is(err, store.ErrUnapproved) {
		t.Fatal(err)
	}
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/doors#key="+adminKey))
	until(t, ctx, `document.querySelector("#doors").innerText.includes("Asks to renew since")`)
	eval[chromedp.Void](t, ctx, `window.confirm = (text) => text.includes("North gate")`)
	do(t, ctx, chromedp.Click(`[data-approve="North gate"]`))
	until(t, ctx, `document.querySelector("#doors").innerText.includes("Renewal approved")`)
	if err := renew(); err != nil {
		t.Error(err)
	}
	said := store.Said{Version: "1", Venue: "pharmacy", Zone: "red", Config: "00112233aabbccdd"}
	if _, err := options.Store.DoorBy(t.Context(), certificate, "00112233aabbccdd", said, now); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector("#doors").innerText.includes("The door decides otherwise: Pharmacy, zone: Red")`)
	until(t, ctx, `!document.querySelector("#doors").innerText.includes("Renewal")`)
	if eval[bool](t, ctx, `document.querySelector("#doors").innerText.includes("not yet")`) {
		t.Error("an enrolled door is called not yet enrolled")
	}
}
