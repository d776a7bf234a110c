package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds everything that a browser is waited for, on a busy machine.
const patience = 90 * time.Second

// elsewhere is a host that is not this machine, as far as the browser knows.
const elsewhere = "registry.test"

var withWindows = []string{"chromium", "chromium-browser", "google-chrome"}

func browserOptions(path string) []chromedp.ExecAllocatorOption {
	return slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("ignore-certificate-errors", true), // a test's registry has a certificate of its own authority
		chromedp.Flag("host-resolver-rules", "MAP "+elsewhere+" 127.0.0.1"),
	})
}

// browserPath finds the first browser of these names.
func browserPath(names ...string) (string, error) {
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errNoBrowser
}

// browser is started once for all tests, which run at the same time: each of them mostly waits. Each
// test has a server on a port of its own and therefore an origin, with its storage and service
// worker, of its own. The headless shell is Chromium without windows, and drawing those takes a
// quarter of the processor's time.
var browser = sync.OnceValues(func() (context.Context, error) {
	path, err := browserPath(slices.Concat([]string{"chromium-headless-shell"}, withWindows)...)
	if err != nil {
		return nil, err
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), browserOptions(path)...)
	ctx, cancel := chromedp.NewContext(allocator)
	closeBrowser = func() {
		if err := chromedp.Cancel(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "close the browser:", err)
		}
		cancel()
		cancelAllocator()
	}
	return ctx, chromedp.Do(ctx)
})

var (
	errNoBrowser = errors.New("no chromium, chromium-browser or google-chrome was found in PATH, so no page can be opened")
	closeBrowser = func() {}
)

func TestMain(m *testing.M) {
	if arguments := os.Getenv(crowdOf); arguments != "" {
		if err := beCrowd(arguments); err != nil {
			fmt.Fprintln(os.Stderr, "the load program:", err)
			os.Exit(1)
		}
		return
	}
	status := m.Run()
	closeBrowser()
	os.Exit(status)
}

// tab opens an empty tab.
func tab(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves the pages in a browser to make test")
	}
	parent, err := browser()
	if errors.Is(err, errNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	prepare(t, ctx)
	return ctx
}

// prepare makes a tab ready for a test. Whatever a page throws or the security policy keeps from it
// fails the test.
func prepare(t *testing.T, ctx context.Context) {
	t.Helper()
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw: %s %s", e.ExceptionDetails.Text, e.ExceptionDetails.Exception.Description)
		case *log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				t.Errorf("the page broke its policy: %s", e.Entry.Text)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: clockScript})
	// Another test's tab must not take the focus away.
	call(t, ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(t, ctx, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en-GB"})
}

// clockScript puts the page's clock into the test's hand: shiftClock(ms) moves it, across reloads.
const clockScript = `{
	const Real = Date;
	const key = "test.shift";
	const shift = () => Number(localStorage.getItem(key) ?? 0);
	globalThis.Date = class extends Real {
		constructor(...args) { args.length ? super(...args) : super(Real.now() + shift()); }
		static now() { return Real.now() + shift(); }
	};
	globalThis.shiftClock = (ms) => localStorage.setItem(key, shift() + ms);
}`

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func call[P, R any](t *testing.T, ctx context.Context, command cdp.Command[P, R], params P) R {
	t.Helper()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// script puts values into the %s of an expression, as JavaScript literals.
func script(t *testing.T, expression string, values []any) string {
	t.Helper()
	literals := make([]any, len(values))
	for i, value := range values {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		literals[i] = encoded
	}
	if len(literals) == 0 {
		return expression
	}
	return fmt.Sprintf(expression, literals...)
}

// eval runs an expression, which may be a promise, and gives its value.
func eval[T any](t *testing.T, ctx context.Context, expression string, values ...any) T {
	t.Helper()
	return get(t, ctx, chromedp.Evaluate[T](script(t, expression, values), chromedp.EvalAwaitPromise))
}

// until waits for an expression to become true. The page may be left for another one in the
// meantime.
func until(t *testing.T, ctx context.Context, expression string, values ...any) {
	t.Helper()
	expression = script(t, expression, values)
	deadline, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// An interval, not animation frames: a tab in the background gets none.
	poll := chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0))
	for {
		err := chromedp.Do(deadline, poll)
		if err == nil {
			return
		}
		if deadline.Err() != nil {
			t.Fatalf("wait for %s: %v\nthe page says: %s", expression, err, eval[string](t, ctx, `document.body?.innerText ?? "nothing"`))
		}
		time.Sleep(50 * time.Millisecond) // between two pages there is nothing to ask
	}
}

func screen(t *testing.T, ctx context.Context, width, height int64, density float64) {
	t.Helper()
	call(t, ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: density, Mobile: width < 500,
	})
}

func phone(t *testing.T, ctx context.Context)   { t.Helper(); screen(t, ctx, 390, 844, 2) }
func narrow(t *testing.T, ctx context.Context)  { t.Helper(); screen(t, ctx, 320, 568, 2) }
func desktop(t *testing.T, ctx context.Context) { t.Helper(); screen(t, ctx, 1280, 900, 1) }

// picture is what the screen shows.
func picture(t *testing.T, ctx context.Context) image.Image {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(get(t, ctx, chromedp.CaptureScreenshot())))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// keep writes a picture of the whole page for people to look at: into $ASHYQ_SCREENSHOTS, and
// nowhere when that is unset.
func keep(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	keepAs(t, ctx, name, chromedp.FullScreenshot(100))
}

// keepScreen is keep for what the screen shows: a picture of the whole page forgets the size of the
// text.
func keepScreen(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	keepAs(t, ctx, name, chromedp.CaptureScreenshot())
}

func keepAs(t *testing.T, ctx context.Context, name string, take chromedp.Action[[]byte]) {
	t.Helper()
	dir := os.Getenv("ASHYQ_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), get(t, ctx, take), 0o644); err != nil {
		t.Fatal(err)
	}
}
