package web_test

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// TestHoursAreTheCountrys reads what doors counted by the hour in browsers that are elsewhere: the
// hours are Kazakhstan's.
func TestHoursAreTheCountrys(t *testing.T) {
	t.Parallel()
	data := openStore(t)
	url, _ := registryOver(t, data)
	country := time.FixedZone("+05", 5*60*60)
	venue := store.Venue{BIN: "990140000007", Name: "Алатау", Kind: "shop", Region: "KZ-75", Zone: "green"}
	if err := data.PutVenues(t.Context(), []store.Venue{venue}); err != nil {
		t.Fatal(err)
	}
	door := store.Door{Name: "Алатау", Place: 1, Venue: "shop", Zone: "green", Ring: "all"}
	if err := data.PutTokens(t.Context(), []store.Door{door}, []store.Secret{{}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	counted := time.Now().Add(-26 * time.Hour).Truncate(time.Hour) // of another day: that has to be right, too
	err := data.AddCounts(t.Context(), 1, "1", counted, map[string]uint64{"admitted/green": 7}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var owner server.AccountAnswer
	request := server.AccountRequest{Name: "Aru", Role: store.Owner, BIN: venue.BIN}
	post(t, url, server.PathAccounts, adminKey, request, &owner)
	for _, zone := range []string{"America/New_York", "Asia/Tokyo"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			ctx := tab(t)
			desktop(t, ctx)
			call(t, ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
			do(t, ctx, chromedp.Navigate(url+"/admin#key="+adminKey))
			now := time.Now().In(country) // the hour may end meanwhile
			until(t, ctx, `[%s, %s].includes(document.querySelector("#chart-rows tr:last-child td")?.textContent)`,
				now.Format("15:00"), now.Add(time.Hour).Format("15:00"))
			until(t, ctx, `document.querySelector("#chart .axis :last-child").textContent ===
				document.querySelector("#chart-rows tr:last-child td").textContent`)

			do(t, ctx, chromedp.Navigate(url+"/venue#key="+owner.Key))
			until(t, ctx, visible("mine")+` && document.querySelector("[data-venue]") !== null`)
			language(t, ctx, "ru")
			do(t, ctx, chromedp.Click("[data-venue]"))
			until(t, ctx, `document.querySelector("#hours td")?.textContent === %s`,
				counted.In(country).Format("02.01.2006, 15:04"))
		})
	}
}
