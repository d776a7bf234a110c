package main

import (
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store/storetest"
)

// TestSeveralRegistries kills the publisher of three registries over one database again and again,
// and stops it for longer than its lease, while a laboratory posts and doors follow each of them.
// The others go on: no version is lost or made twice, nobody vouches for more than the database
// says, and what was acknowledged is published. Three such groups at once, because most of the time
// is waiting.
func TestSeveralRegistries(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves killing publishers for half a minute to make test")
	}
	var mu sync.Mutex
	var took []time.Duration
	t.Run("groups", func(t *testing.T) {
		for n := range 3 {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				g := newGroup(t)
				for round := range 8 {
					<-time.After(rand.N(2 * time.Second))
					var one time.Duration
					if round == n {
						one = g.stopPublisher()
					} else {
						one = g.killPublisher()
					}
					mu.Lock()
					took = append(took, one)
					mu.Unlock()
				}
				g.end()
			})
		}
	})
	if len(took) == 0 {
		return // skipped, or failed
	}
	half, all := percentile(took, 50), percentile(took, 100)
	t.Logf("%d publishers were lost; another one had taken over after %v, at most %v", len(took), half, all)
	if os.Getenv("ASHYQ_MEASURE") != "" {
		fmt.Printf("postgres_takeover_p50\t%.3g\ts\npostgres_takeover_max\t%.3g\ts\n", half.Seconds(), all.Seconds())
	}
}

// group is three registries over one database, a laboratory that posts to any of them, and a door
// at each.
type group struct {
	*testing.T
	db      *sql.DB // behind their backs
	members []*member
	lab     string
	iins    []string
	phones  []uint32
	crowd   []uint32 // more people, who are ill in the end
	key     ed25519.PublicKey
	stop    chan struct{}
	work    sync.WaitGroup

	mu   sync.Mutex // guards the rest
	ill  int        // the first ones of iins, acknowledged
	seen map[uint64]api.Manifest
}

// member is one of them. Its process may be another one after a kill.
type member struct {
	*process
	mu sync.Mutex // guards url, doors and cmd
}

func newGroup(t *testing.T) *group {
	g := &group{T: t, seen: map[uint64]api.Manifest{}, stop: make(chan struct{})}
	address := storetest.Postgres(t)
	var err error
	if g.db, err = sql.Open("pgx", address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.db.Close() })
	first := filepath.Join(t.TempDir(), "0")
	if out, err := tool("init", "--data", first, "--database", address); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	// An independent witness of the versions.
	g.exec(`CREATE TABLE witness (version BIGINT)`)
	g.exec(`CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO witness VALUES (NEW.version); RETURN NULL; END $$`)
	g.exec(`CREATE TRIGGER witness AFTER INSERT OR UPDATE OF version ON registry FOR EACH ROW EXECUTE FUNCTION witness()`)
	for n := range 3 {
		dir := filepath.Join(filepath.Dir(first), fmt.Sprint(n))
		if n > 0 {
			copyKeys(t, first, dir)
		}
		g.members = append(g.members, &member{process: &process{T: t, data: dir, db: address}})
	}
	var all sync.WaitGroup
	for _, m := range g.members {
		all.Go(m.start) // at the same moment
	}
	all.Wait()
	t.Cleanup(func() {
		for _, m := range g.members {
			m.cmd.Process.Kill() // again, unless the test has failed
			m.cmd.Wait()
		}
	})
	g.key = (&door{process: g.members[0].process}).key()
	g.iins = numbers(90)
	g.lab, g.phones = g.members[1].people(g.iins)
	g.work.Go(g.post)
	for _, m := range g.members {
		g.work.Go(func() { g.follow(m) })
	}
	return g
}

func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range keyFiles {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (g *group) exec(statement string) {
	g.Helper()
	if _, err := g.db.Exec(statement); err != nil {
		g.Fatal(err)
	}
}

// start runs the program, whose log goes to a file, until it listens.
func (m *member) start() {
	log, err := os.CreateTemp(m.data, "log")
	if err != nil {
		m.Error(err)
		return
	}
	cmd := m.program()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		m.Error(err)
		return
	}
	for end := time.Now().Add(time.Minute); ; {
		text, err := os.ReadFile(log.Name())
		if found := listeningOn.FindSubmatch(text); err == nil && found != nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.url, m.doors, m.cmd = "http://"+string(found[1]), string(found[2]), cmd
			return
		}
		if time.Now().After(end) {
			m.Errorf("the registry does not listen: %s", text)
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

// now is the process of this moment.
func (m *member) now() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &process{T: m.T, url: m.url, doors: m.doors, cmd: m.cmd, data: m.data, db: m.db}
}

// post posts a positive result of one after the other to any of the registries, again until one has
// acknowledged it.
func (g *group) post() {
	taken := time.Now().Add(-time.Hour)
	for n, iin := range g.iins {
		for {
			select {
			case <-g.stop:
				return
			case <-time.After(100*time.Millisecond + rand.N(600*time.Millisecond)):
			}
			code, err := g.members[rand.N(3)].now().post(server.PathResults, g.lab, server.ResultRequest{
				IIN: iin, Sample: fmt.Sprint(n), Result: "positive", Taken: taken}, nil)
			if err == nil && code == http.StatusNoContent {
				break
			}
			if err == nil {
				g.Errorf("post a result: %d", code)
			}
		}
		g.mu.Lock()
		g.ill = n + 1
		g.mu.Unlock()
	}
}

// follow is a door at one registry, whichever process that is.
func (g *group) follow(m *member) {
	client := &http.Client{Timeout: 20 * time.Second}
	newest := uint64(0)
	for {
		select {
		case <-g.stop:
			return
		default:
		}
		manifest, err := g.manifest(client, m.now(), newest)
		if err != nil { // killed, or has not looked yet
			<-time.After(50 * time.Millisecond)
			continue
		}
		g.check(manifest, newest)
		newest = max(newest, manifest.Version)
	}
}

func (g *group) manifest(client *http.Client, p *process, after uint64) (m api.Manifest, err error) {
	res, err := client.Get(fmt.Sprintf("%s%s?after=%d&wait=1s", p.url, api.PathManifest, after))
	if err != nil {
		return m, err
	}
	defer res.Body.Close()
	sealed, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return m, errors.Join(err, errors.New(res.Status))
	}
	return api.OpenManifest(sealed, g.key)
}

// check compares what a door got with what other doors got, and with what the database vouches for.
func (g *group) check(m api.Manifest, newest uint64) {
	var looked int64
	if err := g.db.QueryRow(`SELECT looked FROM lease`).Scan(&looked); err != nil {
		g.Error(err)
	}
	if m.Issued > looked {
		g.Errorf("version %d is vouched for as of %d, and the database says %d", m.Version, m.Issued, looked)
	}
	if m.Version < newest {
		g.Errorf("version %d after %d", m.Version, newest)
	}
	m.Issued, m.Expires, m.Next = 0, 0, api.Turnover{}
	g.mu.Lock()
	defer g.mu.Unlock()
	if known, ok := g.seen[m.Version]; ok && !reflect.DeepEqual(known, m) {
		g.Errorf("version %d is two:\n%+v\n%+v", m.Version, known, m)
	}
	g.seen[m.Version] = m
}

var processIn = regexp.MustCompile(` (\d+) `)

// publisher is the registry that has the lease.
func (g *group) publisher() (*member, int64) {
	g.Helper()
	return publisherOf(g.T, g.db, g.members)
}

func publisherOf(t *testing.T, db *sql.DB, members []*member) (*member, int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		var holder string
		var term int64
		if err := db.QueryRow(`SELECT holder, term FROM lease`).Scan(&holder, &term); err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			if found := processIn.FindStringSubmatch(holder); found != nil && found[1] == fmt.Sprint(m.now().cmd.Process.Pid) {
				return m, term
			}
		}
	}
	t.Fatal("nobody publishes")
	return nil, 0
}

// killPublisher kills the publisher, and starts it again at once. It returns how long it took until
// another term has vouched for everything since the kill.
func (g *group) killPublisher() time.Duration {
	g.Helper()
	m, term := g.publisher()
	start := time.Now()
	m.now().kill()
	m.start()
	return g.taken(term, start)
}

// stopPublisher stops the publisher for longer than its lease, until another one has taken over,
// and lets it go on.
func (g *group) stopPublisher() time.Duration {
	g.Helper()
	m, term := g.publisher()
	start, sleeper := time.Now(), m.now().cmd.Process
	if err := sleeper.Signal(syscall.SIGSTOP); err != nil {
		g.Fatal(err)
	}
	took := g.taken(term, start)
	<-time.After(time.Second)
	_, after := g.publisher()
	if err := sleeper.Signal(syscall.SIGCONT); err != nil {
		g.Fatal(err)
	}
	<-time.After(time.Second)
	if now, term := g.publisher(); now == m || term != after {
		g.Errorf("the publisher that was stopped has the lease again: term %d, before %d", term, after)
	}
	return took
}

func (g *group) taken(term int64, start time.Time) time.Duration {
	g.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		var is bool
		if err := g.db.QueryRow(`SELECT term > $1 AND looked > $2 FROM lease`, term, start.Unix()).Scan(&is); err != nil {
			g.Fatal(err)
		}
		if is {
			return time.Since(start)
		}
	}
	g.Fatal("nobody has taken over")
	return 0
}

// end compares the final list at each registry with what was acknowledged, and the versions with
// the witness.
func (g *group) end() {
	close(g.stop)
	g.work.Wait()
	for _, m := range g.members {
		d := &door{process: m.now(), seen: map[uint64]api.Manifest{}}
		for end := time.Now().Add(90 * time.Second); !(d.follow(time.Second) == nil && d.knows(append(g.phones[:g.ill:g.ill], g.crowd...))); {
			if time.Now().After(end) {
				g.Fatalf("not everybody of %d who was acknowledged is red at %s", g.ill, m.url)
			}
		}
	}
	versions, err := g.db.Query(`SELECT version FROM witness`)
	if err != nil {
		g.Fatal(err)
	}
	defer versions.Close()
	var last, n int64
	for ; versions.Next(); last++ {
		if err := versions.Scan(&n); err != nil || n != last+1 {
			g.Errorf("version %d after %d: %v", n, last, err)
		}
	}
	g.Logf("%d versions, %d of them seen at doors, %d results", last, len(g.seen), g.ill)
	if len(g.seen) < 8 || g.ill < 10 {
		g.Error("too little happened")
	}
}

// TestMassChangeTakenOver kills the publisher of three registries in the middle of a change for
// very many people, and the next one, too.
func TestMassChangeTakenOver(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves the change of 100,000 people to make test")
	}
	g := newGroup(t)
	g.exec(`INSERT INTO citizens (id, iin) SELECT i, CAST(i AS TEXT) FROM generate_series(1000001, 1100000) i`)
	g.exec(`INSERT INTO people (region, status, slot, n) VALUES ('', 0, 99, 100000)`)
	g.exec(`INSERT INTO credentials (citizen, idx, epoch, version) SELECT id, (id * 7919) % 1048576, 0, 1 FROM citizens
		WHERE id > 1000000 ON CONFLICT DO NOTHING`)
	g.exec(`INSERT INTO records (source, sample, citizen, kind, at, came, laboratory, index_case, state)
		SELECT 1, CAST(id AS TEXT), id, 'positive', EXTRACT(EPOCH FROM now())::BIGINT, 1, '', '', 'in force'
		FROM citizens WHERE id > 1000000`)
	g.exec(`UPDATE citizens SET due = 1 WHERE id > 1000000`)
	waiting := func() (due int) {
		if err := g.db.QueryRow(`SELECT COUNT(*) FROM citizens WHERE due = 1`).Scan(&due); err != nil {
			t.Fatal(err)
		}
		return due
	}
	midway := 0
	for range 3 {
		m, _ := g.publisher() // not until it is one: it takes over later than the longest pause
		<-time.After(rand.N(2 * time.Second))
		m.now().kill()
		if waiting() > 0 {
			midway++
		}
		m.start()
	}
	if midway < 2 {
		t.Errorf("%d kills before the change was over", midway)
	}
	ill := 0
	for end := time.Now().Add(2 * time.Minute); waiting() > 0 || ill < 12; <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d people are due, %d results were acknowledged", waiting(), ill)
		}
		g.mu.Lock()
		ill = g.ill
		g.mu.Unlock()
	}
	crowd, err := g.db.Query(`SELECT idx FROM credentials WHERE citizen > 1000000`)
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	for crowd.Next() {
		var index uint32
		if err := crowd.Scan(&index); err != nil {
			t.Fatal(err)
		}
		g.crowd = append(g.crowd, index)
	}
	if err := crowd.Err(); err != nil {
		t.Fatal(err)
	}
	g.end()
}

// Other keys than the first registry's are refused with a sentence that says which.
func TestOtherKeys(t *testing.T) {
	address := storetest.Postgres(t)
	g := &member{process: &process{T: t, data: filepath.Join(t.TempDir(), "first"), db: address}}
	if err := os.Mkdir(g.data, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := tool("init", "--data", g.data, "--database", address); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	g.start()
	defer g.kill()
	for _, name := range []string{registryFile, issuerFile, caKeyFile} {
		other, fresh := filepath.Join(t.TempDir(), "other"), filepath.Join(t.TempDir(), "fresh")
		copyKeys(t, g.data, other)
		if out, err := tool("init", "--data", fresh); err != nil {
			t.Fatalf("init: %v\n%s", err, out)
		}
		key, err := os.ReadFile(filepath.Join(fresh, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(other, name), key, 0o600)
		}
		if name == caKeyFile && err == nil {
			err = os.Remove(filepath.Join(other, caFile)) // made again for this key
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd := (&process{data: other, db: address}).program()
		kill := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() }) // it should have ended
		raw, err := cmd.CombinedOutput()
		kill.Stop()
		said := strings.Contains(string(raw), name+" is not the one of this database") && strings.Contains(string(raw), "hint: ")
		if err == nil || !said {
			t.Errorf("with another %s: %v\n%s", name, err, raw)
		}
	}
}
