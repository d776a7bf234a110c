package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	citizens "ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/store"
)

const (
	loadDoors  = 200                    // that report
	loadPause  = 100 * time.Millisecond // after each report; a real door takes 5 minutes
	loadPhones = 50                     // that are activated at the same time
)

// followers are doors without a registry to ask. They keep every list that was ever published, and
// every pass that was handed out.
type followers struct {
	testing.TB
	mu     sync.Mutex // guards the rest
	pages  []page     // the newest one last
	passes []pass.Place
	wrong  map[uint32]string // by index
	judged int               // decisions that a door made without asking the registry
}

func (f *followers) follow(p page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages = append(f.pages, p)
	for _, c := range f.passes {
		f.judge(p, c)
	}
}

func (f *followers) hand(c pass.Place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passes = append(f.passes, c)
	for i := len(f.pages) - 1; i >= 0 && f.pages[i].version >= c.Since.Version; i-- {
		f.judge(f.pages[i], c)
	}
}

// awaitNewer returns when a list newer than every pass has come.
func (f *followers) awaitNewer(patience time.Duration) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		f.mu.Lock()
		last := f.pages[len(f.pages)-1].version
		newer := !slices.ContainsFunc(f.passes, func(c pass.Place) bool { return last <= c.Since.Version })
		f.mu.Unlock()
		if newer {
			return
		}
	}
	f.Errorf("no list came within %v that is newer than every pass", patience)
}

func (f *followers) judge(p page, c pass.Place) {
	status, believed := p.believes(f, c)
	if !believed {
		return
	}
	if f.judged++; status != statuslist.Red {
		f.wrong[c.Index] = fmt.Sprintf("a red person is %v in version %d, the pass is of version %v", status, p.version, c.Since)
	}
}

// TestLoadShowsNobodyRedAsBlue activates red people's phones while many doors report, and checks
// every pass against every list. ASHYQ_LOAD is the number of people.
func TestLoadShowsNobodyRedAsBlue(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves the load of 200 doors to make test")
	}
	people := 100
	if text := os.Getenv("ASHYQ_LOAD"); text != "" {
		var err error
		if people, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			r := &rig{TB: t, file: address(t), authority: newAuthority(t), bundles: t.TempDir()}
			r.start()
			defer func() { r.stop() }()
			source, err := r.opt.Store.SourceOf(t.Context(), store.SecretOf(r.source(Laboratory)))
			if err != nil {
				t.Fatal(err)
			}
			r.must(r.opt.Store.LimitSource(t.Context(), Laboratory, people))
			for n := range people {
				iin := store.IIN(person(n))
				r.report(source.ID, iin, fmt.Sprint(n), store.Positive)
				r.must(r.opt.Store.PutCode(t.Context(), iin, store.SecretOf(loadCode(n)), now().Add(time.Hour)))
			}
			f := &followers{TB: t, wrong: map[uint32]string{}}
			start := time.Now()
			reports := r.load(f, source.ID, people)
			for _, what := range f.wrong {
				t.Error(what)
				break
			}
			if len(f.passes) != people || f.judged < people || len(f.wrong) > 0 {
				t.Errorf("%d passes of %d, %d wrong in %d decisions", len(f.passes), people, len(f.wrong), f.judged)
			}
			t.Logf("%d passes in %v, %d lists, %d reports, %d decisions, %d wrong",
				len(f.passes), time.Since(start).Round(time.Second), len(f.pages), reports, f.judged, len(f.wrong))
		})
	}
}

func loadCode(n int) string { return readCode(fmt.Sprintf("%015d", n)) }

// load returns when every phone has its pass and a newer list has come; it counts the doors'
// reports.
func (r *rig) load(f *followers, lab int64, people int) (reports int) {
	ctx, cancel := context.WithCancel(r.Context())
	var doors, phones sync.WaitGroup
	sent := make([]int, loadDoors)
	for d, door := range r.loadDoors() {
		doors.Go(func() {
			for ; ctx.Err() == nil; sent[d]++ {
				from := now().Add(-time.Duration(sent[d]/50) * time.Hour) // no door has more reports of one hour
				report := api.Counts{ID: fmt.Sprint(d, sent[d]), From: from, To: now(), Count: map[string]uint64{"admitted/green": 1}}
				if w := r.callAs(door, http.MethodPost, api.PathCounts, report); w.Code != http.StatusNoContent && ctx.Err() == nil {
					r.Errorf("report: %d %s", w.Code, w.Body)
					return
				}
				time.Sleep(loadPause)
			}
		})
	}
	doors.Go(func() { r.followAll(ctx, f) })
	doors.Go(func() { r.laboratory(ctx, lab) })
	work := make(chan int)
	for range loadPhones {
		phones.Go(func() {
			for n := range work {
				f.hand(r.loadActivate(n))
			}
		})
	}
	for n := range people {
		work <- n
	}
	close(work)
	phones.Wait()
	f.awaitNewer(time.Minute)
	cancel()
	doors.Wait()
	for _, n := range sent {
		reports += n
	}
	return reports
}

// loadDoors enrols the doors.
func (r *rig) loadDoors() []*box {
	var request EnrolCodesRequest
	for d := range loadDoors {
		request.Doors = append(request.Doors, EnrolDoor{Name: fmt.Sprint("door ", d), Venue: "shop"})
	}
	var answer EnrolCodesAnswer
	r.post(PathEnrolCodes, adminKey, request, &answer)
	network := r.serveTLS()
	var doors []*box
	for d, c := range answer.Codes {
		code, err := enrol.Parse(c.Code)
		r.must(err)
		b := r.newBox(network, fmt.Sprintf("%016x", d))
		if status, refused := b.enrol(code); status != http.StatusOK {
			r.Fatalf("enrol door %d: %d %s", d, status, refused)
		}
		doors = append(doors, b)
	}
	return doors
}

// laboratory reports a result every 100 ms, so that there is always a new list.
func (r *rig) laboratory(ctx context.Context, lab int64) {
	for n := 0; ctx.Err() == nil; n++ {
		iin, sample := store.IIN(person(1_000_000+n)), fmt.Sprint("town ", n)
		r.report(lab, iin, sample, store.Negative)
		r.must(r.opt.Store.PutCode(r.Context(), iin, store.SecretOf(sample), now().Add(time.Hour)))
		_, err := r.opt.Store.Activate(r.Context(), store.SecretOf(sample), newCredential(nil, ""), now())
		r.must(err)
		r.publisher.poke()
		time.Sleep(100 * time.Millisecond)
	}
}

// followAll takes every list. It looks again even if nothing changed, because the registry vouches
// anew.
func (r *rig) followAll(ctx context.Context, f *followers) {
	var last api.Manifest
	var list *statuslist.Section
	for ctx.Err() == nil {
		m := r.manifestAfter(last.Version, 100*time.Millisecond)
		if m.Version != last.Version {
			list = r.section(m, 0)
		}
		if m.Version != last.Version || m.Issued != last.Issued {
			f.follow(page{version: m.Version, asOf: m.IssuedAt(), list: list})
		}
		last = m
	}
}

// loadActivate is a phone that tries until it has its pass.
func (r *rig) loadActivate(n int) pass.Place {
	p := citizens.New(phoneOf(n))
	r.loadTry(PathActivate, ActivateRequest{Code: loadCode(n), Key: p.Key()}, func(*httptest.ResponseRecorder) {})
	var at pass.Place
	asked, err := p.TopUp(time.Now(), 1)
	r.must(err)
	r.loadTry(PathTopUp, TopUpRequest{asked}, func(w *httptest.ResponseRecorder) {
		var a TopUpAnswer
		r.must(json.Unmarshal(w.Body.Bytes(), &a))
		r.must(p.Take(a.Credentials))
		c, err := pass.OpenCredential(p.Credential(pass.DayOf(time.Now())))
		r.must(err)
		at = r.placeIn(c)
	})
	return at
}

// loadTry sends a request until the registry is not too busy for it.
func (r *rig) loadTry(path string, body any, done func(*httptest.ResponseRecorder)) {
	for {
		switch w := r.call(http.MethodPost, path, "", body); w.Code {
		case http.StatusServiceUnavailable:
		case http.StatusTooManyRequests: // the machine is busy, and all have one address
			time.Sleep(time.Second)
		case http.StatusOK, http.StatusNoContent:
			done(w)
			return
		default:
			r.Errorf("%s: %d %s", path, w.Code, w.Body)
			return
		}
	}
}
