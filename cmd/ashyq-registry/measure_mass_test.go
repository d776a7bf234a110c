package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

// TestMeasureMass measures a mass change of ASHYQ_MEASURE_MASS people, from the moment when they
// are due to a door's card and to the last outcome in the database. Everybody is derived anew; the
// colour of a third of them changes.
func TestMeasureMass(t *testing.T) {
	people, err := strconv.Atoi(os.Getenv("ASHYQ_MEASURE_MASS"))
	if err != nil {
		t.Skip("measuring takes minutes: ASHYQ_MEASURE_MASS is no number of people (make bench-registry sets it)")
	}
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			p := &process{T: t, data: filepath.Join(t.TempDir(), "data"), db: databases[name](t)}
			m := &measured{process: p, name: name, people: people}
			m.open()
			defer m.close()
			m.iins = numbers(samples)
			m.lab, m.passes = m.process.people(m.iins)
			m.crowd()
			m.massChange()
			m.otherDurations()
		})
	}
}

// crowd fills an empty country: of a hundred people two are ill, three are contacts, thirty have a
// negative result, of which half will soon be too old.
func (m *measured) crowd() {
	m.kill()
	m.sql(`INSERT INTO credentials (id, citizen, idx, epoch, version) SELECT $1, MIN(id), 0, 0, 1 FROM citizens`, m.people)
	m.serve() // it adds sections
	sections := m.people*8/7/statuslist.SectionSize + 1
	for end := time.Now().Add(time.Minute); len(m.manifest(0, 0).Sections) < sections && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	m.kill()
	m.sql(`DELETE FROM credentials WHERE idx = 0`)
	const first = 1_000_000
	m.sql(fmt.Sprintf(`INSERT INTO citizens (id, iin, due)
		WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT i, CAST(i AS TEXT), 1 FROM n`, first, first+m.people-1))
	m.sql(`INSERT INTO people (region, status, slot, n) VALUES ('', 0, 0, $1)
		ON CONFLICT (region, status, slot) DO UPDATE SET n = people.n + $1`, m.people)
	m.sql(fmt.Sprintf(`INSERT INTO credentials (citizen, idx, epoch, version)
		SELECT id, (id * 7919) %% %d, 0, 1 FROM citizens WHERE id >= %d ON CONFLICT DO NOTHING`,
		sections*statuslist.SectionSize, first))
	m.sql(fmt.Sprintf(`INSERT INTO records (source, sample, citizen, kind, at, came, laboratory, index_case, state)
		SELECT (SELECT MIN(id) FROM sources), CAST(id AS TEXT), id,
			CASE WHEN id %% 100 < 2 THEN 'positive' WHEN id %% 100 < 5 THEN 'contact'
				WHEN id %% 100 < 35 THEN 'negative' ELSE 'inconclusive' END,
			CAST($1 AS BIGINT), 1, '', '', 'in force' FROM citizens WHERE id >= %d`, first), time.Now().Add(-time.Hour).Unix())
	m.sql(`ANALYZE`)
	m.serve()
	m.settled()
}

// massChange makes everybody due. A laboratory's results have to get through meanwhile.
func (m *measured) massChange() {
	door := m.follower()
	if _, err := door.Follow1(m.Context()); err != nil {
		m.Fatal(err)
	}
	m.kill()
	m.sql(`UPDATE records SET at = at - 80 * 3600 WHERE citizen % 2 = 0`)
	m.sql(`UPDATE records SET kind = 'negative' WHERE citizen % 100 BETWEEN 80 AND 96 AND citizen % 2 = 1`)
	m.serve()
	m.settled()
	m.sql(`UPDATE citizens SET due = 1`)
	version, start := m.manifest(0, 0).Version, time.Now()
	done := make(chan struct{})
	var news []time.Duration
	var work sync.WaitGroup
	work.Go(func() {
		for i := 0; running(done) && i < len(m.passes); i++ {
			news = append(news, m.untilDoor(m.passes[i], statuslist.Red, func() { m.result(m.iins[i], "positive") }))
		}
	})
	bytes, whole := 0, 0
	for got := (replica.Result{}); got.Bytes < 30_000; { // news costs one or two
		var err error
		if got, err = door.Follow1(m.Context()); err != nil {
			m.Fatal(err)
		}
		bytes, whole = bytes+got.Bytes, whole+got.Whole
	}
	m.figure("mass_to_door_"+size(m.people), time.Since(start).Seconds(), "s")
	m.settled()
	m.figure("mass_stored_"+size(m.people), time.Since(start).Seconds(), "s")
	close(done)
	work.Wait()
	m.figure("mass_bytes_at_door", float64(bytes)/1e6, "MB")
	m.figure("mass_sections", float64(whole), "1")
	m.figure("mass_versions_but_news", float64(m.manifest(0, 0).Version-version)-float64(len(news)), "1")
	m.figure("mass_result_to_door_most", milliseconds(percentile(news, 100)), "ms")
	m.figure("mass_registry_memory_most", m.peak(), "MB")
}

// otherDurations starts the registry over a list that was derived with other durations.
func (m *measured) otherDurations() {
	if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil { // else it keeps the lease for some seconds
		m.Fatal(err)
	}
	if err := m.cmd.Wait(); err != nil {
		m.Fatal(err)
	}
	m.otherwise()
	start := time.Now()
	m.serve()
	for m.count(ruleLength) < 32 {
		time.Sleep(10 * time.Millisecond)
	}
	m.figure("durations_all_due_"+size(m.people), time.Since(start).Seconds(), "s")
	m.settled()
	m.figure("durations_stored_"+size(m.people), time.Since(start).Seconds(), "s")
}

// follower is a door that has a card.
func (m *measured) follower() *replica.Replica {
	card, err := cache.Open(filepath.Join(m.TempDir(), "cache.db"))
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { card.Close() })
	return replica.New(replica.Options{
		Source: source{m.process}, Store: card, Keys: listKeys{m.process}, Key: m.key(), Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
	})
}

// source is a registry as a door reaches it.
type source struct{ *process }

// Manifest implements replica.Source.
func (s source) Manifest(_ context.Context, after uint64, wait time.Duration) ([]byte, error) {
	return s.get(fmt.Sprintf("%s?after=%d&wait=%s", api.PathManifest, after, wait))
}

// Blob implements replica.Source.
func (s source) Blob(_ context.Context, h api.Hash) ([]byte, error) {
	return s.get(api.PathBlob + "/" + h.String())
}

// peak is the most memory that the registry has had, MB.
func (m *measured) peak() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if err != nil || found == nil {
		m.Fatalf("the registry's memory: %v in %s", err, text)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return float64(n) / 1000
}
