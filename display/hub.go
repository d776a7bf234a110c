package display

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"image"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/setup"
)

// How the page and the hub watch each other. The page has silence and grace in its constants, in
// ms.
const (
	beatEvery = 5 * time.Second  // heartbeat of an event stream
	silence   = 15 * time.Second // without events for so long, the page says that the kiosk does not answer
	grace     = 2 * time.Second  // so long after its Hold, the page removes a verdict by itself
	retry     = 2 * time.Second  // between two attempts of the page to connect

	// writeWithin is the time for a client to accept one event or one picture. After that it is cut
	// off; it connects again.
	writeWithin = 10 * time.Second

	maxScreens = 16 // event streams at a time: the door's own screen, and a few others
	maxMirrors = 4  // camera streams at a time; each is encoded separately
)

//go:embed page.html style.css screen.js
var files embed.FS

// Options describe the door.
type Options struct {
	// Languages of the screen, the venue's main language first: "kk", "ru", "en". Empty: these
	// three, in this order. Unknown ones are left out.
	Languages []string
	// Name of the venue or the door, in small letters at the bottom of the screen.
	Name string
	Log  *slog.Logger // nil: slog.Default()
}

// Hub is the door's screen: it takes verdicts as a kiosk.Outlet and serves them as an http.Handler
// to a limited number of pages. It starts no goroutines. Paths are relative, so it may be mounted
// below a prefix.
//
// The mirror shows who is at the door, so serve a Hub on a loopback address.
type Hub struct {
	options Options
	mux     *http.ServeMux
	page    []byte
	build   string
	log     *slog.Logger
	closed  chan struct{}
	close   func()
	screens chan struct{} // a token for each event stream; full: 503
	mirrors chan struct{} // a token for each mirror; full: 503

	mu      sync.Mutex
	current kiosk.Verdict          // guarded by mu
	shown   time.Time              // guarded by mu; when current arrived
	mirror  func(*image.Gray) bool // guarded by mu; nil: no mirror
	checks  []setup.Check          // guarded by mu; shown with OutOfOrder
	changed chan struct{}          // guarded by mu; closed and replaced with each change
}

var _ kiosk.Outlet = (*Hub)(nil)

// NewHub returns a hub that shows Idle until the first verdict.
func NewHub(o Options) *Hub { return newHub(o, silence, grace) }

func newHub(o Options, silence, grace time.Duration) *Hub {
	closed := make(chan struct{})
	h := &Hub{
		options: o,
		mux:     http.NewServeMux(),
		log:     o.Log,
		closed:  closed,
		close:   sync.OnceFunc(func() { close(closed) }),
		screens: make(chan struct{}, maxScreens),
		mirrors: make(chan struct{}, maxMirrors),
		shown:   time.Now(),
		changed: make(chan struct{}),
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	h.options.Languages = h.languages(o.Languages)
	h.page, h.build = h.render(silence, grace)

	h.mux.HandleFunc("GET /{$}", h.servePage)
	h.mux.HandleFunc("GET /events", h.serveEvents)
	h.mux.HandleFunc("GET /mirror", h.serveMirror)
	static := http.FileServerFS(files)
	h.mux.Handle("GET /style.css", static)
	h.mux.Handle("GET /screen.js", static)
	return h
}

// Show puts a verdict on all screens. It returns immediately; a slow screen gets only the newest.
func (h *Hub) Show(v kiosk.Verdict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current, h.shown = v, time.Now()
	close(h.changed)
	h.changed = make(chan struct{})
}

// SetMirror sets the source of the camera's picture. mirror draws the newest picture into the given
// one, 320 x 240 grey pixels, with left and right exchanged as in a mirror, and reports whether
// there is a picture. Several goroutines call it at the same time.
func (h *Hub) SetMirror(mirror func(*image.Gray) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mirror = mirror
}

// Close ends all streams and refuses new ones, so that http.Server.Shutdown does not wait for them:
// pass it to http.Server.RegisterOnShutdown. It may be called more than once.
func (h *Hub) Close() { h.close() }

// now returns the verdict to show, and a channel that is closed at the next change.
func (h *Hub) now() (kiosk.Verdict, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current, h.changed
}

// event returns the screen to show, and a channel that is closed at the next change.
func (h *Hub) event() (screen, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.screen(h.current, time.Since(h.shown), h.checks), h.changed
}

// ServeHTTP serves only the page, its two files, the events and the mirror.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("Cross-Origin-Resource-Policy", "same-origin") // no foreign page may embed the mirror
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store") // a page from yesterday's daemon would reload itself forever
	h.mux.ServeHTTP(w, r)
}

func (h *Hub) servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := w.Write(h.page); err != nil {
		h.log.Debug("sending the screen's page", "err", err)
	}
}

// languages returns the wanted languages that the screen has.
func (h *Hub) languages(wanted []string) []string {
	var known []string
	for _, l := range wanted {
		if _, ok := lostWords.head[l]; !ok {
			h.log.Warn("the screen does not have this language", "language", l)
			continue
		}
		known = append(known, l)
	}
	if len(known) == 0 {
		return defaultLanguages
	}
	return known
}

var pageTemplate = template.Must(template.ParseFS(files, "page.html"))

// render makes the page and its build identifier, a hash of everything in the page. A page that
// receives another identifier belongs to an older daemon and reloads itself.
func (h *Hub) render(silence, grace time.Duration) (page []byte, build string) {
	constants := map[string]any{
		"silence": silence.Milliseconds(),
		"grace":   grace.Milliseconds(),
		"retry":   retry.Milliseconds(),
		"lost":    h.lost(),
		"neutral": h.screen(kiosk.Verdict{}, 0, nil),
	}
	sum := sha256.New()
	for _, name := range []string{"page.html", "style.css", "screen.js"} {
		data, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded: our own mistake
		}
		sum.Write(data)
	}
	if err := json.NewEncoder(sum).Encode(constants); err != nil {
		panic(err) // our own types: our own mistake
	}
	build = hex.EncodeToString(sum.Sum(nil)[:8])
	constants["build"] = build

	text, err := json.Marshal(constants)
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	err = pageTemplate.Execute(&out, map[string]any{
		"Name": h.options.Name, "Languages": h.options.Languages, "Constants": string(text), "Lamps": kiosk.Colours,
	})
	if err != nil {
		panic(err)
	}
	return out.Bytes(), build
}
