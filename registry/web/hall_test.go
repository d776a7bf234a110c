package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// The owner and the administrators see the people inside and what the staff have checked, and say when
// everybody has left: the owner by keyboard.
func TestPeopleInside(t *testing.T) {
	t.Parallel()
	data := openStore(t)
	url, _ := registryOver(t, data)
	ctx := t.Context()
	venue := store.Venue{BIN: "990140000007", Name: "Абай театры", Kind: "theatre", Region: "KZ-75", Zone: "green",
		Address: "Абай даңғылы, 1", Capacity: 500}
	if err := data.PutVenues(ctx, []store.Venue{venue}); err != nil {
		t.Fatal(err)
	}
	if _, err := data.SetHall(ctx, 1, 217, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"admitted/green", "admitted/blue", "turned-back/red"} {
		if err := data.AddCheck(ctx, 1, name, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var owner server.AccountAnswer
	request := server.AccountRequest{Name: "Aru", Role: store.Owner, BIN: venue.BIN}
	post(t, url, server.PathAccounts, adminKey, request, &owner)
	empties := func() int64 {
		t.Helper()
		hall, err := data.HallOf(ctx, 1, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return hall.Empties
	}
	says := func() string { return eval[string](t, ctx, `document.querySelector("#hall").innerText`) }

	ctx = tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/venue#key="+owner.Key))
	until(t, ctx, visible("mine")+` && document.querySelector("[data-venue]") !== null`)
	language(t, ctx, "en")
	do(t, ctx, chromedp.Click("[data-venue]"))
	until(t, ctx, visible("hall")+` && document.querySelector("#hall-inside").textContent === "217" &&
		document.querySelector("#empties").value === "04:00"`)
	for _, want := range []string{"217 inside; capacity: 500", "staff's phones in 24 h: 3, turned back: 1"} {
		if got := says(); !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
	inEachLook(t, ctx, "venue-hall")
	language(t, ctx, "en")
	desktop(t, ctx)
	tabTo(t, ctx, "#empties")
	keys(t, ctx, "1130PM", "\r")
	until(t, ctx, `document.querySelector("#empties-form output").textContent === "Saved."`)
	if got := empties(); got != 23*60+30 {
		t.Errorf("the venue is empty at minute %d", got)
	}
	tabTo(t, ctx, "#never-empty")
	keys(t, ctx, " ", "\t", "\r")
	until(t, ctx, `document.querySelector("#empties").disabled && document.querySelector("#empties").value === ""`)
	if got := empties(); got != -1 {
		t.Errorf("the venue is empty at minute %d", got)
	}

	do(t, ctx, chromedp.Navigate(url+"/admin#key="+adminKey))
	until(t, ctx, `document.querySelector("#regions .card") !== null`)
	eval[chromedp.Void](t, ctx, `location.hash = "venue=1"`)
	until(t, ctx, visible("hall")+` && document.querySelector("#hall-inside").textContent === "217" &&
		document.querySelector("#never-empty").checked`)
	inEachLook(t, ctx, "admin-hall")
	desktop(t, ctx)
	do(t, ctx, chromedp.Click("#never-empty"), chromedp.SetValue("#empties", "05:15"),
		chromedp.Click("#empties-form .main"))
	until(t, ctx, `document.querySelector("#empties-form output").className === "good"`)
	if got := empties(); got != 5*60+15 {
		t.Errorf("the venue is empty at minute %d", got)
	}
}
