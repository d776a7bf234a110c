package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/server"
)

// TestTurnoverKilled kills the registry again and again at the moment of a turnover, while a
// laboratory posts and a door follows. Each turnover happens, before or after the restart; no
// version is lost, and none turns into another one.
func TestTurnoverKilled(t *testing.T) {
	const rounds = 10
	p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
	p.serve()
	iins := numbers(rounds)
	lab, phones := p.people(iins)
	db, err := sql.Open("sqlite", filepath.Join(p.data, databaseFile)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d := &door{process: p, seen: map[uint64]api.Manifest{}}
	generation := func() (g int64) {
		if err := db.QueryRowContext(t.Context(), `SELECT MAX(generation) FROM list_keys`).Scan(&g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	before, during, taken := generation(), 0, time.Now().Add(-time.Hour)
	for n := range rounds {
		since := time.Now().Add(time.Second).Truncate(time.Second) // of whole seconds
		_, err := db.ExecContext(t.Context(), `INSERT INTO list_keys (generation, key, since) VALUES ($1, randomblob(32), $2)`,
			generation()+1, since.Unix())
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() {
			for d.follow(time.Second) == nil {
			}
		})
		time.Sleep(time.Until(since))
		result := server.ResultRequest{IIN: iins[n], Sample: fmt.Sprint(n), Result: "positive", Taken: taken}
		if code, err := p.post(server.PathResults, lab, result, nil); err != nil || code >= 300 {
			t.Fatalf("post a result: %d, %v", code, err)
		}
		time.Sleep(60*time.Millisecond + rand.N(120*time.Millisecond)) // it publishes after 100 ms
		p.kill()
		all.Wait()
		var left int
		if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM list_keys`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		during += left - 1
		p.serve()
		for end := time.Now().Add(90 * time.Second); ; {
			err := d.follow(0)
			if err == nil && int64(d.seen[d.newest].Generation) == before+int64(n)+1 && d.knows(phones[:n+1]) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("round %d: %v, generation %d, want %d, or not everybody is red", n, err, d.seen[d.newest].Generation, before+int64(n)+1)
			}
		}
	}
	p.kill()
	t.Logf("%d turnovers, %d of them after a restart; %d versions seen", rounds, during, len(d.seen))
}
