// Package server is the registry as an HTTP handler: it takes in records and people, derives the
// colours, and publishes them signed. What doors say to it is in package api, the rest in
// messages.go.
//
// A door enrols with a one-time code. It gets a certificate of the registry's own Authority and
// shows it in TLS from then on. The store decides which of a door's certificates is valid, not TLS:
// an expired certificate can be renewed, and one that was replaced reveals a copied card.
//
// One goroutine, Run, owns what is published. It derives the status of everybody who is due because
// news came or a status ends by itself, seals what changed, commits it, and only then announces it
// to the doors that wait. Several registries may run over one database: then one of them does that,
// and the others follow it (lead.go).
//
// Whoever guesses citizens' one-time codes may expect to find
//
//	tries a second * seconds * open codes / 2^bits
//
// codes. In ten years, with 20 million open codes of codeBits and with lookUpsPerSecond by
// everybody together, that is 20,000 * 3.2e8 * 2e7 / 2^75 = 0.003 for each registry that runs over
// the database. It would take six million tries a second to find one. So wrong codes are not
// counted against anybody: all phones of a town may have one address (carrier-grade NAT), and
// whoever limits wrong codes by address or block lets one phone lock out the town. What is left to
// limit is the load, for which addresses take turns (lookups.go). A wrong code costs one look into
// the database, and writes nothing. A door's token has 128 bits and is never typed: with 100,000
// tries a second 2e-18 hits are expected.
//
// A code to sign in with an IIN has six digits only, and whoever knows an IIN can have one sent. It
// is bound to the browser that asked, lasts ten minutes and five tries, and a wrong one counts
// against the person and against all. After ShortWrong wrong ones of a person in a year, or
// wrongDaily of all in a day, codes have nine digits: six are too few then. Nobody is locked
// out by that. The chance to get
//
//	one person's pass in a year           20 / 1e6 + 12 * 365 * 5 / 1e9              = 0.00004
//	anybody's, by using all the sending   (1000 * 366) / 1e6 + 3600 * 8760 * 5 / 1e9  = 0.5 passes
//
// The latter takes 32 million messages to people who did not ask. Messages to one person are
// limited to 12 a day, 3 of them for one asker (an address block), and those to one number to 24.
// All registries over one database share these limits.
package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
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
	DoorsURL    string             // as doors reach it, https; it is in their enrolment codes
	Authority   *Authority         // signs doors' certificates and the one that the registry shows at DoorsURL
	Bundles     string             // directory of signed updates; empty: no updates
	Waiting     int                // requests that may wait for the next version at the same time; 0: 10,000
	Phones      int                // phones that may wait for their status at the same time; 0: 10,000
	Messages    Messages           // sends the codes to sign in with an IIN; nil: nobody can
	// Messages in an hour, at most; 0: 3,600.
	MessagesHourly int
	// Only for a demonstration: the code to sign in is in the answer, so whoever knows an IIN has
	// the pass.
	DemoShowsCodes bool
	Alerts         AlertOptions
	Log            *slog.Logger

	// What the registry only passes on to doors: it does not link their code.
	DefaultRules []byte               // the first rules; empty: {}, which doors refuse
	CheckVenue   func(string) error   // nil: any kind of venue is accepted
	NewDesk      func(DeskParts) Desk // nil: the staff cannot check with their phones
}

// Server is the registry. Run has to run for changes to be published.
type Server struct {
	opt       Options
	all       *http.ServeMux
	doors     *http.ServeMux // what doors ask for, and nothing else
	admin     store.Secret
	issuers   pass.Issuers
	publisher *publisher
	lookUps   *lookUps // of citizens' codes
	codes     slots    // tries of citizens' codes that exist
	tokens    slots    // tries of doors' tokens that exist
	hellos    slots    // of doors
	waits     *waits
	phones    *waits // each pass is a known client
	boards    *boards
	checks    *doorChecks
	bundles   *bundles
	keys      daysKeys // of places
	desks     desks    // of the staff
	blobs     blobs
	metrics   *metrics
	imports   *imports
	alerts    *alerts
	signIns   *signIns
	// Browsers say which page asks. Pages of others must not spend the registry's messages, or its
	// time.
	crossOrigin *http.CrossOriginProtection
}

// New loads what was published, or publishes the first version.
func New(ctx context.Context, opt Options) (*Server, error) {
	if err := CheckPublicURL(opt.PublicURL); err != nil {
		return nil, err
	}
	if err := CheckDoorsURL(opt.DoorsURL); err != nil {
		return nil, err
	}
	if _, err := api.ParseKey(opt.AdminKey); err != nil {
		return nil, fmt.Errorf("the administrator's key: %w", err)
	}
	if opt.Authority == nil {
		return nil, errors.New("there is no authority to sign doors' certificates")
	}
	opt.PublicURL, opt.DoorsURL = strings.TrimRight(opt.PublicURL, "/"), strings.TrimRight(opt.DoorsURL, "/")
	if len(opt.DefaultRules) == 0 {
		opt.DefaultRules = []byte("{}")
	}
	if err := errors.Join(sameKeys(ctx, opt), firstRegions(ctx, opt.Store)); err != nil {
		return nil, err
	}
	s := &Server{
		opt:     opt,
		all:     http.NewServeMux(),
		doors:   http.NewServeMux(),
		admin:   store.SecretOf(opt.AdminKey),
		issuers: pass.NewIssuers([]ed25519.PublicKey{opt.IssuerKey.Public().(ed25519.PublicKey)}),
		lookUps: newLookUps(),
		codes:   newSlots(),
		tokens:  newSlots(),
		hellos:  newSlots(),
		waits:   newWaits(opt.Waiting),
		phones:  newWaits(opt.Phones),
		boards:  newBoards(),
		checks:  newDoorChecks(),
		bundles: newBundles(opt.Bundles),
		desks:   desks{open: map[int64]*desk{}, sessions: map[int64]*rate.Limiter{}},
		blobs:   blobs{sent: map[api.Hash]*sentBlob{}},
		metrics: newMetrics(),
		signIns: newSignIns(opt.MessagesHourly, sharedSecret(opt.RegistryKey, "ashyq askers")),

		crossOrigin: http.NewCrossOriginProtection(),
	}
	public, err := parseURL(opt.PublicURL)
	if err == nil {
		err = s.crossOrigin.AddTrustedOrigin(public.Scheme + "://" + public.Host)
	}
	if err != nil {
		return nil, err
	}
	if s.publisher, err = newPublisher(ctx, opt, s.metrics); err != nil {
		return nil, err
	}
	if s.imports, err = startImports(ctx, opt.Store); err != nil {
		return nil, err
	}
	s.alerts = newAlerts(s, opt.Alerts)
	s.routes()
	return s, nil
}

// CheckPublicURL tells whether Options.PublicURL can be one.
func CheckPublicURL(text string) error {
	u, err := parseURL(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("public URL %q, want one like https://registry.example", text)
	}
	return checkHost("public URL", u)
}

// CheckDoorsURL tells whether Options.DoorsURL can be one. It has no path: doors speak TLS to the
// registry itself, so nothing on the way could take the path off.
func CheckDoorsURL(text string) error {
	u, err := parseURL(text)
	if err != nil || u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("URL for doors %q, want one like https://registry.example:8443", text)
	}
	return checkHost("URL for doors", u)
}

// checkHost refuses a host that doors do not take from a code.
func checkHost(what string, u *url.URL) error {
	if enrol.IsPlain(u.Host) {
		return nil
	}
	hint := ""
	if plain, err := idna.Lookup.ToASCII(u.Hostname()); err == nil && plain != u.Hostname() && enrol.IsPlain(plain) {
		hint = fmt.Sprintf("\nhint: write the host as %q", plain)
	}
	return fmt.Errorf("%s: the host %q is not in lower-case ASCII, or too long%s", what, u.Host, hint)
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && (u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		err = errors.New("not scheme, host and path alone")
	}
	return u, err
}

// Run publishes until ctx ends. Then it answers waiting doors, so that the HTTP server can shut
// down.
func (s *Server) Run(ctx context.Context) error {
	defer s.imports.end()
	if s.opt.DemoShowsCodes {
		s.opt.Log.Warn("THIS IS A DEMONSTRATION: whoever knows an IIN gets that person's pass")
	}
	watching, stop := context.WithCancel(ctx)
	var alerts sync.WaitGroup
	alerts.Go(func() { s.alerts.run(watching) })
	defer alerts.Wait()
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.publisher.run(ctx) })
	if s.opt.Messages != nil {
		group.Go(func() error { return s.lookUpWishes(ctx) })
		group.Go(func() error { return s.sendMessages(ctx) })
	}
	return group.Wait()
}

// String names the task.
func (s *Server) String() string { return "registry" }

// ServeHTTP answers everything under /v1/, and /healthz.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.all.ServeHTTP(w, r) }

// Doors answers only what doors ask for, for a listener that is open to them and to nobody else.
func (s *Server) Doors() http.Handler { return s.doors }

// now is UTC in whole seconds, like everything that is stored and signed.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
