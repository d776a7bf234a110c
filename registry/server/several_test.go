package server

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/registry/store/storetest"
)

// pair is two registries over one PostgreSQL: the rig's publishes, front follows.
type pair struct {
	*rig
	front *Server
	db    *sql.DB // behind their backs
}

func newPair(t *testing.T, change func(publishes, front *publisher)) *pair {
	t.Helper()
	address := storetest.Postgres(t)
	p := &pair{rig: newRig(t)}
	p.rig.stop()
	var err error
	if p.db, err = sql.Open("pgx", address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	for _, to := range []**Server{&p.rig.Server, &p.front} {
		opt := p.rig.opt
		opt.Log = slog.New(slog.DiscardHandler)
		if opt.Store, err = store.Open(t.Context(), address); err != nil {
			t.Fatal(err)
		}
		if *to, err = New(t.Context(), opt); err != nil {
			t.Fatal(err)
		}
	}
	change(p.rig.Server.publisher, p.front.publisher)
	for _, one := range []*Server{p.rig.Server, p.front} {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- one.Run(ctx) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if err := one.opt.Store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return p
}

// soon waits for something that takes moments, or fails.
func soon(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(90 * time.Second):
		t.Fatalf("still not: %s", what)
	}
}

// A registry that does not publish gets news to doors and to phones, and passes on what it is told,
// also where the database tells nobody anything.
func TestFront(t *testing.T) {
	for name, change := range map[string]func(publishes, front *publisher){
		"told":     func(publishes, _ *publisher) { publishes.idle = time.Hour }, // it does not look by itself
		"not told": func(_, front *publisher) { front.channel = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, change)
			lab := p.source(Laboratory)
			p.rig.Server, p.front = p.front, p.rig.Server // everything is asked of the one in front
			if p.rig.publisher.leading() || !p.front.publisher.leading() {
				t.Fatal("the second one publishes")
			}
			p.activate(iinA, 3)
			var index uint64
			if err := p.db.QueryRow(`SELECT idx FROM credentials`).Scan(&index); err != nil {
				t.Fatal(err)
			}
			watches, public := p.rig.publisher.watches, p.rig.publisher.public
			news, leave := watches.join(index)
			soon(t, "a new phone looks once more", news)
			leave()
			news, leave = watches.join(index)
			defer leave()
			select {
			case <-news:
				t.Error("the phone looks again and again")
			case <-time.After(3 * followEvery):
			}
			before, _ := public.state()
			p.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: now()}, nil)
			soon(t, "the phone hears of the result", news)
			public.wait(t.Context(), before, 30*time.Second)
			if version, _ := public.state(); version <= before {
				t.Errorf("a door got version %d after %d", version, before)
			}
		})
	}
}
