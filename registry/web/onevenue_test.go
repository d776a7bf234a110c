package web_test

import (
	"reflect"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// A regional administrator enters a venue with the keyboard alone, is told of a mistyped BIN, and
// changes the venue later, also its name.
func TestOneVenueOnThePage(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"kk", "ru"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			url, options := realRegistry(t)
			var region server.AccountAnswer
			request := server.AccountRequest{Name: "Aru", Role: store.Regional, Region: "KZ-75"}
			post(t, url, server.PathAccounts, adminKey, request, &region)
			ctx := tab(t)
			desktop(t, ctx)
			do(t, ctx, chromedp.Navigate(url+"/places#key="+region.Key))
			until(t, ctx, visible("listing")+` && document.querySelector("#region").length === 1`)
			speak(t, ctx, language)
			tabTo(t, ctx, "#new-venue")
			keys(t, ctx, kb.Enter)
			focused(t, ctx, "#venue-name")
			if eval[bool](t, ctx, visible("keeps-names")) {
				t.Error("a new venue has no doors yet, and the form says what becomes of their names")
			}
			keys(t, ctx, "Dostyk", kb.Tab, "990140000008", kb.Tab)
			focused(t, ctx, "#venue-kind")
			eval[chromedp.Void](t, ctx, `(document.querySelector("#venue-kind").value = "cinema", undefined)`)
			tabTo(t, ctx, "#venue-address")
			keys(t, ctx, "Abai 12", kb.Enter)
			until(t, ctx, `document.querySelector("#venue-form output").className === "error"`)
			until(t, ctx, `document.querySelector("#venue-form output").textContent.includes(%s)`,
				map[string]string{"kk": "БСН", "ru": "БИН"}[language])
			inEachLook(t, ctx, "places-form")
			speak(t, ctx, language)
			desktop(t, ctx)
			tabTo(t, ctx, "#venue-bin")
			keys(t, ctx, kb.End, kb.Backspace, "7", kb.Tab)
			tabTo(t, ctx, "#venue-phone")
			keys(t, ctx, "8 701 000 00 00", kb.Tab, "250")
			tabTo(t, ctx, "#venue-entrances")
			keys(t, ctx, "North", kb.Enter, "South", kb.Tab, "West", kb.Tab, kb.Enter)
			until(t, ctx, visible("one")+` && document.querySelector("#one-name").textContent === "Dostyk" &&
				document.querySelector("#one-said").textContent !== ""`)
			want := store.Venue{ID: 1, BIN: "990140000007", Name: "Dostyk", Kind: "cinema", Region: "KZ-75", Zone: "green",
				Address: "Abai 12", Capacity: 250, Phone: "+77010000000", Entrances: []string{"North", "South"}, Exits: []string{"West"}}
			if got, err := options.Store.VenueOf(t.Context(), 1); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("stored is %+v, %v, want %+v", got, err, want)
			}

			tabTo(t, ctx, "#one-change")
			keys(t, ctx, kb.Enter)
			focused(t, ctx, "#venue-name")
			until(t, ctx, `document.querySelector("#venue-entrances").value === "North\nSouth" &&
				document.querySelector("#venue-kind").value === "cinema"`)
			until(t, ctx, visible("keeps-names")+` && document.querySelector("#keeps-names").textContent.includes(%s)`,
				map[string]string{"kk": "атауы өзгермейді", "ru": "Названия дверей не изменятся"}[language])
			keys(t, ctx, kb.End, " 2", kb.Enter)
			until(t, ctx, visible("one")+` && document.querySelector("#one-name").textContent === "Dostyk 2"`)
			want.Name = "Dostyk 2"
			if got, err := options.Store.VenueOf(t.Context(), 1); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("changed to %+v, %v, want %+v", got, err, want)
			}
			audit(t, ctx)
			do(t, ctx, chromedp.Click("#back"))
			until(t, ctx, visible("listing")+` && document.querySelector("#venues").innerText.includes("Dostyk 2")`)
		})
	}
}
