package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/scanner/qrdraw"
)

// TestCapacityEndToEnd is a venue for three people, with two entries and an exit, all of them
// processes, and a network that is cut at random moments.
func TestCapacityEndToEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	m := newMall(t, 3)
	north, south, exit := m.door("north", "entry"), m.door("south", "entry"), m.door("exit", "exit")
	var people []*aPhone
	for _, iin := range numbers(7) {
		people = append(people, m.phone(iin))
	}
	for _, d := range []*mallDoor{north, south, exit} {
		d.start()
	}

	t.Log("the fourth person waits")
	north.expect(people[0], "admitted")
	south.expect(people[1], "admitted")
	north.expect(people[2], "admitted")
	south.expect(people[3], "full")
	north.expect(people[4], "full")
	exit.expect(people[2], "left")
	m.await("the place of who left", func() bool { return m.hall().Inside == 2 })
	south.expect(people[3], "admitted")
	north.expect(people[4], "full")

	t.Log("the network is cut at random moments, and a door's daemon is killed")
	stop := m.cutAtRandom()
	m.crowd(25*time.Second, 7, people[:5], []*mallDoor{north, south}, exit)
	north.process.kill()
	north.start()
	m.crowd(12*time.Second, 8, people[:5], []*mallDoor{north, south}, exit)
	stop()
	if m.most != 3 || m.admitted() < 8 {
		t.Errorf("at most %d people were inside, %d came in; want 3 at most, and a test that looks at something", m.most, m.admitted())
	}
	t.Logf("%d came in, %d left, at most %d were inside, %d cuts", m.admitted(), exit.said(counted), m.most, m.net.cuts)
	m.await("all reports", func() bool { h := m.hall(); return int(h.Inside) == m.inside() && h.Reserved == 0 })

	t.Log("doors that are cut off use their shares and no more")
	m.capacity(20)
	m.await("shares for the doors", func() bool { return m.hall().Reserved == 4 })
	m.net.set(cutBoth)
	before := m.admitted()
	for i, d := range []*mallDoor{north, south} {
		d.again(people[5+i], 2)
		d.expect(people[5+i], "ask-staff colour=blue reason=no-places", "ask-staff colour=none reason=no-places")
	}
	if n := m.admitted() - before; n != 4 {
		t.Errorf("cut off, %d people came in, want the 4 places of the shares", n)
	}
	exit.expect(people[5], "left")
	m.net.set(through)
	m.await("the reports after the cut", func() bool { return int(m.hall().Inside) == m.inside() })
}

// mall is a registry, a network that can be cut, and doors of one venue.
type mall struct {
	*world
	net   *network
	venue int64
	doors []*mallDoor
	most  int // people inside at the same time
}

type mallDoor struct {
	*mall
	name, way string
	process   *process
	earlier   string  // what killed daemons of this door have said
	last      *aPhone // that it has seen; nil: something else
}

func newMall(t *testing.T, capacity int) *mall {
	if testing.Short() {
		t.Skip("-short leaves registry and door as processes to make test")
	}
	w := &world{t: t, dir: t.TempDir(), bin: t.TempDir(), client: http.DefaultClient}
	w.build("ashyq-kiosk", "ashyq-registry")
	address, doors := freeAddress(t), freeAddress(t)
	m := &mall{world: w, net: newNetwork(t, doors)}
	w.direct = "http://" + address
	w.registry = w.start("ashyq-registry", "serve", "--data", filepath.Join(w.dir, "registry"), "--listen", address, "--public-url", w.direct,
		"--doors-listen", doors, "--doors-url", "https://"+m.net.listener.Addr().String())
	w.await("the registry", func() bool { return w.status(w.direct+"/healthz") == http.StatusOK })
	w.readAdminKey(filepath.Join(w.dir, "registry"))
	m.capacity(capacity)
	var venues []store.Venue
	w.get(server.PathVenues, w.admin, &venues)
	m.venue = venues[0].ID
	return m
}

func (m *mall) capacity(n int) {
	m.t.Helper()
	body := fmt.Sprintf(`[{"bin": "990140000007", "name": "Mall", "kind": "shop", "region": "KZ-75", "capacity": %d}]`, n)
	m.do(http.MethodPut, server.PathVenues, m.admin, []byte(body), nil)
}

func (m *mall) hall() (h store.Hall) {
	m.t.Helper()
	m.get(fmt.Sprintf("%s?venue=%d", server.PathOccupancy, m.venue), m.admin, &h)
	return h
}

func (m *mall) door(name, way string) *mallDoor {
	m.t.Helper()
	var answer server.EnrolCodesAnswer
	m.post(server.PathEnrolCodes, m.admin, server.EnrolCodesRequest{Doors: []server.EnrolDoor{{Name: name, Place: m.venue, Way: way}}}, &answer)
	d := &mallDoor{mall: m, name: name, way: way}
	d.write(name+"/boot/"+cardCode, answer.Codes[0].Code+"\n")
	d.write(name+"/run/.keep", "")
	d.picture("HELLO")
	m.doors = append(m.doors, d)
	return d
}

func (d *mallDoor) start() {
	d.t.Helper()
	d.screen = freeAddress(d.t)
	in := func(name string) string { return filepath.Join(d.dir, d.name, name) }
	file := d.write(d.name+"/kiosk.toml", fmt.Sprintf("[door]\nagain = \"1s\"\n[camera]\nsource = \"dir:%s?loop\"\nfrozen_after = \"5m\"\n[hardware]\n"+
		"pins = \"sim\"\n[screen]\nlisten = %q\n[state]\ndir = %q\ncard = %q\n[clock]\ntrust = \"always\"\n",
		in("pictures"), d.screen, in("state"), in("boot")))
	if d.process != nil {
		d.earlier += d.process.output()
		d.hang(image.NewGray(image.Rect(0, 0, 640, 480))) // nobody stands there any more
	}
	cmd := exec.Command(filepath.Join(d.bin, "ashyq-kiosk"), "run", "--config", file)
	cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+in("run"))
	d.process = d.launch(cmd)
	d.kiosk = d.process
	screen := d.screen
	d.await(d.name+" to be in order", func() bool { return d.status("http://"+screen+"/healthz") == http.StatusOK })
}

// picture shows a code to the door's camera.
func (d *mallDoor) picture(text string) {
	d.t.Helper()
	d.hang(qrdraw.Draw(text, qrdraw.Options{Module: 6}))
}

// hang puts a picture before the door's camera instead of the last one.
func (d *mallDoor) hang(picture image.Image) {
	d.t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, picture); err != nil {
		d.t.Fatal(err)
	}
	next := d.write(d.name+"/next.png", buf.String())
	if err := os.MkdirAll(filepath.Join(d.dir, d.name, "pictures"), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(d.dir, d.name, "pictures", "now.png")); err != nil {
		d.t.Fatal(err)
	}
}

func (d *mallDoor) said(text string) int {
	return strings.Count(d.earlier, text) + strings.Count(d.process.output(), text)
}

// hold shows a phone to the door and returns its verdict. Who has stood there already steps back
// first.
func (d *mallDoor) hold(p *aPhone) string {
	d.t.Helper()
	if d.last == p {
		d.show(nil, "HELLO")
	}
	return d.show(p, p.code())
}

func (d *mallDoor) show(p *aPhone, text string) string {
	d.t.Helper()
	before := d.said("msg=verdict")
	d.last = p
	d.picture(text)
	d.await("a verdict at "+d.name, func() bool { return d.said("msg=verdict") > before })
	lines := strings.Split(d.process.output(), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if _, verdict, ok := strings.Cut(lines[i], "signal="); ok && strings.Contains(lines[i], "msg=verdict") {
			return verdict
		}
	}
	return ""
}

func (d *mallDoor) expect(p *aPhone, want ...string) {
	d.t.Helper()
	got := d.hold(p)
	for _, w := range want {
		if strings.HasPrefix(got, w) {
			return
		}
	}
	d.t.Fatalf("%s: %s, want %s", d.name, got, want)
}

// again lets somebody in, over and over: codes are good once, and this is about places.
func (d *mallDoor) again(p *aPhone, times int) {
	d.t.Helper()
	for range times {
		d.expect(p, "admitted")
		time.Sleep(2 * time.Second) // until the next code, and longer than door.again
	}
}

func (m *mall) admitted() (n int) {
	for _, d := range m.doors {
		n += d.said("signal=admitted")
	}
	return n
}

// counted is a verdict about somebody who left and counts.
const counted = `signal=left colour=none reason=""`

// inside is the truth. Who came in is counted first: it is never too high.
func (m *mall) inside() int {
	n := m.admitted()
	for _, d := range m.doors {
		n -= d.said(counted)
	}
	m.most = max(m.most, n)
	return n
}

// crowd lets people come and go for a while, and on a busy machine until enough have come in.
func (m *mall) crowd(during time.Duration, enough int, people []*aPhone, entries []*mallDoor, exit *mallDoor) {
	m.t.Helper()
	for start := time.Now(); time.Since(start) < during || m.admitted() < enough && time.Since(start) < patience; {
		p := people[rand.N(len(people))]
		if rand.N(3) == 0 && m.inside() > 0 {
			exit.hold(p)
		} else {
			entries[rand.N(len(entries))].hold(p)
		}
		if n := m.inside(); n > 3 {
			m.t.Fatalf("%d people are inside", n)
		}
	}
}

func (m *mall) cutAtRandom() (stop func()) {
	ctx, cancel := context.WithCancel(m.t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(rand.N(1500 * time.Millisecond))
			m.net.set(cuts[rand.N(len(cuts))])
			time.Sleep(rand.N(2500 * time.Millisecond))
			m.net.set(through)
		}
	})
	return func() { cancel(); done.Wait() }
}

// network stands between doors and registry, and sees only TLS.
type network struct {
	listener net.Listener
	to       string

	mu   sync.Mutex
	how  cut // guarded by mu; so cuts and open
	cuts int
	open map[net.Conn]bool
}

type cut int

const (
	through    cut = iota
	cutBoth        // connections end
	cutAnswers     // what the registry says is lost, and the door waits
	cutQuietly     // nothing arrives, and nobody is told
)

var cuts = []cut{cutBoth, cutAnswers, cutQuietly}

func newNetwork(t *testing.T, to string) *network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{listener: listener, to: to, open: map[net.Conn]bool{}}
	go n.accept()
	t.Cleanup(func() { listener.Close(); n.set(cutBoth) })
	return n
}

func (n *network) set(how cut) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.how = how; how != through {
		n.cuts++
	}
	if how == cutBoth || how == through { // after a quiet cut the connections are no good
		for c := range n.open {
			c.Close()
		}
		clear(n.open)
	}
}

func (n *network) state() cut {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.how
}

func (n *network) accept() {
	for {
		from, err := n.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", n.to)
		if err != nil || n.state() == cutBoth {
			from.Close()
			continue
		}
		n.mu.Lock()
		n.open[from], n.open[to] = true, true
		n.mu.Unlock()
		go n.pass(to, from, cutQuietly)
		go n.pass(from, to, cutQuietly, cutAnswers)
	}
}

// pass copies until an end is closed, and loses what comes during some cuts.
func (n *network) pass(to, from net.Conn, loses ...cut) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		read, err := from.Read(buf)
		lost := false
		for _, how := range loses {
			lost = lost || n.state() == how
		}
		if !lost && read > 0 {
			if _, err := to.Write(buf[:read]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// numbers are those of people who do not exist.
func numbers(n int) (all []string) {
	for serial := 0; len(all) < n; serial++ {
		for digit := range 10 {
			text := fmt.Sprintf("90010135%03d%d", serial, digit)
			if _, err := store.ParseIIN(text); err == nil {
				all = append(all, text)
			}
		}
	}
	return all[:n]
}
