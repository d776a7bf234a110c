package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/scanner/qrdraw"
)

// browser is one Chromium; every citizen has a separate context in it, like a separate phone.
type browser struct {
	t   testing.TB
	ctx context.Context
}

func newBrowser(t testing.TB, more ...chromedp.ExecAllocatorOption) *browser {
	if testing.Short() {
		t.Skip("-short leaves the pages in a browser to make test")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: `make test` installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience))
	options = append(options, more...)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancelTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close chromium: %v", err)
		}
		cancelTab()
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return &browser{t, ctx}
}

// tab opens a tab; own: it shares no storage with the others, like another phone.
func (b *browser) tab(own bool) context.Context {
	b.t.Helper()
	var options []chromedp.ContextOption
	if own {
		options = append(options, chromedp.WithNewBrowserContext())
	}
	ctx, cancel := chromedp.NewContext(b.ctx, options...)
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // without a deadline, which would end the whole tab
		b.t.Fatalf("open a tab: %v", err)
	}
	return ctx
}

func (b *browser) do(ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
}

// until waits for an expression to become true.
func (b *browser) until(ctx context.Context, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(50*time.Millisecond),
		chromedp.WithPollingTimeout(0))
	for err := chromedp.Do(ctx, poll); err != nil; err = chromedp.Do(ctx, poll) {
		if ctx.Err() != nil {
			b.t.Fatalf("chromium: waited for %s: %v", expression, err)
		}
		time.Sleep(50 * time.Millisecond) // between two pages evaluating fails
	}
}

// citizen is somebody with a phone.
type citizen struct {
	w   *world
	iin string
	ctx context.Context // the phone's tab
}

// citizen enrols somebody and activates the phone: it opens the page whose address has the one-time
// code.
func (w *world) citizen(iin string) *citizen {
	w.t.Helper()
	c := &citizen{w: w, iin: iin, ctx: w.browser.tab(true)}
	var code server.CitizenAnswer
	w.post(server.PathCitizens, w.admin, server.CitizenRequest{IIN: iin}, &code)
	screen := emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 2, Mobile: true}
	if _, err := chromedp.Call(c.ctx, emulation.SetDeviceMetricsOverride, screen); err != nil {
		w.t.Fatal(err)
	}
	w.browser.do(c.ctx, chromedp.Navigate(code.URL))
	w.browser.until(c.ctx, codeShown)
	return c
}

// codeShown is true once the page has drawn a code.
const codeShown = `document.querySelector("#qr")?.dataset.code !== undefined`

// page reloads the phone's page and takes a screenshot.
func (c *citizen) page() image.Image {
	t, b := c.w.t, c.w.browser
	t.Helper()
	b.do(c.ctx, chromedp.Reload())
	b.until(c.ctx, codeShown)
	shot, err := chromedp.Run(c.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatalf("take a screenshot: %v", err)
	}
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// checkScreen opens the door's own screen and reads it.
func (w *world) checkScreen() {
	w.t.Helper()
	ctx := w.browser.tab(false)
	w.browser.do(ctx, chromedp.Navigate("http://"+w.screen+"/"))
	for _, words := range []string{"Hold your code here", "Поднесите код сюда", "Кодыңызды осында көрсетіңіз"} {
		w.browser.until(ctx, fmt.Sprintf(`document.body.innerText.includes(%q)`, words))
	}
}

// camera is the picture at the door: a doorway with sensor noise, and sometimes a phone. With
// OpenCV it is a network camera (MJPEG) that the kiosk opens through GoCV, otherwise a folder of
// pictures.
type camera struct {
	t       testing.TB
	source  string
	doorway *image.Gray
	empty   []*image.Gray

	mu  sync.Mutex
	now []*image.Gray // guarded by mu: shown in turn, so that no two pictures in a row are the same
}

const (
	framesEvery = 100 * time.Millisecond
	variants    = 6
)

func newCamera(t testing.TB) *camera {
	c := &camera{t: t, doorway: qrdraw.Doorway(1280, 720, 3)}
	c.empty = c.scenes(nil)
	c.show(nil)
	if withOpenCV {
		server := httptest.NewServer(qrdraw.Stream(framesEvery, c.frame))
		t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		c.source = server.URL
		return c
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.spool(ctx, dir) }()
	t.Cleanup(func() { cancel(); <-done })
	c.source = "dir:" + dir
	return c
}

// show holds up a phone, or a bare code; nil: nobody is there.
func (c *camera) show(phone image.Image) {
	scenes := c.empty
	if phone != nil {
		scenes = c.scenes(phone)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = scenes
}

// scenes are pictures of a phone in perspective, slightly out of focus and with noise, in a
// trembling hand.
func (c *camera) scenes(phone image.Image) []*image.Gray {
	var all []*image.Gray
	for n := range variants {
		img := image.NewGray(c.doorway.Rect)
		copy(img.Pix, c.doorway.Pix)
		if phone != nil {
			h := 680 - 17*n
			w := h * phone.Bounds().Dx() / phone.Bounds().Dy()
			x, y := 600-w/2+11*n, 20+3*n
			qrdraw.Paste(img, phone, [4]image.Point{{X: x, Y: y + 12}, {X: x + w, Y: y}, {X: x + w - 14, Y: y + h},
				{X: x + 10, Y: y + h - 8}})
			qrdraw.Blur(img, 0.8)
		}
		qrdraw.Noise(img, 4, uint64(n))
		all = append(all, img)
	}
	return all
}

func (c *camera) frame(_ time.Time, n uint64) (image.Image, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now[n%variants], nil
}

// spool writes pictures into a folder until ctx ends and keeps the newest few.
func (c *camera) spool(ctx context.Context, dir string) {
	ticker := time.NewTicker(framesEvery)
	defer ticker.Stop()
	name := func(n uint64) string { return filepath.Join(dir, fmt.Sprintf("%08d.jpg", n)) }
	for n := uint64(1); ; n++ {
		img, err := c.frame(time.Now(), n)
		if err == nil {
			err = writeJPEG(name(n), img)
		}
		if err != nil {
			c.t.Errorf("camera: %v", err)
			return
		}
		if n > 20 {
			_ = os.Remove(name(n - 20)) // the test removes the folder at its end
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func writeJPEG(path string, img image.Image) error {
	file, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	if err := errors.Join(jpeg.Encode(file, img, &jpeg.Options{Quality: 90}), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// holdUp holds up a phone, or a bare code, until the panel reacts, and returns what the panel did
// until it was dark again.
func (w *world) holdUp(phone image.Image) seen {
	w.t.Helper()
	gray := image.NewGray(phone.Bounds())
	draw.Draw(gray, gray.Rect, phone, phone.Bounds().Min, draw.Src)
	w.pins.drain()
	w.late.take()
	w.camera.show(gray)
	w.await("the panel to react", func() bool { return w.pins.beeped() })
	w.camera.show(nil)
	gone := time.Now()
	w.await("the panel to be dark again", func() bool { return w.idle() })
	time.Sleep(time.Until(gone.Add(3500 * time.Millisecond))) // after that the next sighting is a new presentation
	s := w.pins.take()
	s.late = w.late.take()
	return s
}

// idle asks the door, because a blinking lamp is sometimes dark.
func (w *world) idle() bool {
	text, err := askHealth(context.Background(), w.screen)
	return err == nil && strings.Contains(text, "shows: idle")
}

// lateness measures how long this machine lets nobody run, by how late a ticker comes.
type lateness struct{ worst atomic.Int64 }

func (l *lateness) watch(ctx context.Context) {
	const every = 5 * time.Millisecond
	for last := time.Now(); ctx.Err() == nil; {
		time.Sleep(every)
		now := time.Now()
		if late := int64(now.Sub(last) - every); late > l.worst.Load() {
			l.worst.Store(late)
		}
		last = now
	}
}

// take is the worst since the last call.
func (l *lateness) take() time.Duration { return time.Duration(l.worst.Swap(0)) }

// pins follows the trace of the simulated pins.
type pins struct {
	t      testing.TB
	file   *os.File
	lines  *bufio.Reader
	events []event
	levels map[string]bool
}

type event struct {
	at   time.Time
	line string
	on   bool
}

func openPins(t testing.TB, path string) *pins {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &pins{t: t, file: file, lines: bufio.NewReader(file), levels: map[string]bool{}}
}

func (p *pins) read() {
	p.t.Helper()
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			if line != "" { // half a line: read the rest later
				p.lines = bufio.NewReader(p.file)
				if _, err := p.file.Seek(-int64(len(line)), 1); err != nil {
					p.t.Fatal(err)
				}
			}
			return
		}
		fields := strings.Split(strings.TrimSpace(line), "\t")
		ns, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil || len(fields) != 3 {
			p.t.Fatalf("trace line %q", line)
		}
		e := event{time.Unix(0, ns), fields[1], fields[2] == "1"}
		p.events, p.levels[e.line] = append(p.events, e), e.on
	}
}

func (p *pins) state() map[string]bool {
	p.t.Helper()
	p.read()
	return maps.Clone(p.levels)
}

func (p *pins) drain() {
	p.t.Helper()
	p.read()
	p.events = nil
}

func (p *pins) beeped() bool {
	p.t.Helper()
	p.read()
	for _, e := range p.events {
		if e.line == "buzzer" && e.on {
			return true
		}
	}
	return false
}

// take summarises the events. One short flash of a lamp is the heartbeat of the idle door.
func (p *pins) take() seen {
	p.t.Helper()
	p.read()
	s := seen{blinks: map[string]int{}}
	since := map[string]time.Time{}
	for _, e := range p.events {
		if e.on {
			since[e.line] = e.at
			continue
		}
		start, was := since[e.line]
		if !was {
			continue
		}
		delete(since, e.line)
		switch on := e.at.Sub(start); {
		case e.line == "relay":
			s.opened = true
		case e.line == "buzzer":
			s.beeps = append(s.beeps, on)
		case on > time.Second:
			s.steady = append(s.steady, e.line)
		default:
			s.blinks[e.line]++
		}
	}
	for lamp, n := range s.blinks {
		if n == 1 {
			delete(s.blinks, lamp)
		}
	}
	p.events = nil
	return s
}
