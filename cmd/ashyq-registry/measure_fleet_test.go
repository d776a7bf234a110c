package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/kinds"
	"ashyq-kiosk/registry/server"
)

// A fleet as large as the overview has to bear.
const (
	fleetVenues = 560
	fleetDoors  = 10_000
)

// fleet gives the country its venues and doors, with the counts of a day, and asks for the overview
// from the country down to a door.
func (m *measured) fleet() {
	m.kill()
	now := time.Now().Unix()
	var names []string
	for i, kind := range kinds.Venues {
		names = append(names, fmt.Sprintf(`SELECT '%s' AS kind, %d AS k`, kind.Key, i))
	}
	m.sql(fmt.Sprintf(`INSERT INTO venues (bin, name, kind, region, zone, address, phone, entrances, exits)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT '990140000007', 'Venue ' || i, kind, code,
			CASE i %% 3 WHEN 0 THEN 'green' WHEN 1 THEN 'yellow' ELSE 'red' END, 'Abay ' || i, '+77271000001', '', ''
		FROM n JOIN (SELECT code, ROW_NUMBER() OVER (ORDER BY code) - 1 AS k FROM regions) AS r ON r.k = i %% 8
		JOIN (%s) AS kinds ON kinds.k = i %% %d`, fleetVenues, strings.Join(names, " UNION ALL "), len(names)))
	m.sql(fmt.Sprintf(`INSERT INTO doors (name, place, venue, zone, way, ring, seen, device, troubles, health, health_at)
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d - 1)
		SELECT 'Fleet ' || i, v.id, v.kind, v.zone, 'entry', 'all',
			CASE WHEN i %% 11 = 5 THEN NULL WHEN i %% 9 = 3 THEN CAST(%d AS BIGINT) - 9000 ELSE CAST(%d AS BIGINT) END, 'board',
			CASE WHEN i %% 50 = 3 THEN 'undervoltage' ELSE '' END,
			'{"board":"Raspberry Pi 4 Model B Rev 1.4","celsius":56,"undervoltage":"never","wifi_dbm":-61,"free":180000000,"size":240000000}', %d
		FROM n JOIN (SELECT id, kind, zone, ROW_NUMBER() OVER (ORDER BY id) - 1 AS k FROM venues WHERE bin = '990140000007') AS v ON v.k = i %% %d`,
		fleetDoors, now, now, now, fleetVenues))
	m.sql(fmt.Sprintf(`INSERT INTO counts (door, hour, name, n) WITH RECURSIVE h(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM h WHERE i < 23),
		c(name, n) AS (VALUES ('admitted/green', 4), ('admitted/blue', 2), ('turned-back/red', 1), ('code-problem/none', 1))
		SELECT doors.id, (%d / 3600 - h.i) * 3600, c.name, c.n FROM doors, h, c WHERE doors.name LIKE 'Fleet %%'`, now))
	m.sql(`INSERT INTO venue_counts (venue, hour, name, n) SELECT place, hour, counts.name, SUM(n)
		FROM counts JOIN doors ON doors.id = door WHERE place IS NOT NULL GROUP BY place, hour, counts.name`)
	m.sql(`INSERT INTO region_counts (region, hour, name, n) SELECT region, hour, venue_counts.name, SUM(n)
		FROM venue_counts JOIN venues ON venues.id = venue GROUP BY region, hour, venue_counts.name`)
	m.sql(`INSERT INTO kind_counts (kind, zone, region, hour, name, n)
		SELECT kind, zone, region, hour, venue_counts.name, SUM(n) FROM venue_counts JOIN venues ON venues.id = venue GROUP BY kind, zone, region, hour, venue_counts.name`)
	m.sql(`ANALYZE`)
	m.serve()
	m.settled()
	draft := strings.Replace(string(kiosk.DefaultRulesJSON()), `"rules": [`, `"rules": [
		{"name": "weekends", "colours": ["blue"], "venues": ["cinema"], "then": "turned-back", "text": {"kk": "k", "ru": "r", "en": "e"}},`, 1)
	for _, view := range []struct{ name, path, body string }{
		{"overview_country", server.PathOverview, ""},
		{"overview_region", server.PathOverview + "?region=KZ-11", ""},
		{"overview_venues", server.PathOverviewVenues + "?region=KZ-11", ""},
		{"overview_search", server.PathOverviewVenues + "?q=venue+12", ""},
		{"overview_silent_doors", server.PathDoors + "?wrong=silent", ""},
		{"overview_silent_doors_of_region", server.PathDoors + "?region=KZ-11&wrong=silent", ""},
		{"overview_doors", server.PathDoors, ""},
		{"overview_search_doors", server.PathDoors + "?q=fleet+12", ""},
		{"rules_preview", server.PathRulesPreview, draft},
	} {
		m.view(view.name, view.path, view.body)
	}
}

// view asks for one part of the overview 50 times, with a body by POST.
func (m *measured) view(name, path, body string) {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	var took []time.Duration
	var bytes int64
	for range 50 {
		req, err := http.NewRequestWithContext(m.Context(), method, m.url+path, strings.NewReader(body))
		if err != nil {
			m.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+m.admin)
		start := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			m.Fatal(err)
		}
		bytes, err = io.Copy(io.Discard, resp.Body)
		took = append(took, time.Since(start))
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			m.Fatal(path, resp.Status, err)
		}
		if err != nil {
			m.Fatal(err)
		}
	}
	slices.Sort(took)
	m.figure(name+"_p50", took[25].Seconds()*1000, "ms")
	m.figure(name+"_p95", took[47].Seconds()*1000, "ms")
	m.figure(name+"_size", float64(bytes)/1000, "kB")
}
