package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/registry/server"
)

// outcome is what a run has shown.
type outcome struct {
	good, slow  []time.Duration // from a change to a door with a good link, or a slow one
	mirror      []time.Duration // to a door at the mirror, whatever its link
	uncut       []time.Duration // those of good that did not lose their connection then
	took        time.Duration   // of all changes
	versions    uint64          // in that time
	missed      int             // a change that a door did not get
	unseen      int             // versions that no door was sent
	connecting  time.Duration   // until all doors had their first list
	handshakes  spent           // of all registries meanwhile
	work        []spent         // of each registry during the changes
	memory      float64         // bytes, for each door
	memoryEnd   float64         // the same after all changes
	bytes       float64         // to a door, for each version
	takenOver   time.Duration   // from the kill until another registry published; 0: no kill
	refused     time.Duration   // until the revoked door was refused everywhere
	lost, whole int64           // connections, and lists loaded whole because no deltas led on
}

// spent is what a process has taken.
type spent struct {
	cpu    time.Duration
	memory float64 // bytes
}

// run lets the doors come, the laboratory report, and trouble happen.
func (f *fleet) run() outcome {
	f.Helper()
	f.restart()
	f.newest() // it has looked
	f.export()
	ctx, stop := context.WithCancel(f.Context())
	defer stop()
	var o outcome
	sleep(ctx, f.quiet)
	before := f.usage()
	var doors sync.WaitGroup
	o.connecting = f.connect(ctx, &doors)
	come := f.usage()
	for n := range come {
		o.handshakes.cpu += come[n].cpu - before[n].cpu
	}
	sleep(ctx, f.quiet)
	o.memory = f.perDoor(before, f.usage())
	o.lost = f.failed.Load()
	f.report(ctx, &o)
	f.settle()
	o.memoryEnd = f.perDoor(before, f.usage())
	o.lost, o.whole = f.failed.Load()-o.lost, f.whole.Load()
	f.revoke(&o)
	stop()
	for _, d := range f.all {
		d.hangUp()
	}
	doors.Wait()
	f.judge(&o)
	return o
}

// connect lets the doors come, some at the same time, and waits until each has a list.
func (f *fleet) connect(ctx context.Context, doors *sync.WaitGroup) time.Duration {
	f.Helper()
	start, late := time.Now(), time.After(3*time.Minute)
	room := make(chan struct{}, 200) // full: the next door waits
	for n := range len(f.all) + cap(room) {
		select {
		case room <- struct{}{}:
		case <-late:
			f.Fatalf("of %d doors, %d are still without a list", min(n, len(f.all)), len(room))
		}
		if n < len(f.all) {
			doors.Go(func() { f.all[n].run(ctx, sync.OnceFunc(func() { <-room })) })
		}
	}
	return time.Since(start)
}

func (f *fleet) perDoor(before, after []spent) (sum float64) {
	for n := range before {
		sum += after[n].memory - before[n].memory
	}
	return sum / float64(len(f.all))
}

// report lets the laboratory report one person after the other, while connections are cut and the
// publisher is killed.
func (f *fleet) report(ctx context.Context, o *outcome) {
	f.Helper()
	start, before := time.Now(), f.usage()
	first, got := f.newest(), f.received()
	cutting, stop := context.WithCancel(ctx)
	var cutter sync.WaitGroup
	cutter.Go(func() { f.cuts(cutting) })
	o.work = make([]spent, len(f.members))
	for n := range f.people {
		f.turnsRed(&f.people[n])
		if f.kill && n == len(f.people)/2 {
			o.takenOver = f.killPublisher(before, o.work)
		}
		sleep(ctx, time.Until(start.Add(time.Duration(n+1)*f.every)))
	}
	stop()
	cutter.Wait()
	o.took, o.versions = time.Since(start), f.newest()-first
	for n, now := range f.usage() {
		o.work[n].cpu += now.cpu - before[n].cpu
	}
	o.bytes = float64(f.received()-got) / float64(len(f.all)) / float64(max(1, o.versions))
}

// turnsRed reports a positive result, again until a registry has acknowledged it.
func (f *fleet) turnsRed(p *person) {
	p.changed = time.Now()
	for {
		code, err := f.members[rand.N(len(f.members))].now().post(server.PathResults, f.lab, server.ResultRequest{
			IIN: p.iin, Sample: p.iin, Result: "positive", Taken: p.changed.Add(-time.Hour)}, nil)
		if err == nil && code == http.StatusNoContent {
			return
		}
		if err == nil {
			f.Fatalf("post a result: %d", code)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// cuts ends the share of all connections between two changes, each at a random moment.
func (f *fleet) cuts(ctx context.Context) {
	if f.cut == 0 {
		return
	}
	pause := time.Duration(float64(f.every) / (f.cut * float64(len(f.all))))
	for ctx.Err() == nil {
		sleep(ctx, time.Duration(rand.ExpFloat64()*float64(pause)))
		f.all[rand.N(len(f.all))].hangUp()
	}
}

// killPublisher kills the registry that has the lease and starts it again when another one has
// taken over.
func (f *fleet) killPublisher(before []spent, work []spent) time.Duration {
	f.Helper()
	start := time.Now()
	holder, term := publisherOf(f.T, f.db, f.members)
	n := slices.Index(f.members, holder)
	work[n].cpu = f.usage()[n].cpu - before[n].cpu
	before[n].cpu = 0 // of its next process
	holder.now().kill()
	for _, now := publisherOf(f.T, f.db, f.members); now == term; {
		_, now = publisherOf(f.T, f.db, f.members)
	}
	took := time.Since(start)
	holder.start()
	return took
}

// settle waits until each door has the newest version.
func (f *fleet) settle() {
	patience := cmp.Or(f.patience, 2*time.Minute)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		newest, behind := f.newest(), 0
		for _, d := range f.all {
			if d.version.Load() != newest {
				behind++
			}
		}
		if behind == 0 {
			return
		}
	}
	newest := f.newest()
	for _, d := range f.all {
		if has := d.version.Load(); has != newest {
			f.problem("%s has version %d in the end, and the newest one is %d", d.name, has, newest)
		}
	}
}

// newest is the version that the registries publish.
func (f *fleet) newest() uint64 {
	d := &door{process: f.members[0].now(), seen: map[uint64]api.Manifest{}}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := d.follow(0)
		if err == nil {
			return d.newest
		}
		if time.Now().After(end) {
			f.Fatal(err)
		}
	}
}

func (f *fleet) received() (sum int64) {
	for _, d := range f.all {
		sum += d.got.Load()
	}
	return sum
}

// revoke revokes a door, and waits until each registry refuses it.
func (f *fleet) revoke(o *outcome) {
	f.Helper()
	d := f.all[len(f.all)/2]
	var clients []*client.Client
	for _, m := range f.members {
		c, err := client.New(client.Config{URL: m.now().doors, Device: d.device,
			Identity: func() (*tls.Certificate, *x509.CertPool) { return d.certificate, f.roots }})
		if err != nil {
			f.Fatal(err)
		}
		defer c.Close()
		if err := c.Hello(f.Context(), api.Health{}); err != nil {
			f.problem("%s is refused before it was revoked: %v", d.name, err)
		}
		clients = append(clients, c)
	}
	start := time.Now()
	f.ask(server.PathRevokeDoor, server.RevokeDoorRequest{Name: d.name}, nil)
	for _, c := range clients {
		_, err := c.DoorKeys(f.Context())
		if refused, ok := errors.AsType[*api.Refusal](err); !ok || refused.Said.Code != api.CodeRevoked {
			f.problem("%s was revoked, and the registry says %v", d.name, err)
		}
	}
	o.refused = time.Since(start)
}

// judge compares what the doors have with what the laboratory has reported. Nobody follows any
// more.
func (f *fleet) judge(o *outcome) {
	f.Helper()
	first := f.members[0].now()
	keys := &oneKey{listKeys: listKeys{first}}
	var indexes []uint32
	for _, p := range f.people {
		indexes = append(indexes, p.index)
	}
	d := &door{process: first, seen: map[uint64]api.Manifest{}}
	if err := d.follow(0); err != nil || !d.knows(indexes) {
		f.problem("not everybody who was reported is red in the end: %v", err)
	}
	versions, err := f.witness.becoming(indexes, keys)
	if err != nil {
		f.problem("%v", err)
	}
	o.unseen = f.witness.unseen()
	for _, p := range f.people {
		in, ok := versions[p.index]
		if !ok {
			f.problem("no version that a door has loaded turns %s red", p.iin)
			continue
		}
		for _, d := range f.all {
			at, ok := d.since(in)
			switch {
			case !ok:
				o.missed++
			case d.mirrored:
				o.mirror = append(o.mirror, at.Sub(p.changed))
			case d.rate > 0:
				o.slow = append(o.slow, at.Sub(p.changed))
			default:
				o.good = append(o.good, at.Sub(p.changed))
				if !d.cutBetween(p.changed.Add(-firstPause), at) {
					o.uncut = append(o.uncut, at.Sub(p.changed))
				}
			}
		}
	}
	if o.missed > 0 {
		f.problem("doors have missed %d changes", o.missed)
	}
	if o.unseen > 0 {
		f.problem("no door was sent %d versions between the first and the last", o.unseen)
	}
}

// since is when the door had a version or a later one.
func (d *fleetDoor) since(version uint64) (time.Time, bool) {
	for _, h := range d.held {
		if h.version >= version {
			return h.at, true
		}
	}
	return time.Time{}, false
}

func (d *fleetDoor) cutBetween(from, to time.Time) bool {
	return slices.ContainsFunc(d.lost, func(at time.Time) bool { return at.After(from) && at.Before(to) })
}

// oneKey remembers the list key.
type oneKey struct {
	listKeys
	generation uint32
	secret     [32]byte
}

// ListKey implements statuslist.Keyring.
func (k *oneKey) ListKey(generation uint32) (secret [32]byte, ok bool) {
	if k.generation != generation {
		if k.secret, ok = k.listKeys.ListKey(generation); !ok {
			return secret, false
		}
		k.generation = generation
	}
	return k.secret, true
}

var residentIn = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)

// clockTick is what /proc counts in: sysconf(_SC_CLK_TCK) is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// usage is what each registry has taken since it was started.
func (f *fleet) usage() []spent {
	f.Helper()
	used := make([]spent, len(f.members))
	for n, m := range f.members {
		proc := fmt.Sprintf("/proc/%d/", m.now().cmd.Process.Pid)
		stat, err := os.ReadFile(proc + "stat")
		if err != nil {
			f.Fatal(err)
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from the third on, proc(5)
		for _, text := range fields[11:13] {
			ticks, err := strconv.Atoi(text)
			if err != nil {
				f.Fatal(err)
			}
			used[n].cpu += time.Duration(ticks) * clockTick
		}
		status, err := os.ReadFile(proc + "status")
		if err != nil {
			f.Fatal(err)
		}
		kilobytes, err := strconv.Atoi(string(residentIn.FindSubmatch(status)[1]))
		if err != nil {
			f.Fatal(err)
		}
		used[n].memory = float64(kilobytes) * 1024
	}
	return used
}
