package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/task"
)

// routeEvery is how often a door that is being set up looks for a network.
const routeEvery = 3 * time.Second

// setupOrder is in which order somebody who sets a door up deals with what is missing. The names are the doctor's.
var setupOrder = []string{"panel", "camera", "network", "clock", "enrolment", "registry", "state"}

// faultChecks are the checks that a fault of the door is about.
var faultChecks = map[kiosk.Reason]string{kiosk.OutputFault: "panel", kiosk.CameraFault: "camera", kiosk.ClockFault: "clock"}

// setup lists on the screen what is there and what is missing, from a door's start until it has been ready once. A door that
// has its data is set up; what goes wrong later is a fault, and the screen says which.
type setup struct {
	show func([]display.Check)

	mu     sync.Mutex
	checks []display.Check // guarded by mu; nil: the door is set up
}

// newSetup begins with nothing but the panel, which tells when it fails. A door that has its data shows nothing; one that
// is to live without a registry misses none.
func newSetup(show func([]display.Check), cfg *config.Config, hasData bool) *setup {
	s := &setup{show: show}
	if hasData && !cfg.Unenrolled {
		return s
	}
	alone := cfg.Registry.URL == "" && !cfg.Unenrolled
	for _, id := range setupOrder {
		if alone && (id == "network" || id == "enrolment" || id == "registry") {
			continue
		}
		s.checks = append(s.checks, display.Check{ID: id, Well: id == "panel" || id == "enrolment" && !cfg.Unenrolled})
	}
	s.tell()
	return s
}

// note says that a part is there, or why it is not.
func (s *setup) note(id string, err error) { s.says(id, err, "") }

// says is note with what the registry says against it.
func (s *setup) says(id string, err error, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.checks, func(c display.Check) bool { return c.ID == id })
	if i < 0 {
		return
	}
	if c := (display.Check{ID: id, Well: err == nil, Says: words}); c != s.checks[i] {
		s.checks[i] = c
		s.tell()
	}
}

// over is called when the door has its data.
func (s *setup) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checks != nil {
		s.checks = nil
		s.show(nil)
	}
}

func (s *setup) tell() { s.show(slices.Clone(s.checks)) }

// watchNetwork is a task that looks for a way out, as long as the door is being set up.
func (s *setup) watchNetwork(cfg *config.Config) task.Task {
	return task.Func{Name: "network", Do: func(ctx context.Context) error {
		ticker := time.NewTicker(routeEvery)
		defer ticker.Stop()
		for {
			s.mu.Lock()
			over := s.checks == nil
			s.mu.Unlock()
			if over {
				<-ctx.Done()
				return nil
			}
			s.note("network", route(cfg.Registry.URL))
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
	}}
}

// Addresses that are nobody's (RFC 5737, RFC 3849): whether there is a way to them is whether there is a way at all.
var anywhere = []string{"192.0.2.1", "2001:db8::1"}

// proxyFor is the proxy between this door and the registry, nil where there is no proxy. A door that
// does not know its registry yet will go the way of any other host.
func proxyFor(registry string) *url.URL {
	u, err := url.Parse(cmp.Or(registry, "https://registry.invalid"))
	if err != nil {
		return nil
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil {
		return nil // the client says what is wrong with it
	}
	return proxy
}

// route tells whether the kernel knows a way out of this machine: to the proxy, or to the registry where that is known by its address. It
// sends nothing: a UDP socket is connected and closed. (To list the interfaces takes netlink, which the unit's sandbox
// forbids.)
func route(registry string) error {
	hosts := anywhere
	if proxy := proxyFor(registry); proxy != nil {
		hosts = []string{proxy.Hostname()}
	} else if u, err := url.Parse(registry); err == nil {
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
			hosts = []string{ip.String()}
		} else if u.Hostname() == "localhost" {
			return nil
		}
	}
	var problems []error
	for _, host := range hosts {
		conn, err := net.Dial("udp", net.JoinHostPort(host, "9"))
		if err == nil {
			return conn.Close()
		}
		problems = append(problems, err)
	}
	return fmt.Errorf("there is no way out of this machine: %w", errors.Join(problems...))
}

// observed is a source that tells how it goes.
type observed struct {
	replica.Source
	note func(error)
}

// Manifest implements replica.Source.
func (o observed) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	data, err := o.Source.Manifest(ctx, after, wait)
	if ctx.Err() == nil {
		o.note(err)
	}
	return data, err
}
