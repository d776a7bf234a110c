package main

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

const (
	measuredFor  = 10 * time.Second // of sustained results
	laboratories = 16               // that send at the same time
	samples      = 30               // of the ways to a waiting door
)

// TestMeasure is make bench-registry: it measures the real program over real HTTP and prints lines
// of name<TAB>value<TAB>unit. ASHYQ_MEASURE is the number of people in the country.
func TestMeasure(t *testing.T) {
	people, err := strconv.Atoi(os.Getenv("ASHYQ_MEASURE"))
	if err != nil {
		t.Skip("measuring takes minutes: ASHYQ_MEASURE is no number of people (make bench-registry sets it)")
	}
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			p := &process{T: t, data: filepath.Join(t.TempDir(), "data"), db: databases[name](t)}
			m := &measured{process: p, name: name, people: people}
			m.run()
		})
	}
}

// measured is a registry with a country in it.
type measured struct {
	*process
	name   string
	people int
	admin  string
	lab    string
	db     *sql.DB // the same database, behind the registry's back
	iins   []string
	passes []uint32 // of the first iins
	posted int      // results so far, each with a sample number of its own
	mu     sync.Mutex
}

func (m *measured) figure(name string, value float64, unit string) {
	fmt.Printf("%s_%s\t%.4g\t%s\n", m.name, name, value, unit)
}

func (m *measured) run() {
	m.open()
	defer m.close()
	m.iins = numbers(max(2*samples+100, m.people/10))
	m.lab, m.passes = m.process.people(m.iins[:samples+50])
	raw, err := os.ReadFile(filepath.Join(m.data, adminFile))
	if err != nil {
		m.Fatal(err)
	}
	m.admin = strings.TrimSpace(string(raw))
	m.ask(m.admin, server.PathLimitSource, server.LimitRequest{Name: "lab", Hourly: new(10_000)})
	m.results()
	m.door()
	m.batches()
	m.imports()
	m.cases()
	m.figure(fmt.Sprintf("load_%s", size(m.people)), m.load().Seconds(), "s")
	m.country()
	m.fleet()
	m.derive()
}

// open starts the registry and opens its database a second time.
func (m *measured) open() {
	m.serve()
	driver, address := "sqlite", filepath.Join(m.data, databaseFile)+"?_pragma=busy_timeout(60000)"
	if m.process.db != "" {
		driver, address = "pgx", m.process.db
	}
	var err error
	if m.db, err = sql.Open(driver, address); err != nil {
		m.Fatal(err)
	}
}

func (m *measured) close() {
	if m.cmd.ProcessState == nil {
		m.kill()
	}
	if err := m.db.Close(); err != nil {
		m.Error(err)
	}
}

func (m *measured) ask(key, path string, body any) {
	m.Helper()
	if code, err := m.post(path, key, body, nil); err != nil || code >= 300 {
		m.Errorf("POST %s: %d, %v", path, code, err)
	}
}

// result posts one and returns its sample number.
func (m *measured) result(iin, result string) string {
	m.mu.Lock()
	m.posted++
	sample := fmt.Sprint("measured ", m.posted)
	m.mu.Unlock()
	m.ask(m.lab, server.PathResults, server.ResultRequest{IIN: iin, Sample: sample, Result: result,
		Taken: time.Now().Add(-time.Hour)})
	return sample
}

// results posts one result after the other from several laboratories at once.
func (m *measured) results() {
	start := time.Now()
	took := m.send(laboratories, func() bool { return time.Since(start) < measuredFor })
	m.figure("results", float64(len(took))/time.Since(start).Seconds(), "1/s")
	m.figure("result_p99", milliseconds(percentile(took, 99)), "ms")
}

// send posts negative results until more says that it is enough.
func (m *measured) send(clients int, more func() bool) (took []time.Duration) {
	each := make([][]time.Duration, clients)
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := c; more(); n += clients {
				start := time.Now()
				m.result(m.iins[100+samples+n%(len(m.iins)-100-samples)], "negative")
				each[c] = append(each[c], time.Since(start))
			}
		})
	}
	all.Wait()
	return slices.Concat(each...)
}

// door measures from a result, or its withdrawal, to a door that waits for it.
func (m *measured) door() {
	m.settled()
	var ill, free []time.Duration
	for i := range samples {
		var sample string
		ill = append(ill, m.untilDoor(m.passes[i], statuslist.Red, func() { sample = m.result(m.iins[i], "positive") }))
		time.Sleep(550 * time.Millisecond) // longer than the publisher's gap: a version of its own
		free = append(free, m.untilDoor(m.passes[i], statuslist.Valid, func() {
			m.ask(m.lab, server.PathWithdraw, server.Target{Sample: sample, Why: "measured"})
		}))
		time.Sleep(550 * time.Millisecond)
	}
	for name, took := range map[string][]time.Duration{"result_to_door": ill, "withdrawal_to_door": free} {
		m.figure(name+"_p50", milliseconds(percentile(took, 50)), "ms")
		m.figure(name+"_p99", milliseconds(percentile(took, 99)), "ms")
	}
}

// untilDoor lets a door follow by long polls until the list says so about a pass.
func (m *measured) untilDoor(index uint32, want statuslist.Status, change func()) time.Duration {
	m.Helper()
	version := m.manifest(0, 0).Version
	found := make(chan time.Time, 1)
	polling := make(chan struct{})
	go func() {
		close(polling)
		for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
			next := m.manifest(version, 10*time.Second)
			if next.Version > version && m.list(next).Get(index) == want {
				break
			}
			version = next.Version
		}
		found <- time.Now()
	}()
	<-polling
	time.Sleep(20 * time.Millisecond) // the poll is on its way
	start := time.Now()
	change()
	return (<-found).Sub(start)
}

func (m *measured) manifest(after uint64, wait time.Duration) api.Manifest {
	m.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		sealed, err := m.get(fmt.Sprintf("%s?after=%d&wait=%s", api.PathManifest, after, wait))
		if err != nil && time.Now().Before(end) {
			continue // after its start, a registry vouches for nothing until it has looked
		}
		if err != nil {
			m.Fatalf("manifest: %v", err)
		}
		next, err := api.OpenManifest(sealed, m.key())
		if err != nil {
			m.Fatalf("manifest: %v", err)
		}
		return next
	}
}

func (m *measured) key() ed25519.PublicKey { return (&door{process: m.process}).key() }

// list is the first section of a manifest's list.
func (m *measured) list(of api.Manifest) *statuslist.Section {
	list, err := api.ReadList(of, listKeys{m.process}, func(h api.Hash) ([]byte, error) { return m.blob(h), nil })
	if err != nil {
		m.Fatalf("section: %v", err)
	}
	return list[0]
}

// settled waits until nobody is due.
func (m *measured) settled() {
	m.Helper()
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var due bool
		err := m.db.QueryRowContext(m.Context(), `SELECT EXISTS (SELECT 1 FROM citizens WHERE due <= $1)`,
			time.Now().Unix()).Scan(&due)
		if err != nil {
			m.Fatal(err)
		}
		if !due {
			return
		}
		if time.Now().After(end) {
			m.Fatal("after ten minutes people are still due")
		}
	}
}

// batches sends a tenth of the country's size as requests with 1,000 records each.
func (m *measured) batches() {
	var rows []server.EntryRequest
	for n := range m.people / 10 {
		rows = append(rows, server.EntryRequest{IIN: m.iins[n%len(m.iins)], Sample: fmt.Sprint("row ", n), Kind: "negative",
			At: time.Now().Add(-time.Hour)})
	}
	start := time.Now()
	for batch := range slices.Chunk(rows, 1000) {
		m.ask(m.lab, server.PathRecords, server.RecordsRequest{Records: batch})
	}
	m.figure("batches_100k", time.Since(start).Seconds()*100_000/float64(len(rows)), "s")
	m.settled()
}

// imports sends the same number as one CSV file and waits until it is read.
func (m *measured) imports() {
	var file strings.Builder
	file.WriteString("iin;sample;result;taken\n")
	rows, taken := m.people/10, time.Now().Add(-time.Hour).Format(time.RFC3339)
	for n := range rows {
		fmt.Fprintf(&file, "%s;line %d;negative;%s\n", m.iins[n%len(m.iins)], n, taken)
	}
	start := time.Now()
	i := m.imported(http.MethodPost, server.PathImports, file.String())
	for i.State == store.Running {
		time.Sleep(50 * time.Millisecond)
		i = m.imported(http.MethodGet, fmt.Sprintf("%s/%d", server.PathImports, i.ID), "")
	}
	if i.Entered != rows {
		m.Errorf("imported %+v, want %d rows", i, rows)
	}
	m.figure("csv_100k", time.Since(start).Seconds()*100_000/float64(rows), "s")
	m.settled()
}

func (m *measured) imported(method, path, file string) (i store.Import) {
	m.Helper()
	req, err := http.NewRequestWithContext(m.Context(), method, m.url+path, strings.NewReader(file))
	if err != nil {
		m.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+m.lab)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&i); err != nil {
		m.Fatalf("%s %s: %s, %v", method, path, res.Status, err)
	}
	return i
}

// cases compares two tenths of the country's size of records, half of them from the PCR portal.
func (m *measured) cases() {
	m.ask(m.admin, server.PathSources, server.SourceRequest{Name: "portal", Kind: "pcr-portal"})
	m.sql(`INSERT INTO records (source, sample, citizen, kind, at, came, laboratory, index_case, state)
		SELECT (SELECT id FROM sources WHERE name = 'portal'), sample, citizen, kind, at, came, 'lab', '', 'in force' FROM records
		WHERE sample LIKE 'row %'`)
	start := time.Now()
	req, err := http.NewRequestWithContext(m.Context(), http.MethodGet, m.url+server.PathCases, nil)
	if err != nil {
		m.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+m.admin)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		m.Fatalf("cases: %v, %v", res, err)
	}
	res.Body.Close()
	m.figure("cases_200k", time.Since(start).Seconds(), "s")
}

// countryMonth begins the IINs of the country. That month does not exist.
const countryMonth = "0114"

// load takes the country's people out of a CSV file, while the registry runs.
func (m *measured) load() time.Duration {
	file := peopleFile(m.T, numbersOf(countryMonth, m.people))
	start := time.Now()
	out, err := tool("load", "people", "--data", m.data, "--database", m.process.db, file)
	if err != nil || !strings.Contains(out, fmt.Sprintf("%d rows taken, 0 refused", m.people)) {
		m.Fatalf("load people: %v\n%s", err, out)
	}
	return time.Since(start)
}

// country gives its people a record and a pass each. They are all settled: the list does not say
// yet what their records say.
func (m *measured) country() {
	m.kill()
	m.sql(`INSERT INTO records (source, sample, citizen, kind, at, came, laboratory, index_case, state)
		SELECT (SELECT MIN(id) FROM sources), 'country ' || CAST(id AS TEXT), id, 'negative', CAST($1 AS BIGINT), 1, '', '', 'in force' FROM citizens WHERE iin LIKE '`+countryMonth+`%'`,
		time.Now().Add(-time.Hour).Unix())
	m.sql(fmt.Sprintf(`INSERT INTO credentials (citizen, idx, epoch, version)
		SELECT id, (id * 7919) %% %d, 0, 1 FROM citizens
		WHERE iin LIKE '%s%%' ON CONFLICT DO NOTHING`, statuslist.SectionSize, countryMonth))
	m.sql(`ANALYZE`) // as load does
	m.serve()
	m.settled()
}

func (m *measured) sql(statement string, args ...any) {
	m.Helper()
	if _, err := m.db.ExecContext(context.Background(), statement, args...); err != nil {
		m.Fatal(err)
	}
}

func (m *measured) count(query string) (n int) {
	m.Helper()
	if err := m.db.QueryRowContext(m.Context(), query).Scan(&n); err != nil {
		m.Fatal(err)
	}
	return n
}

// each calls f for every row of three numbers.
func (m *measured) each(query string, f func(a, b, c int64)) {
	m.Helper()
	found, err := m.db.QueryContext(m.Context(), query)
	if err != nil {
		m.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var a, b, c int64
		if err := found.Scan(&a, &b, &c); err != nil {
			m.Fatal(err)
		}
		f(a, b, c)
	}
	if err := found.Err(); err != nil {
		m.Fatal(err)
	}
}

// derive makes the whole country due at once, while a laboratory goes on with its work and a door
// waits for a positive result.
func (m *measured) derive() {
	m.sql(`UPDATE citizens SET due = 1 WHERE iin LIKE '` + countryMonth + `%'`)
	start := time.Now()
	m.result(m.iins[len(m.iins)-1], "negative") // the publisher looks at once
	done := make(chan struct{})
	var work sync.WaitGroup
	var took, news []time.Duration
	work.Go(func() {
		took = m.send(1, func() bool {
			time.Sleep(20 * time.Millisecond)
			return running(done)
		})
	})
	work.Go(func() {
		for i := samples; running(done) && i < len(m.passes); i++ {
			news = append(news, m.untilDoor(m.passes[i], statuslist.Red, func() { m.result(m.iins[i], "positive") }))
		}
	})
	m.untilDerived()
	m.figure(fmt.Sprintf("derive_%s", size(m.people)), time.Since(start).Seconds(), "s")
	close(done)
	work.Wait()
	m.figure("result_while_deriving_most", milliseconds(slices.Max(took)), "ms")
	m.figure("result_to_door_while_deriving_most", milliseconds(slices.Max(news)), "ms")
}

// untilDerived returns when nobody of the country is due any more.
func (m *measured) untilDerived() {
	for due := true; due; time.Sleep(50 * time.Millisecond) {
		err := m.db.QueryRowContext(m.Context(), `SELECT EXISTS (SELECT 1 FROM citizens WHERE due = 1)`).Scan(&due)
		if err != nil {
			m.Fatal(err)
		}
	}
}

func running(done chan struct{}) bool {
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// size is a number of people as figures are named: 1m, 50k.
func size(people int) string {
	if people%1_000_000 == 0 {
		return fmt.Sprint(people/1_000_000, "m")
	}
	return fmt.Sprint(people/1000, "k")
}

func percentile(took []time.Duration, percent int) time.Duration {
	slices.Sort(took)
	return took[(len(took)-1)*percent/100]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
