package web_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// fleetStore is a database with so many doors of so many venues in eight regions. Each tenth door is
// silent, one in fifty had too little voltage before; doors 1 of each venue counted.
func fleetStore(t *testing.T, venues, doors int) *store.Store {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fleet.db")
	data, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().Unix()
	for _, statement := range []string{
		`INSERT INTO regions (code, kk, ru, en) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8)
			SELECT 'KZ-7' || i, 'Қалыпты өңір ' || i, 'Область ' || i, 'Region ' || i FROM n`,
		fmt.Sprintf(`INSERT INTO venues (bin, name, kind, region, zone, address, phone, entrances, exits)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT '990140000007', 'Дүкен «Алатау» ' || i, 'shop', 'KZ-7' || (i %% 8 + 1), 'green', 'Абай даңғылы, ' || i,
				'+7727' || (1000000 + i), '', '' FROM n`, venues),
		fmt.Sprintf(`INSERT INTO doors (name, place, venue, zone, way, ring, seen, device, troubles, health, health_at)
			WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d - 1)
			SELECT 'Алатау ' || i, i %% %d + 1, 'shop', 'green', 'entry', 'all',
			CASE WHEN i %% 11 = 5 THEN NULL WHEN i %% 10 = 3 THEN %d - 9000 ELSE %d - 60 END, 'board',
			CASE WHEN i %% 50 = 3 THEN 'undervoltage' WHEN i %% 97 = 1 THEN 'tamper' ELSE '' END,
			CASE WHEN i %% 50 = 3 THEN '{"board":"Raspberry Pi 4 Model B","undervoltage":"past"}' END, %d FROM n`, doors, venues, now, now, now),
		`INSERT INTO people (region, status, slot, n) SELECT code, 0, 0, 100000 FROM regions UNION ALL SELECT code, 14, 0, 22000 FROM regions
			UNION ALL SELECT code, 13, 0, 2500 FROM regions UNION ALL SELECT code, 12, 0, 500 FROM regions`,
		fmt.Sprintf(`INSERT INTO venue_counts (venue, hour, name, n) WITH RECURSIVE h(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM h WHERE i < 24),
			c(name, n) AS (VALUES ('admitted/green', 40), ('admitted/blue', 25), ('turned-back/red', 3),
				('admitted-here/yellow', 9), ('code-problem/none', 4))
			SELECT venues.id, (%d / 3600 - h.i) * 3600, c.name, c.n * (24 - ABS(h.i - 9)) / 24 FROM venues, h, c`, now),
		`INSERT INTO region_counts (region, hour, name, n) SELECT region, hour, venue_counts.name, SUM(n)
			FROM venue_counts JOIN venues ON venues.id = venue GROUP BY 1, 2, 3`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// click counts what the administrator clicks on.
type clicks struct {
	t   *testing.T
	ctx context.Context
	n   int
}

func (c *clicks) on(selector string) {
	c.t.Helper()
	do(c.t, c.ctx, chromedp.Click(selector))
	c.n++
}

// The daily task of a regional administrator takes three clicks: the silent doors, one of them with
// the reason, and the call.
func TestDailyTaskOfARegion(t *testing.T) {
	t.Parallel()
	url, _ := registryOver(t, fleetStore(t, 81, 400))
	var key server.AccountAnswer
	post(t, url, server.PathAccounts, adminKey, server.AccountRequest{Name: "Aru", Role: store.Regional, Region: "KZ-72"}, &key)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/admin#key="+key.Key))
	until(t, ctx, `document.querySelector("#alarms [data-kind=silent]") !== null`)
	fits(t, ctx, "fleet-regional")
	language(t, ctx, "en")
	c := &clicks{t: t, ctx: ctx}
	c.on(`#alarms [data-kind=silent]`)
	until(t, ctx, `document.querySelector("#where").textContent === "Silent doors" && document.querySelectorAll("#doors .card").length > 0`)
	c.on(`#doors .card a.open`)
	until(t, ctx, `document.querySelector("#door-part dl")?.innerText.includes("Why")`)
	if got := eval[string](t, ctx, `document.querySelector("#door-part a.call").href`); len(got) != len("tel:+77271000001") {
		t.Errorf("the call leads to %q", got)
	}
	eval[chromedp.Void](t, ctx, `document.addEventListener("click", (event) => {
		if (!event.target.matches("a.call")) return;
		event.preventDefault();
		document.title = "calling";
	})`)
	c.on(`#door-part a.call`)
	until(t, ctx, `document.title === "calling"`)
	if c.n > 3 {
		t.Errorf("the task took %d clicks, want at most 3", c.n)
	}
	if got := eval[string](t, ctx, `document.querySelector("#way").innerText + document.querySelector("#pages").innerText`); got == "" {
		t.Error("there is no way back")
	}
	audit(t, ctx)
}

// With 10,000 doors each view is short, and can be used with the keyboard alone.
func TestOverviewOfTenThousandDoors(t *testing.T) {
	t.Parallel()
	url, _ := registryOver(t, fleetStore(t, 560, 10_000))
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/admin#key="+adminKey))
	until(t, ctx, `document.querySelectorAll("#regions .card").length === 8`)
	views := map[string]string{
		"country": `document.querySelectorAll("#chart .bar").length > 50`,
		"region":  `document.querySelectorAll("#venues .card").length === 50 && !document.querySelector("#pager").hidden`,
		"venue":   `document.querySelectorAll("#doors .card").length > 10 && document.querySelector("#doors-title").offsetParent !== null`,
		"silent":  `document.querySelectorAll("#doors .card").length === 50`,
		"door": `document.querySelector("#door-part dl") !== null && document.querySelector("#doors-part").hidden &&
			document.querySelector("#alarms").hidden`,
	}
	for _, view := range []struct{ name, hash string }{
		{"country", ""}, {"region", "region=KZ-72"}, {"venue", "venue=1"}, {"silent", "wrong=silent"}, {"door", "door=4"},
	} {
		desktop(t, ctx) // a phone's page is longer
		eval[chromedp.Void](t, ctx, `location.hash = %s`, view.hash)
		until(t, ctx, views[view.name])
		if height := eval[float64](t, ctx, `document.documentElement.scrollHeight`); height > 8000 {
			t.Errorf("%s: the page is %v px high", view.name, height)
		}
		inEachLook(t, ctx, "fleet-"+view.name)
	}
	desktop(t, ctx)
	eval[chromedp.Void](t, ctx, `location.hash = "region=KZ-72"`)
	until(t, ctx, views["region"])
	do(t, ctx, chromedp.SetValue("#search-text", "алатау» 9"), chromedp.Click("#search .main"))
	until(t, ctx, `document.querySelectorAll("#venues .card").length < 50 && document.querySelectorAll("#venues .card").length > 0`)
	tabTo(t, ctx, "#venues .card a.open")
	keys(t, ctx, "\r")
	until(t, ctx, `document.querySelector("#venues-part").hidden && document.activeElement.id === "where"`)
}

// The list of all doors is searched and paged like the overview, by keyboard, and back leads back.
func TestListOfDoors(t *testing.T) {
	t.Parallel()
	url, _ := registryOver(t, fleetStore(t, 81, 400))
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/doors#key="+adminKey))
	shows := func(count, first string, rows int) {
		t.Helper()
		until(t, ctx, `document.querySelector("#doors-count").textContent === %s &&
			document.querySelectorAll("#doors tr:not(.below)").length === %s &&
			document.querySelector("#doors td").textContent.startsWith(%s)`, count, rows, first)
	}
	shows("400", "Алатау ", 50)
	language(t, ctx, "en")
	first := eval[string](t, ctx, `document.querySelector("#doors td").textContent`)
	tabTo(t, ctx, "#pager a")
	keys(t, ctx, "\r")
	until(t, ctx, `document.querySelector("#pager span").textContent === "Page 2 of 8" &&
		document.activeElement.id === "doors-title"`)
	if got := eval[string](t, ctx, `document.querySelector("#doors td").textContent`); got == first {
		t.Errorf("page 2 begins with %q like page 1", got)
	}
	audit(t, ctx)
	inEachLook(t, ctx, "doors-list")
	language(t, ctx, "en")
	desktop(t, ctx)
	do(t, ctx, chromedp.SetValue("#search-text", "алатау» 81"), chromedp.SetValue("#search-wrong", "silent"),
		chromedp.Click("#search .main"))
	until(t, ctx, `location.hash.includes("wrong=silent") && document.querySelector("#pager").hidden &&
		[...document.querySelectorAll("#doors tr:not(.below)")].length < 5 &&
		[...document.querySelectorAll("#doors tr:not(.below)")].every((row) =>
			row.children[2].textContent.startsWith("⚠ 2 h"))`)
	eval[chromedp.Void](t, ctx, "history.back()")
	until(t, ctx, `document.querySelector("#pager span").textContent === "Page 2 of 8" &&
		document.querySelector("#search-text").value === ""`)
}
