// Package server is the registry as an HTTP handler: it takes records and people in, derives the colours, and publishes
// them signed. Paths and bodies are those of package api.
//
// Doors come in with a one-time code, for which they get a certificate of the registry's own Authority, and show it in TLS
// from then on; older ones have a bearer token. Which certificate of a door is good is the store's to know, not TLS's: one
// that has ended can be renewed, and one that was replaced tells of a copied card.
//
// One goroutine, Run, owns what is published: it derives the statuses of everybody who is due (news came, or a status
// ends by itself), seals what changed, commits it, and only then announces it to the doors that wait.
package server

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/store"
)

// Options is what a registry needs.
type Options struct {
	Store       *store.Store
	RegistryKey ed25519.PrivateKey // signs what doors follow
	IssuerKey   ed25519.PrivateKey // signs citizens' credentials
	AdminKey    string             // bearer key of the administrator
	PublicURL   string             // as citizens reach it; links are made of it
	Log         *slog.Logger

	// Doors with certificates of their own. Without Authority there are none; without TLSAuthority no new ones.
	Authority    *Authority
	TLSAuthority *x509.Certificate // whose pin new doors are given: it vouches for the certificate at PublicURL
	Bundles      string            // directory of signed updates; empty: there are none

	// What the registry passes on to doors and does not understand itself: it does not link the door.
	DefaultRules []byte             // the first rules; empty: {}, which doors refuse
	CheckRules   func([]byte) error // nil: any document is taken
	CheckVenue   func(string) error // nil: any kind of venue is taken
}

// Server is the registry. Run has to run for changes to be published.
type Server struct {
	opt       Options
	mux       *http.ServeMux
	admin     store.Secret
	issuers   pass.Issuers
	publisher *publisher
	wrong     *limiter // citizens' codes
	strange   *limiter // doors' tokens: a door with a replaced code, trying on, locks no citizen out
	metrics   *metrics
}

// New loads what was published, or publishes the first version.
func New(ctx context.Context, opt Options) (*Server, error) {
	if err := CheckPublicURL(opt.PublicURL); err != nil {
		return nil, err
	}
	if opt.AdminKey == "" {
		return nil, errors.New("the administrator's key is empty")
	}
	opt.PublicURL = strings.TrimRight(opt.PublicURL, "/")
	if len(opt.DefaultRules) == 0 {
		opt.DefaultRules = []byte("{}")
	}
	s := &Server{
		opt:     opt,
		mux:     http.NewServeMux(),
		admin:   store.SecretOf(opt.AdminKey),
		issuers: pass.NewIssuers([]ed25519.PublicKey{opt.IssuerKey.Public().(ed25519.PublicKey)}),
		wrong:   newLimiter(),
		strange: newLimiter(),
		metrics: newMetrics(),
	}
	var err error
	if s.publisher, err = newPublisher(ctx, opt, s.metrics); err != nil {
		return nil, err
	}
	s.routes()
	return s, nil
}

// CheckPublicURL tells whether Options.PublicURL can be one.
func CheckPublicURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("read the public URL: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("public URL %q, want one as https://registry.example", text)
	}
	return nil
}

// Run publishes until ctx ends. Then waiting doors get their answer, so that the HTTP server can shut down.
func (s *Server) Run(ctx context.Context) error { return s.publisher.run(ctx) }

func (s *Server) String() string { return "registry" }

// ServeHTTP answers everything under /v1/, and /healthz and /metrics.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) routes() {
	const small, large = 16 << 10, 1 << 20 // bytes of a body; rules are large, and so is an order for many doors
	for _, r := range []route{
		{http.MethodGet, api.PathManifest, 0, s.manifest},
		{http.MethodGet, api.PathBlob + "/{hash}", 0, s.blob},
		{http.MethodPost, api.PathCheck, small, s.byKiosk(s.check)},
		{http.MethodPost, api.PathCounts, small, s.byKiosk(s.counts)},
		{http.MethodPost, PathActivate, small, s.activate},
		{http.MethodPost, PathSelf, small, s.self},
		{http.MethodPost, PathResults, small, s.bySource(Laboratory, s.results)},
		{http.MethodPost, PathContacts, small, s.bySource(ControlCentre, s.contacts)},
		{http.MethodPost, PathCitizens, small, s.byAdmin(s.citizens)},
		{http.MethodPost, PathPaper, small, s.byAdmin(s.paper)},
		{http.MethodPost, PathRevoke, small, s.byAdmin(s.revoke)},
		{http.MethodPost, PathKiosks, small, s.byAdmin(s.kiosks)},
		{http.MethodPost, PathSources, small, s.byAdmin(s.sources)},
		{http.MethodPut, PathRules, large, s.byAdmin(s.rules)},
		{http.MethodGet, PathOverview, 0, s.byAdmin(s.overview)},
		{http.MethodPost, PathEnrolCodes, maxOrder, s.byAdmin(s.enrolCodes)},
		{http.MethodPost, api.PathEnrol, small, s.enrol},
		{http.MethodPost, api.PathRenew, small, s.renew},
		{http.MethodPost, PathExpel, small, s.byAdmin(s.expel)},
		{http.MethodPost, PathReleases, small, s.byAdmin(s.releases)},
		{http.MethodGet, api.PathUpdate, 0, s.byKiosk(s.update)},
		{http.MethodGet, api.PathBundle + "/{name}", 0, s.bundle},
		{http.MethodGet, "/healthz", 0, s.health},
	} {
		s.mux.Handle(r.path, s.serve(r))
	}
	s.mux.Handle("/metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	s.mux.Handle("/", s.serve(route{path: "/", answer: func(*http.Request) (any, error) {
		return nil, &failure{http.StatusNotFound, "no such path", "the interface is under /v1/", nil}
	}}))
}

// now is UTC and in whole seconds, as everything that is stored and signed.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
