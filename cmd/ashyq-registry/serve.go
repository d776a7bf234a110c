package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/registry/web"
)

// defaultDoors is where doors come in, from any network: they speak TLS to the registry itself.
const defaultDoors = ":8443"

// memoryGrowth is how much the memory in use grows before garbage is collected, in percent. Waiting
// doors are most of it: with Go's 100 each of 10,000 takes 44 KiB after ten minutes of versions, with
// this 33 KiB, for no more processor time (docs/scale.md).
const memoryGrowth = 40

type serveCmd struct {
	dataFlag
	databaseFlag
	Listen        string `default:"127.0.0.1:8080" placeholder:"ADDRESS" env:"ASHYQ_LISTEN" help:"Address and port of the pages. Plain HTTP, for a proxy that speaks TLS, unless one of the --tls flags is given. Port 0 takes a free one; the log says which. (${default})"`
	PublicURL     string `required:"" placeholder:"URL" env:"ASHYQ_PUBLIC_URL" help:"How citizens and offices reach the pages, like https://registry.example. Links to activate a phone are made of it."`
	DoorsListen   string `placeholder:"ADDRESS" env:"ASHYQ_DOORS_LISTEN" help:"Address and port for doors: always TLS with the registry's own authority. A proxy has to pass it through unopened. (${doors})"`
	DoorsURL      string `placeholder:"URL" env:"ASHYQ_DOORS_URL" help:"How doors reach --doors-listen; it is in their enrolment codes. (https, the host of --public-url, the port of --doors-listen)"`
	TLSOwn        bool   `xor:"whose" env:"ASHYQ_TLS_OWN" help:"Speak TLS with the registry's own authority on --listen, too, and serve doors there as well: one port for all. Browsers warn unless they are given DIR/ca.pem."`
	TLSCert       string `and:"tls" xor:"whose" placeholder:"FILE" env:"ASHYQ_TLS_CERT" help:"Certificate chain of the pages, PEM. Renewed files need a restart."`
	TLSKey        string `and:"tls" placeholder:"FILE" env:"ASHYQ_TLS_KEY" help:"Its private key, PEM."`
	Bundles       string `placeholder:"DIR" type:"path" env:"ASHYQ_BUNDLES" help:"Directory of the signed update bundles that doors load. (DIR/bundles)"`
	MetricsListen string `placeholder:"ADDRESS" env:"ASHYQ_METRICS_LISTEN" help:"Address and port of /metrics for Prometheus, and of /healthz. Plain HTTP without a key: let only those reach it who watch the registry. (off)"`
	alertFlags    `embed:"" group:"Alerts"`
	smsFlags      `embed:"" group:"Messages"`
	Verbose       bool `help:"Also log what doors and pages ask for: paths only, never who."`
}

// Validate checks combinations of options. kong reports a missing one itself, after this.
func (c *serveCmd) Validate() error {
	if c.PublicURL == "" {
		return nil
	}
	if err := server.CheckPublicURL(c.PublicURL); err != nil {
		return err
	}
	if c.DoorsURL != "" {
		if err := server.CheckDoorsURL(c.DoorsURL); err != nil {
			return err
		}
	}
	if err := c.databaseFlag.Validate(); err != nil {
		return err
	}
	if err := c.smsFlags.check(); err != nil {
		return err
	}
	for flag, address := range map[string]string{
		"--listen": c.Listen, "--doors-listen": c.DoorsListen, "--metrics-listen": c.MetricsListen,
	} {
		if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
			return fmt.Errorf("%s: %q is not an address and a port like 127.0.0.1:8080", flag, address)
		}
	}
	switch {
	case c.TLSOwn && !strings.HasPrefix(c.PublicURL, "https://"):
		return fmt.Errorf("--tls-own makes a certificate for the host of --public-url, and %q is not https", c.PublicURL)
	case c.TLSOwn && (c.DoorsListen != "" || c.DoorsURL != ""):
		return errors.New("--tls-own serves doors at --public-url: leave out --doors-listen and --doors-url")
	}
	return nil
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, log *slog.Logger) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(memoryGrowth)
	}
	dir, err := lock(c.Data)
	if err != nil {
		return err
	}
	defer dir.unlock()
	options, err := c.options(dir, log)
	if err != nil {
		return err
	}
	fronts, err := c.listen(&options)
	if err != nil {
		return err
	}
	defer fronts.close()
	options.Store, err = store.Open(ctx, dir.database(c.Database))
	if err != nil {
		return err
	}
	err = fronts.serve(ctx, options)
	return errors.Join(err, options.Store.Close())
}

func (c *serveCmd) options(dir *dataDir, log *slog.Logger) (server.Options, error) {
	o := server.Options{
		PublicURL: c.PublicURL, Log: log, Bundles: c.Bundles, DefaultRules: kiosk.DefaultRulesJSON(),
		CheckVenue: func(kind string) error { _, err := kiosk.ParseVenue(kind); return err },
		NewDesk:    newDesk,
	}
	if o.Bundles == "" {
		o.Bundles = dir.path(bundlesDir)
	}
	if !dir.has(registryFile) {
		if err := dir.create(); err != nil {
			return o, err
		}
		log.Info("made the keys of a new registry", "admin", dir.path(adminFile))
	}
	var err error
	if o.RegistryKey, err = dir.key(registryFile); err != nil {
		return o, err
	}
	if o.IssuerKey, err = dir.key(issuerFile); err != nil {
		return o, err
	}
	if o.AdminKey, err = dir.text(adminFile); err != nil {
		return o, err
	}
	if o.Alerts, err = c.alertFlags.options(); err != nil {
		return o, err
	}
	if o.Authority, err = dir.authority(); err != nil {
		return o, err
	}
	o.MessagesHourly, o.DemoShowsCodes = c.SMSHourly, c.DemoCodes
	o.Messages, err = c.messages()
	return o, err
}

// fronts are the addresses that a registry listens at.
type fronts struct {
	pages   net.Listener
	tls     bool         // on pages
	doors   net.Listener // nil: doors use pages, which then speak TLS with the registry's own authority
	metrics net.Listener // nil: nobody gets the figures
}

func (f *fronts) close() {
	for _, l := range []net.Listener{f.pages, f.doors, f.metrics} {
		if l != nil {
			_ = l.Close() // closed already, unless an error came before it was used
		}
	}
}

// listen opens the addresses. Where --doors-listen asks for a free port, the URL for doors is only
// known after that.
func (c *serveCmd) listen(options *server.Options) (*fronts, error) {
	config, err := c.pagesTLS(options.Authority)
	if err != nil {
		return nil, err
	}
	f := &fronts{tls: config != nil}
	room, err := roomFor(c.TLSOwn)
	if err != nil {
		return nil, err
	}
	options.Waiting, options.Phones = room.waiting, room.phones
	if f.pages, err = open(c.Listen, "--listen", room.pages, config); err != nil {
		return nil, err
	}
	if options.DoorsURL = c.PublicURL; !c.TLSOwn {
		f.doors, options.DoorsURL, err = c.listenForDoors(options.Authority, room.doors)
	}
	if err == nil && c.MetricsListen != "" {
		f.metrics, err = open(c.MetricsListen, "--metrics-listen", watchers, nil)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (c *serveCmd) listenForDoors(authority *server.Authority, connections int) (net.Listener, string, error) {
	address, doorsURL := c.DoorsListen, c.DoorsURL
	if address == "" {
		address = defaultDoors
	}
	listener, err := listenAt(address, "--doors-listen", connections)
	if err != nil {
		return nil, "", err
	}
	if doorsURL == "" {
		doorsURL, err = besides(c.PublicURL, listener.Addr())
	}
	if err != nil {
		return listener, "", err
	}
	host, err := hostOf(doorsURL)
	if err != nil {
		return listener, "", err
	}
	config, err := authority.TLS(host)
	if err != nil {
		return listener, "", err
	}
	return secured(listener, config), doorsURL, nil
}

// besides is the URL of another port on the host of the pages.
func besides(publicURL string, at net.Addr) (string, error) {
	host, err := hostOf(publicURL)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return "", err
	}
	return "https://" + net.JoinHostPort(host, port), nil
}

func hostOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	return u.Hostname(), nil
}

func open(address, flag string, connections int, config *tls.Config) (net.Listener, error) {
	listener, err := listenAt(address, flag, connections)
	if err != nil {
		return nil, err
	}
	if config == nil {
		return listener, nil
	}
	return secured(listener, config), nil
}

func listenAt(address, flag string, connections int) (*bounded, error) {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		return bound(listener, connections), nil
	}
	hint := "write an address of this machine, or :8080 for all of them"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		hint = "is another registry running? " + flag + " names another port"
	case errors.Is(err, syscall.EACCES):
		hint = "ports below 1024 are for root; " + flag + " names another port"
	}
	return nil, fmt.Errorf("%s: %w\nhint: %s", flag, err, hint)
}

// serve connects the registry and the pages to the listeners.
func (f *fronts) serve(ctx context.Context, options server.Options) error {
	registry, err := server.New(ctx, options)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/v1/", "/healthz"} {
		mux.Handle(path, registry)
	}
	mux.Handle("/", web.Handler())

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return registry.Run(ctx) })
	pages := http.Handler(mux)
	if f.tls {
		pages = strict(pages)
	}
	serveOn(ctx, group, f.pages, pages, options.Log)
	where := []any{"addr", f.pages.Addr().String(), "tls", f.tls, "doors_url", options.DoorsURL}
	if f.doors != nil {
		serveOn(ctx, group, f.doors, registry.Doors(), options.Log)
		where = append(where, "doors", f.doors.Addr().String())
	}
	if f.metrics != nil {
		serveOn(ctx, group, f.metrics, registry.Metrics(), options.Log)
		where = append(where, "metrics", f.metrics.Addr().String())
	}
	group.Go(func() error {
		<-ctx.Done()
		notify(options.Log, daemon.SdNotifyStopping)
		return nil
	})
	options.Log.Info("listening", append(where, "version", version)...)
	notify(options.Log, daemon.SdNotifyReady)
	return group.Wait()
}

// serveOn serves a listener as long as ctx lasts.
func serveOn(
	ctx context.Context, group *errgroup.Group, listener net.Listener, handler http.Handler, log *slog.Logger,
) {
	front := &http.Server{
		Handler:           attentive(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       server.LongestWait + 30*time.Second, // a read that times out would end a long poll
		WriteTimeout:      server.LongestWait + time.Minute,    // after the longest wait, a section over a slow line
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       rememberConnection,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streams},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // its lines have addresses in them
	}
	group.Go(func() error {
		if err := front.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return shutdown(front)
	})
}

// shutdown lets requests finish. Waiting doors get their answer, because the registry stops at the
// same time.
func shutdown(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("shut down: %w", err), s.Close())
	}
	return nil
}

// notify tells systemd, where there is one.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("tell systemd", "state", state, "error", err)
	}
}
