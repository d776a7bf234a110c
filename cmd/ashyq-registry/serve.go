package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/registry/web"
)

type serveCmd struct {
	dataFlag
	databaseFlag
	Listen    string `default:"127.0.0.1:8080" placeholder:"ADDRESS" env:"ASHYQ_LISTEN" help:"Address and port. Port 0 takes a free one; the log says which. (${default})"`
	PublicURL string `required:"" placeholder:"URL" env:"ASHYQ_PUBLIC_URL" help:"How citizens and doors reach it, as https://registry.example; links to activate a phone are made of it."`
	TLSOwn    bool   `xor:"whose" env:"ASHYQ_TLS_OWN" help:"Speak TLS with a certificate of the registry's own authority, for the host of --public-url. Doors trust it by their enrolment codes; browsers do not, unless they are given DIR/ca.pem."`
	TLSCert   string `and:"tls" xor:"whose" placeholder:"FILE" env:"ASHYQ_TLS_CERT" help:"Certificate chain, PEM. Without it and --tls-own, put a proxy that speaks TLS in front; doors are then created with tokens. Renewed files need a restart."`
	TLSKey    string `and:"tls" placeholder:"FILE" env:"ASHYQ_TLS_KEY" help:"Its private key, PEM."`
	TLSCA     string `name:"tls-ca" placeholder:"FILE" env:"ASHYQ_TLS_CA" help:"Certificate, PEM, of the authority that new doors are to trust: best one that stays the same for years. (the last certificate in --tls-cert)"`
	Bundles   string `placeholder:"DIR" type:"path" env:"ASHYQ_BUNDLES" help:"Directory of the signed update bundles that doors load. (DIR/bundles)"`
	Verbose   bool   `help:"Log what doors and pages ask for, too: paths only, never who."`

	level slog.LevelVar
}

// AfterApply sets the level before anything is logged.
func (c *serveCmd) AfterApply() error {
	if c.Verbose {
		c.level.Set(slog.LevelDebug)
	}
	return nil
}

// Validate looks at how the options go together. kong complains about a missing one by itself, after this.
func (c *serveCmd) Validate() error {
	if c.PublicURL == "" {
		return nil
	}
	if err := server.CheckPublicURL(c.PublicURL); err != nil {
		return err
	}
	switch {
	case c.TLSOwn && !strings.HasPrefix(c.PublicURL, "https://"):
		return fmt.Errorf("--tls-own makes a certificate for the host of --public-url, and %q is not https", c.PublicURL)
	case c.TLSCA != "" && c.TLSCert == "":
		return errors.New("--tls-ca says who vouches for --tls-cert, which is missing")
	}
	return nil
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, log *slog.Logger) error {
	dir, err := lock(c.Data)
	if err != nil {
		return err
	}
	defer dir.unlock()
	options, err := c.options(dir, log)
	if err != nil {
		return err
	}
	options.Store, err = store.Open(ctx, dir.database(c.Database))
	if err != nil {
		return err
	}
	err = c.serve(ctx, options)
	return errors.Join(err, options.Store.Close())
}

func (c *serveCmd) options(dir *dataDir, log *slog.Logger) (server.Options, error) {
	o := server.Options{
		PublicURL: c.PublicURL, Log: log, Bundles: c.Bundles, DefaultRules: kiosk.DefaultRulesJSON(),
		CheckRules: func(document []byte) error { _, err := kiosk.ParseRules(document); return err },
		CheckVenue: func(kind string) error { _, err := kiosk.ParseVenue(kind); return err },
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
	o.Authority, err = dir.authority()
	return o, err
}

// serve wires the registry and the pages to a listener.
func (c *serveCmd) serve(ctx context.Context, options server.Options) error {
	config, err := c.tls(options.Authority)
	if err != nil {
		return err
	}
	if config != nil {
		options.TLSAuthority, err = c.vouches(options.Authority, config)
		if err != nil {
			return err
		}
	}
	registry, err := server.New(ctx, options)
	if err != nil {
		return err
	}
	listener, err := c.listen(config)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/v1/", "/healthz", "/metrics"} {
		mux.Handle(path, registry)
	}
	mux.Handle("/", web.Handler())
	front := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       server.LongestWait + 30*time.Second, // a read that times out would end a long poll
		WriteTimeout:      server.LongestWait + time.Minute,    // a whole section over a slow line, after the longest wait
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(options.Log.Handler(), slog.LevelDebug), // its lines have addresses in them
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return registry.Run(ctx) })
	group.Go(func() error {
		if err := front.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		notify(options.Log, daemon.SdNotifyStopping)
		return shutdown(front)
	})
	options.Log.Info("listening", "addr", listener.Addr().String(), "tls", config != nil, "version", version)
	notify(options.Log, daemon.SdNotifyReady)
	return group.Wait()
}

func (c *serveCmd) listen(config *tls.Config) (net.Listener, error) {
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w\nhint: is another registry running? --listen names another port", err)
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	return listener, nil
}

// shutdown lets requests finish; waiting doors get their answer because the registry stops at the same time.
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
