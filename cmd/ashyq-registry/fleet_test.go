package main

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/server"
)

// TestFleet lets a small fleet follow a registry. make bench-fleet is the same with ten thousand
// doors.
func TestFleet(t *testing.T) {
	f := newFleet(t, "", load{doors: 60, registries: 1, changes: 4, every: time.Second, slow: 0.1, cut: 0.1})
	o := f.run()
	for _, problem := range f.problems {
		t.Error(problem)
	}
	if len(o.good) == 0 || o.versions < 4 || o.bytes < 1000 || o.lost == 0 {
		t.Errorf("too little happened: %+v", o)
	}
}

// TestFleetAtMirror lets half of a small fleet take the list from an export that nginx serves.
func TestFleetAtMirror(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves a fleet at a mirror, ten seconds of waiting, to make test")
	}
	f := newFleet(t, "", load{doors: 20, registries: 1, changes: 3, every: 2 * time.Second, mirrored: 0.5})
	o := f.run()
	for _, problem := range f.problems {
		t.Error(problem)
	}
	if len(o.good) == 0 || len(o.mirror) == 0 {
		t.Errorf("too little happened: %+v", o)
	}
}

// TestMeasureFleet is make bench-fleet. ASHYQ_FLEET is the number of doors, ASHYQ_FLEET_MINUTES how
// long the laboratory reports.
func TestMeasureFleet(t *testing.T) {
	doors, err := strconv.Atoi(os.Getenv("ASHYQ_FLEET"))
	if err != nil {
		t.Skip("measuring takes minutes: ASHYQ_FLEET is no number of doors (make bench-fleet sets it)")
	}
	minutes, err := strconv.Atoi(os.Getenv("ASHYQ_FLEET_MINUTES"))
	if err != nil {
		t.Fatal("ASHYQ_FLEET_MINUTES is no number of minutes")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the processor is for the registries
	for _, run := range []struct {
		name, database string
		registries     int
		mirrored       float64
	}{
		{"sqlite", "sqlite", 1, 0}, {"postgres", "postgres", 1, 0}, {"three", "postgres", 3, 0}, {"mirror", "sqlite", 1, 0.5},
	} {
		t.Run(run.name, func(t *testing.T) {
			// The package's unit allows 65,536 files.
			f := newFleet(t, databases[run.database](t), load{doors: doors, registries: run.registries, changes: minutes * 12,
				every: 5 * time.Second, slow: 0.05, cut: 0.05, mirrored: run.mirrored, kill: run.registries > 1,
				quiet: 15 * time.Second, files: 65_536})
			o := f.run()
			f.print("fleet_"+run.name, o)
			for _, problem := range f.problems {
				t.Error(problem)
			}
		})
	}
}

// print prints name<TAB>value<TAB>unit.
func (f *fleet) print(prefix string, o outcome) {
	figure := func(name string, value float64, unit string) {
		fmt.Printf("%s_%s\t%.4g\t%s\n", prefix, name, value, unit)
	}
	figure("doors", float64(len(f.all)), "1")
	figure("versions", float64(o.versions), "1")
	for _, links := range []struct {
		name string
		took []time.Duration
	}{
		{"change_to_door", o.good}, {"change_to_door_uncut", o.uncut}, {"change_to_door_slow_link", o.slow},
		{"change_to_door_mirror", o.mirror},
	} {
		if len(links.took) == 0 {
			continue
		}
		for _, percent := range []int{50, 99, 100} {
			figure(fmt.Sprintf("%s_p%d", links.name, percent), percentile(links.took, percent).Seconds(), "s")
		}
	}
	figure("missed", float64(o.missed), "1")
	figure("unseen_versions", float64(o.unseen), "1")
	figure("lost_connections", float64(o.lost), "1")
	figure("whole_lists", float64(o.whole), "1")
	all := time.Duration(0)
	for n, w := range o.work {
		all += w.cpu
		figure(fmt.Sprintf("cpu_of_registry_%d", n+1), 100*w.cpu.Seconds()/o.took.Seconds(), "%")
	}
	figure("cpu_per_version_and_1000_doors", all.Seconds()/float64(o.versions)/float64(len(f.all))*1000, "s")
	figure("memory_per_door", o.memory/1024, "KiB")
	figure("memory_per_door_end", o.memoryEnd/1024, "KiB")
	figure("bytes_per_version", o.bytes, "B")
	figure("connects", float64(len(f.all))/o.connecting.Seconds(), "1/s")
	figure("cpu_per_connect", milliseconds(o.handshakes.cpu)/float64(len(f.all)), "ms")
	figure("revoked_door_refused", milliseconds(o.refused), "ms")
	if f.kill {
		figure("taken_over", o.takenOver.Seconds(), "s")
	}
}

// load is what a fleet has to bear.
type load struct {
	doors      int
	registries int
	changes    int
	every      time.Duration // a change
	slow, cut  float64       // the share of doors with slow links, and of those that are cut between two changes
	mirrored   float64       // the share of doors that take the list from a mirror
	kill       bool          // the publisher, in the middle
	quiet      time.Duration // before and after all doors have come, to see what memory they take
	files      int           // descriptors that a registry divides; 0: what the machine allows
	patience   time.Duration // for all doors to have the newest version in the end; 0: two minutes
	through    string        // where doors go instead of the registries; empty: nowhere else
}

// fleet is doors that follow registries over one database while a laboratory reports.
type fleet struct {
	*testing.T
	load
	members []*member
	witness *witness
	admin   string
	lab     string
	people  []person
	all     []*fleetDoor
	roots   *x509.CertPool
	mirror  string  // its URL; empty: doors follow the registry
	tree    string  // what it serves
	db      *sql.DB // behind the registries' backs; nil: SQLite
	verbose bool

	failed, whole atomic.Int64 // attempts, and lists loaded as a whole after the first one

	mu       sync.Mutex // guards the rest
	problems []string
}

// person turns red when the laboratory says so.
type person struct {
	iin     string
	index   uint32
	changed time.Time // when the laboratory began to say so
}

// problem notes what must not happen.
func (f *fleet) problem(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.problems) < 20 {
		f.problems = append(f.problems, fmt.Sprintf(format, args...))
	}
}

// newFleet starts the registries and enrols the doors at them.
func newFleet(t *testing.T, database string, load load) *fleet {
	f := &fleet{T: t, load: load, verbose: os.Getenv("ASHYQ_FLEET_VERBOSE") != ""}
	first := filepath.Join(t.TempDir(), "0")
	if out, err := tool("init", "--data", first, "--database", database); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	for n := range load.registries {
		dir := filepath.Join(filepath.Dir(first), fmt.Sprint(n))
		if n > 0 {
			copyKeys(t, first, dir)
		}
		f.members = append(f.members, &member{process: &process{T: t, data: dir, db: database}})
	}
	if load.files > 0 {
		t.Setenv(filesVariable, fmt.Sprint(load.files))
	}
	t.Cleanup(func() {
		for _, m := range f.members {
			m.cmd.Process.Kill() // again, unless the test has failed
			m.cmd.Wait()
		}
	})
	if database != "" {
		var err error
		if f.db, err = sql.Open("pgx", database); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.db.Close() })
	}
	f.start()
	raw, err := os.ReadFile(filepath.Join(first, adminFile))
	if err != nil {
		t.Fatal(err)
	}
	f.admin = strings.TrimSpace(string(raw))
	f.witness = newWitness((&door{process: f.members[0].process}).key(), f.problem)
	f.populate()
	f.enrol()
	if load.mirrored > 0 {
		f.serveMirror()
	}
	return f
}

func (f *fleet) start() {
	var all sync.WaitGroup
	for _, m := range f.members {
		all.Go(m.start)
	}
	all.Wait()
	if f.Failed() {
		f.FailNow()
	}
}

// restart gives the measured part fresh processes.
func (f *fleet) restart() {
	for _, m := range f.members {
		m.now().kill()
	}
	f.start()
}

func (f *fleet) populate() {
	f.Helper()
	iins := numbers(f.changes)
	lab, indexes := f.members[0].now().people(iins)
	f.lab = lab
	for i, index := range indexes {
		f.people = append(f.people, person{iin: iins[i], index: index})
	}
	f.ask(server.PathLimitSource, server.LimitRequest{Name: "lab", Hourly: new(100_000)}, nil)
}

// ask asks the first registry as the administrator.
func (f *fleet) ask(path string, body, answer any) {
	f.Helper()
	code, err := f.members[0].now().post(path, f.admin, body, answer)
	if err != nil || code >= 300 {
		f.Fatalf("POST %s: %d, %v", path, code, err)
	}
}

// address is where a door asks.
func (f *fleet) address(d *fleetDoor) string {
	at := f.members[d.at%len(f.members)].now().doors
	switch {
	case d.mirrored:
		at = f.mirror
	case f.through != "":
		at = f.through
	}
	u, err := url.Parse(at)
	if err != nil {
		f.Error(err)
		return ""
	}
	return u.Host
}

// enrol makes the doors and enrols each with a code of its own, as a real one. They share
// connections for that.
func (f *fleet) enrol() {
	f.Helper()
	ca, err := readCertificate(filepath.Join(f.members[0].data, caFile))
	if err != nil {
		f.Fatal(err)
	}
	f.roots = x509.NewCertPool()
	f.roots.AddCert(ca)
	registry, err := client.New(client.Config{URL: f.members[0].now().doors, CA: f.roots})
	if err != nil {
		f.Fatal(err)
	}
	defer registry.Close()
	for from := 0; from < f.load.doors; from += 500 {
		var request server.EnrolCodesRequest
		for n := from; n < min(from+500, f.load.doors); n++ {
			request.Doors = append(request.Doors, server.EnrolDoor{Name: fmt.Sprint("door ", n), Venue: "shop"})
		}
		var answer server.EnrolCodesAnswer
		f.ask(server.PathEnrolCodes, request, &answer)
		var some errgroup.Group
		some.SetLimit(4) // as many connections as a client keeps
		for i, one := range answer.Codes {
			d := f.newDoor(from+i, one.Name)
			f.all = append(f.all, d)
			some.Go(func() error { return d.enrol(registry, one.Code) })
		}
		if err := some.Wait(); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fleet) newDoor(n int, name string) *fleetDoor {
	d := &fleetDoor{fleet: f, name: name, device: fmt.Sprintf("%016x", n), at: n}
	d.from = netip.AddrFrom4([4]byte{127, 10, byte(n / 100), byte(2 + n%100)}) // a block of addresses has a hundred
	if mathrand.Float64() < f.slow {
		d.rate = 4<<10 + mathrand.IntN(12<<10)
	}
	d.mirrored = mathrand.Float64() < f.mirrored
	return d
}

// enrol exchanges the code for a certificate.
func (d *fleetDoor) enrol(registry *client.Client, text string) error {
	code, err := enrol.Parse(text)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	seal, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	answer, err := registry.Enrol(d.Context(), api.EnrolRequest{
		Token: base64.RawURLEncoding.EncodeToString(code.Token), Device: d.device,
		SealKey: api.FormatKey(seal.PublicKey().Bytes()),
		CSR:     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(answer.Certificate))
	if block == nil {
		return fmt.Errorf("enrol %s: there is no certificate in the answer", d.name)
	}
	d.certificate = &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
	d.tls = &tls.Config{RootCAs: d.roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	d.tls.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return d.certificate, nil }
	return nil
}
