package display_test

import (
	"context"
	"flag"
	"image"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
)

var shots = flag.String("shots", "", "`directory` for screenshots of every row in three sizes, to be looked at")

// browse starts a browser that ends with the test, or skips the test if there is no browser.
func browse(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves the pages in a browser to make test")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium on this machine: the page was not looked at")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		limited, done := context.WithTimeout(ctx, 90*time.Second)
		defer done()
		if err := chromedp.Cancel(limited); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		cancel()
		stop()
	})
	do(t, ctx) // starts it
	return ctx
}

// tab opens another tab of the browser, until the test ends.
func tab(t *testing.T, browser context.Context) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing a tab: %v", err)
		}
		cancel()
	})
	do(t, ctx)
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval is the value of a JavaScript expression on the page.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await evaluates the expression until it is true. It does not use chromedp.Poll, which compiles
// its expression inside the page: the page's Content-Security-Policy forbids that.
func await(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s (%v); the page: %s", expression, err, eval[string](t, ctx, "document.body.innerText"))
		}
	}
}

// serve serves a hub on the given address until the test ends or it is closed.
func serve(t *testing.T, hub *display.Hub, address string) *httptest.Server {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: hub}}
	server.Config.RegisterOnShutdown(hub.Close)
	server.Start()
	t.Cleanup(func() { hub.Close(); server.Close() })
	return server
}

var almaty = time.FixedZone("UTC+5", 5*60*60)

var ruleText = kiosk.Text{
	KK: "Демалыс күндері кинотеатрға тек жасыл мәртебемен кіруге болады",
	RU: "По выходным в кинотеатр можно только с зелёным статусом",
	EN: "At weekends the cinema takes green only",
}

// examples has each row of the door's table at least once.
func examples() map[string]kiosk.Verdict {
	until := time.Now().AddDate(0, 0, 2)
	return map[string]kiosk.Verdict{
		"idle":                {},
		"working":             {Signal: kiosk.Working},
		"admitted-green":      {Signal: kiosk.Admitted, Colour: kiosk.Green, Until: until, Age: 3 * time.Minute},
		"admitted-blue":       {Signal: kiosk.Admitted, Colour: kiosk.Blue, Age: 5 * time.Hour, Aged: true},
		"admitted-here":       {Signal: kiosk.AdmittedHere, Colour: kiosk.Yellow, Until: until},
		"turned-back-red":     {Signal: kiosk.TurnedBack, Colour: kiosk.Red},
		"turned-back-yellow":  {Signal: kiosk.TurnedBack, Colour: kiosk.Yellow, Text: ruleText, Until: until, Age: 30 * time.Hour, Aged: true},
		"turned-back-blue":    {Signal: kiosk.TurnedBack, Colour: kiosk.Blue, Text: ruleText},
		"full":                {Signal: kiosk.Full, Age: 3 * time.Minute},
		"left":                {Signal: kiosk.Left},
		"ask-staff":           {Signal: kiosk.AskStaff, Colour: kiosk.Green, Reason: kiosk.DataOld, Age: 30 * time.Hour, Aged: true},
		"code-stale":          {Signal: kiosk.CodeProblem, Reason: kiosk.Stale},
		"code-phone-clock":    {Signal: kiosk.CodeProblem, Reason: kiosk.PhoneClock},
		"code-refused":        {Signal: kiosk.CodeRefused, Reason: kiosk.Forged},
		"code-passed-already": {Signal: kiosk.CodeRefused, Reason: kiosk.PassedAlready},
		"out-of-order":        {Signal: kiosk.OutOfOrder, Reason: kiosk.DataLimit, Age: 80 * time.Hour},
		"out-of-order-output": {Signal: kiosk.OutOfOrder, Reason: kiosk.OutputFault},
	}
}

// somebody is a camera picture with the shape of a person, lighter than the wall behind.
func somebody(dst *image.Gray) bool {
	b := dst.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			shade := uint8(60 + 40*y/b.Dy())
			dx, dy := x-b.Dx()/2, y-b.Dy()*2/5
			if dx*dx+dy*dy*2/3 < 50*50 || y > b.Dy()*3/4 && dx*dx < 90*90 {
				shade = 170
			}
			dst.Pix[y*dst.Stride+x] = shade
		}
	}
	return true
}

func photograph(t *testing.T, ctx context.Context) []byte {
	t.Helper()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return png
}
