package web_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// A national administrator gives a colleague an account of one region. The colleague finds the pages
// for it and no others. Then the account is revoked, and its key opens nothing.
func TestAccountsPage(t *testing.T) {
	t.Parallel()
	for _, words := range []struct{ language, region, active, ended string }{
		{"kk", "Алматы", "Жұмыс істейді", "Аяқталған уақыты"},
		{"ru", "Алматы", "Действует", "Прекращена"},
	} {
		t.Run(words.language, func(t *testing.T) {
			t.Parallel()
			url, options := realRegistry(t)
			err := options.Store.PutVenues(t.Context(), []store.Venue{
				{BIN: "990140000007", Name: "Алатау", Kind: "shop", Region: "KZ-75", Zone: "green"}})
			if err != nil {
				t.Fatal(err)
			}
			admin := tab(t)
			desktop(t, admin)
			do(t, admin, chromedp.Navigate(url+"/accounts#key="+adminKey))
			until(t, admin, visible("inside"))
			do(t, admin, chromedp.Click(`[data-language="`+words.language+`"]`))
			until(t, admin, `document.querySelector("#account-region option[value=KZ-75]") !== null`)
			send(t, admin, "#account-form", map[string]string{"#account-name": "Aru", "#account-role": "regional", "#account-region": "KZ-75"})
			key := values(t, admin, "#account-form")[0]
			row := "Aru\t" + eval[string](t, admin, `document.querySelector("#account-role option[value=regional]").textContent`) + "\t" + words.region
			until(t, admin, `document.getElementById("accounts").innerText.includes(%s)`, row)
			until(t, admin, `document.getElementById("accounts").innerText.includes(%s)`, words.active)
			audit(t, admin)
			keep(t, admin, "accounts-"+words.language)

			colleague := tab(t)
			desktop(t, colleague)
			do(t, colleague, chromedp.Navigate(url+"/admin#key="+key))
			until(t, colleague, visible("pages"))
			const shown = `[...document.querySelectorAll("#pages a")].filter((a) => !a.hidden).map((a) => a.getAttribute("href")).join(" ")`
			if got := eval[string](t, colleague, shown); got != "/admin /places /alerts /accounts" {
				t.Errorf("a regional administrator finds %s", got)
			}

			ownerOfTheRegion(t, colleague, url, words.region)

			do(t, admin, chromedp.Click("#revoke-account-form [type=checkbox]"),
				chromedp.SetValue("#revoke-account-id", "1"), chromedp.Click("#revoke-account-form button.main"))
			until(t, admin, `document.getElementById("accounts").innerText.includes(%s)`, words.ended)
			if code := statusOf(t, url+server.PathMe, key); code != http.StatusUnauthorized {
				t.Errorf("the key of a revoked account gets %d", code)
			}
		})
	}
}

// ownerOfTheRegion has a regional administrator give the owner of a venue an account, by keyboard.
func ownerOfTheRegion(t *testing.T, ctx context.Context, url, region string) {
	t.Helper()
	do(t, ctx, chromedp.Click(`#pages a[href="/accounts"]`))
	until(t, ctx, `document.querySelector("#account-role")?.options.length === 1 && `+visible("bin-field"))
	tabTo(t, ctx, "#account-name")
	keys(t, ctx, "Owner", "\t", "\t", "990140000017", "\r")
	until(t, ctx, `document.querySelector("#account-form output").className === "error"`)
	eval[chromedp.Void](t, ctx, `(document.querySelector("#account-bin").value = "", undefined)`)
	tabTo(t, ctx, "#account-bin")
	keys(t, ctx, "990140000007", "\r")
	until(t, ctx, `document.querySelector("#account-form output").className === "good"`)
	key := values(t, ctx, "#account-form")[0]
	until(t, ctx, `document.getElementById("accounts").innerText.includes(%s)`, "990140000007, "+region)
	audit(t, ctx)
	keep(t, ctx, "accounts-regional-"+eval[string](t, ctx, `document.documentElement.lang`))
	if code := statusOf(t, url+server.PathOwn, key); code != http.StatusOK {
		t.Errorf("the owner's key gets %d", code)
	}
}

// Venues begin a session for each shift, far more than a page lists. The administrators stay in sight, and
// whoever chooses somebody to revoke does not get somebody else when the chosen one ends meanwhile.
func TestManyAccounts(t *testing.T) {
	t.Parallel()
	data := openStore(t)
	url, _ := registryOver(t, data)
	if err := data.PutVenues(t.Context(), []store.Venue{{BIN: "990140000007", Name: "Shop", Kind: "shop", Region: "KZ-75", Zone: "green"}}); err != nil {
		t.Fatal(err)
	}
	venues, err := data.Venues(t.Context(), "", nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	add := func(a store.Account) int64 {
		t.Helper()
		id, err := data.AddAccount(t.Context(), a, store.SecretOf(server.NewKey()), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	add(store.Account{Name: "Aigerim", Role: store.National})
	var last int64
	for n := range 501 {
		last = add(store.Account{Name: fmt.Sprint("Shift ", n), Role: store.Staff, Venue: venues[0].ID, Expires: time.Now().Add(time.Hour)})
	}
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/accounts#key="+adminKey))
	until(t, ctx, `document.getElementById("accounts").innerText.includes("Aigerim")`)
	choose := func(role string) {
		t.Helper()
		eval[chromedp.Void](t, ctx, `(document.querySelector("#list-role").value = %s,
			document.querySelector("#list-role").dispatchEvent(new Event("change")), undefined)`, role)
	}
	choose("staff")
	until(t, ctx, `document.getElementById("accounts").innerText.includes("Shift 500")`)
	do(t, ctx, chromedp.Click("#older"))
	until(t, ctx, `document.querySelectorAll("#accounts tr").length === 1 && document.getElementById("accounts").innerText.includes("Shift 0")`)
	do(t, ctx, chromedp.Click("#newest"))
	until(t, ctx, `document.getElementById("accounts").innerText.includes("Shift 500")`)

	eval[chromedp.Void](t, ctx, `(document.querySelector("#revoke-account-id").value = %s, undefined)`, fmt.Sprint(last))
	if err := data.RevokeAccount(t.Context(), last, time.Now()); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector("#accounts tr").innerText.includes("Ended")`)
	if got := eval[string](t, ctx, `document.querySelector("#revoke-account-id").value`); got != "" {
		t.Errorf("now %s would be revoked", got)
	}
	audit(t, ctx)
}

// statusOf asks with a key.
func statusOf(t *testing.T, url, key string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
