package display_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event is the part of an event that the tests check.
type event struct {
	name   string
	Build  string
	Signal kiosk.Signal
	Seq    uint64
	Hold   int64
	Lines  []struct{ Lang, Head, Body string }
}

// events reads events one by one.
type events struct {
	t       *testing.T
	scanner *bufio.Scanner
}

func watch(t *testing.T, url string) *events {
	t.Helper()
	response, err := http.Get(url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%s, %q, want an event stream", response.Status, got)
	}
	return &events{t, bufio.NewScanner(response.Body)}
}

// next is the next event; false at the end of the stream.
func (e *events) next() (event, bool) {
	e.t.Helper()
	var got event
	for e.scanner.Scan() {
		name, value, _ := strings.Cut(e.scanner.Text(), ":")
		switch value = strings.TrimPrefix(value, " "); name {
		case "event":
			got.name = value
		case "data":
			if value == "" {
				break
			}
			if err := json.Unmarshal([]byte(value), &got); err != nil {
				e.t.Fatalf("%q: %v", value, err)
			}
		case "":
			if got.name != "" {
				return got, true
			}
		case "retry":
		default:
			e.t.Fatalf("a line that no EventSource knows: %q", e.scanner.Text())
		}
	}
	return got, false
}

func (e *events) want(seq uint64) event {
	e.t.Helper()
	got, ok := e.next()
	if !ok || got.name != "screen" || got.Seq != seq {
		e.t.Fatalf("got event %q with verdict %d (%v), want the screen of verdict %d", got.name, got.Seq, ok, seq)
	}
	return got
}

func TestEventsTellTheCurrentVerdictThenEachNewer(t *testing.T) {
	hub := display.NewHub(display.Options{})
	server := serve(t, hub, "127.0.0.1:0")

	hub.Show(kiosk.Verdict{Signal: kiosk.Working, Seq: 1})
	hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Hold: 3 * time.Second, Seq: 2})
	early := watch(t, server.URL)
	first := early.want(2)
	if first.Signal != kiosk.Admitted || first.Hold > 3000 || first.Hold < 1000 || first.Build == "" {
		t.Errorf("on connecting: %+v", first)
	}
	if len(first.Lines) != 3 || first.Lines[0].Lang != "kk" || first.Lines[0].Head != "Қош келдіңіз" {
		t.Errorf("lines %+v, want Kazakh first of three", first.Lines)
	}
	late := watch(t, server.URL)
	late.want(2)
	hub.Show(kiosk.Verdict{Seq: 3})
	early.want(3)
	late.want(3)
}

// piped is a client that reads only when the test says so.
type piped struct {
	header http.Header
	io.Writer
}

func (p piped) Header() http.Header { return p.header }
func (p piped) WriteHeader(int)     {}
func (p piped) Flush()              {}

// call runs a request against the hub until the returned context's end.
func call(t *testing.T, hub *display.Hub, path string) (body *io.PipeReader, stop func()) {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer writer.Close()
		defer func() {
			if r := recover(); r != nil && r != http.ErrAbortHandler {
				panic(r)
			}
		}()
		hub.ServeHTTP(piped{http.Header{}, writer}, httptest.NewRequestWithContext(ctx, "GET", path, nil))
	}()
	return reader, func() {
		cancel()
		reader.Close()
		<-done
	}
}

func TestNewestWinsForASlowScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := display.NewHub(display.Options{})
		body, stop := call(t, hub, "/events")
		defer stop()
		synctest.Wait() // the first event waits to be taken
		for seq := range uint64(1000) {
			hub.Show(kiosk.Verdict{Seq: seq + 1})
		}
		slow := &events{t, bufio.NewScanner(body)}
		slow.want(0)
		slow.want(1000)
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := display.NewHub(display.Options{})
		body, stop := call(t, hub, "/events")
		defer stop()
		screen := &events{t, bufio.NewScanner(body)}
		screen.want(0)
		start := time.Now()
		for i := range 4 {
			got, ok := screen.next()
			if want := time.Duration(i+1) * display.BeatEvery; !ok || got.name != "beat" || time.Since(start) != want {
				t.Fatalf("event %q (%v) after %v, want a beat after %v", got.name, ok, time.Since(start), want)
			}
		}
		hub.Show(kiosk.Verdict{Seq: 1})
		screen.want(1)
	})
}

func TestAVerdictThatWasNeverEndedIsNotShownToTheNextPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := display.NewHub(display.Options{})
		hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Hold: 3 * time.Second, Seq: 7})
		for _, step := range []struct {
			wait time.Duration
			want kiosk.Signal
			hold int64
		}{{time.Second, kiosk.Admitted, 2000}, {3 * time.Second, kiosk.Admitted, 1}, {time.Second, kiosk.Idle, 0}} {
			time.Sleep(step.wait) // of the bubble's clock
			body, stop := call(t, hub, "/events")
			got := (&events{t, bufio.NewScanner(body)}).want(7)
			if got.Signal != step.want || got.Hold != step.hold {
				t.Errorf("signal %v for %d ms, want %v for %d ms", got.Signal, got.Hold, step.want, step.hold)
			}
			stop()
		}
	})
}

// A verdict that no door makes must not look like an admission.
func TestImpossibleVerdictsAreOutOfOrder(t *testing.T) {
	hub := display.NewHub(display.Options{})
	server := serve(t, hub, "127.0.0.1:0")
	for i, v := range []kiosk.Verdict{{Signal: 99}, {Signal: kiosk.Admitted}, {Signal: kiosk.TurnedBack}} {
		v.Seq = uint64(i)
		hub.Show(v)
		if got := watch(t, server.URL).want(v.Seq); got.Signal != kiosk.OutOfOrder {
			t.Errorf("%v without a colour is shown as %v", v.Signal, got.Signal)
		}
	}
}

func TestShutdownDoesNotWaitForWatchers(t *testing.T) {
	hub := mirrored(display.Options{}, somebody)
	server := serve(t, hub, "127.0.0.1:0")
	screen := watch(t, server.URL)
	screen.want(0)
	mirror, err := http.Get(server.URL + "/mirror")
	if err != nil {
		t.Fatal(err)
	}
	defer mirror.Body.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Fatalf("shutting down: %v", err)
	}
	if got, ok := screen.next(); ok {
		t.Errorf("event %q after the shutdown", got.name)
	}
	hub.Close() // a second time
	recorder := httptest.NewRecorder()
	hub.ServeHTTP(recorder, httptest.NewRequest("GET", "/events", nil))
	if recorder.Code != http.StatusServiceUnavailable {
		t.Errorf("a closed hub answered %d, want 503", recorder.Code)
	}
}

func TestWatchersAreBounded(t *testing.T) {
	for path, limit := range map[string]int{"/events": display.MaxScreens, "/mirror": display.MaxMirrors} {
		synctest.Test(t, func(t *testing.T) {
			hub := mirrored(display.Options{}, somebody)
			var stops []func()
			for range limit {
				_, stop := call(t, hub, path)
				stops = append(stops, stop)
			}
			synctest.Wait()
			recorder := httptest.NewRecorder()
			hub.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
			if recorder.Code != http.StatusServiceUnavailable || recorder.Header().Get("Retry-After") == "" {
				t.Errorf("%s: one more than %d got %d %v, want 503 with Retry-After", path, limit, recorder.Code, recorder.Header())
			}
			for _, stop := range stops {
				stop()
			}
			if screens, mirrors := hub.Watching(); screens+mirrors != 0 {
				t.Errorf("%s: %d and %d places are still taken", path, screens, mirrors)
			}
		})
	}
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	hub := display.NewHub(display.Options{Name: `"><script>alert(1)</script>`, Languages: []string{"ru", "tlh", "en"}, Log: slog.New(slog.DiscardHandler)})
	get := func(path string) (string, http.Header) {
		recorder := httptest.NewRecorder()
		hub.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		if recorder.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, recorder.Code)
		}
		return recorder.Body.String(), recorder.Header()
	}
	foreign := regexp.MustCompile(`(?i)https?:|//[a-z]|@import|url\(`)
	inline := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for _, path := range []string{"/", "/style.css", "/screen.js"} {
		text, header := get(path)
		csp := header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", path, header)
		}
		if found := foreign.FindString(text); found != "" {
			t.Errorf("%s: %q points elsewhere", path, found)
		}
		if found := inline.FindString(text); path == "/" && found != "" {
			t.Errorf("%s: %q is inline", path, found)
		}
	}
	page, _ := get("/")
	if !strings.Contains(page, `<html lang="ru"`) || strings.Contains(page, `lang="kk"`) || strings.Contains(page, "tlh") {
		t.Errorf("the page is not in the venue's languages, Russian and English: %.400s", page)
	}
	for _, path := range []string{"/nothing", "/hub.go", "/page.html"} {
		recorder := httptest.NewRecorder()
		hub.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		if recorder.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, recorder.Code)
		}
	}
}

func ExampleHub() {
	hub := display.NewHub(display.Options{Languages: []string{"kk", "ru", "en"}, Name: "Дәмді дүкені"})
	server := &http.Server{Addr: "127.0.0.1:8090", Handler: hub}
	server.RegisterOnShutdown(hub.Close) // ends the streams, which Shutdown would wait for

	hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Hold: 3 * time.Second, Seq: 1})

	answer := httptest.NewRecorder()
	server.Handler.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}

// blank is an empty camera picture.
func blank(dst *image.Gray) bool { clear(dst.Pix); return true }
