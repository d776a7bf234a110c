package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // driver "sqlite"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// TestTurnoverEndToEnd revokes one door of two, with registry and doors as processes. The list key
// is turned over as it would be half an hour later: the other door fetches the next key beforehand
// and follows on, also after it was off at the next turnover.
func TestTurnoverEndToEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newEnrolWorld(t)
	w.picture("1.png", "HELLO")
	var files [2]string
	for i, name := range []string{"North gate", "South gate"} {
		w.write("boot/ashyq-enrol.txt", w.code(name, "cinema")+"\n")
		files[i] = w.config(fmt.Sprintf("door%d.toml", i), "")
		w.kiosk = w.start("ashyq-kiosk", "run", "--config", files[i])
		w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
		w.kiosk.terminate()
	}
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", files[0])
	w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	live := func() int64 { return w.database(`SELECT COUNT(*) FROM list_keys`) }
	w.post(server.PathRevokeDoor, w.admin, server.RevokeDoorRequest{Name: "South gate"}, nil)
	w.await("the next key", func() bool { return live() == 2 })
	w.turnOverIn(40 * time.Second)
	w.change("011399500107")
	w.await("the door to fetch it", func() bool { return strings.Contains(w.kiosk.output(), "the door has new keys") })
	w.await("the turnover", func() bool { return strings.Contains(w.registry.output(), "the list key was turned over") })
	w.change("020202500024")
	w.await("the door to have the change", w.isUpToDate)
	if said := w.kiosk.output(); strings.Contains(said, "does not have the key") {
		t.Errorf("the door missed the key:\n%s", said)
	}

	w.kiosk.terminate()
	w.database(`UPDATE list_keys SET known = 1 RETURNING 1`)
	w.await("the key after that", func() bool { return live() == 2 })
	w.turnOverIn(0)
	w.await("the second turnover", func() bool { return strings.Count(w.registry.output(), "the list key was turned over") == 2 })
	w.change("011399500018")
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", files[0])
	w.await("the door that was off to have the change", w.isUpToDate)
	w.kiosk.terminate()
}

// change makes somebody ill, with a pass, so that the list changes.
func (w *enrolWorld) change(iin string) {
	w.t.Helper()
	var source server.SourceAnswer
	w.post(server.PathSources, w.admin, server.SourceRequest{Name: "of " + iin, Kind: "laboratory"}, &source)
	w.post(server.PathCitizens, w.admin, server.CitizenRequest{IIN: iin}, nil)
	var paper server.PaperAnswer
	w.post(server.PathPaper, w.admin, server.CitizenRequest{IIN: iin}, &paper)
	version := w.overview().Version
	w.post(server.PathResults, source.Key,
		server.ResultRequest{IIN: iin, Sample: "1", Result: "positive", Taken: time.Now().Add(-time.Hour)}, nil)
	w.await("the next version", func() bool { return w.overview().Version > version })
}

func (w *enrolWorld) overview() (o store.Overview) {
	w.t.Helper()
	w.get(server.PathOverview, w.admin, &o)
	return o
}

// isUpToDate tells whether the door has the registry's newest version.
func (w *enrolWorld) isUpToDate() bool {
	w.t.Helper()
	return w.shows(fmt.Sprintf("data: version %d,", w.overview().Version))
}

// database looks into the registry's database, or changes it.
func (w *enrolWorld) database(statement string, args ...any) (n int64) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "registry", "registry.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRowContext(context.Background(), statement, args...).Scan(&n)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// turnOverIn lets the announced turnover come so soon.
func (w *enrolWorld) turnOverIn(d time.Duration) {
	w.t.Helper()
	w.database(`UPDATE list_keys SET since = $1 WHERE generation = (SELECT MAX(generation) FROM list_keys) RETURNING generation`,
		time.Now().Add(d).Unix())
}
