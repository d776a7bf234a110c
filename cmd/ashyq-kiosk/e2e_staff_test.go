package main

import (
	"bytes"
	"fmt"
	"image"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/scanner/qrdraw"
)

// TestStaffPhoneEndToEnd is the staff's phone with real parts: Chromium whose camera sees a drawn
// code, the doors' decoder as WebAssembly, and the registry as a process, which decides as a door
// does.
func TestStaffPhoneEndToEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	if testing.Short() {
		t.Skip("-short leaves registry and browser to make test")
	}
	build := exec.Command(".ci/reader")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the reader: %v\n%s", err, out)
	}
	m := newMall(t, 2)
	var session server.AccountAnswer
	m.post(server.PathAccounts, m.admin, server.AccountRequest{Name: "Evening shift", Role: store.Staff, Venue: m.venue}, &session)
	people := numbers(3)
	visitor, ill := m.phone(people[0]), m.phone(people[1])
	m.post(server.PathSources, m.admin, server.SourceRequest{Name: "Centre", Kind: server.Covid19Centre}, nil)
	var lab server.SourceAnswer
	m.post(server.PathSources, m.admin, server.SourceRequest{Name: "Laboratory", Kind: server.Laboratory}, &lab)
	m.lab = lab.Key
	m.result(&citizen{iin: people[1]}, "positive", time.Now().Add(-time.Hour))

	t.Log("the camera sees a pass, and the page says what a door would")
	code := visitor.code()
	video := m.write("camera.y4m", y4m(qrdraw.Draw(code, qrdraw.Options{Module: 6})))
	m.browser = newBrowser(t, chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", video), chromedp.Flag("lang", "ru"))
	page := m.browser.tab(false)
	m.browser.do(page, chromedp.EmulateViewport(390, 844), chromedp.Navigate(m.direct+"/staff#key="+session.Key))
	m.browser.until(page, `document.querySelector("#where").textContent === "Mall"`)
	m.browser.do(page, chromedp.Click(`[data-language="ru"]`), chromedp.Click("#camera"))
	m.browser.until(page, `document.querySelector("#verdict").open && document.querySelector("#head").textContent === "Добро пожаловать"`)
	m.browser.until(page, `document.querySelector("#verdict").dataset.colour === "blue" && document.querySelector("#count").textContent === "1 из 2"`)
	if dir := os.Getenv("ASHYQ_SCREENSHOTS"); dir != "" {
		if png, err := chromedp.Run(page, chromedp.CaptureScreenshot()); err != nil || os.WriteFile(filepath.Join(dir, "staff-camera.png"), png, 0o644) != nil {
			t.Error("no screenshot")
		}
	}
	m.browser.until(page, `!document.querySelector("#verdict").open`) // it ends by itself
	time.Sleep(2 * time.Second)                                       // the code is still in front of the camera

	t.Log("the same rules, the same guard, the venue's counts")
	check := func(what, code, signal, reason string) {
		t.Helper()
		var d server.DeskDecision
		m.post(server.PathDesk, session.Key, server.DeskRequest{Code: code}, &d)
		if d.Signal != signal || d.Reason != reason || d.Lines["kk"].Head == "" {
			t.Errorf("%s: %+v, want %s %s", what, d, signal, reason)
		}
	}
	check("the same code", code, "code-refused", "replayed")
	check("an ill person", ill.code(), "turned-back", "")
	check("somebody else", m.phone(people[2]).code(), "admitted", "")
	time.Sleep(time.Second) // a code is of a second
	check("a full venue", m.phone(numbers(4)[3]).code(), "full", "")
	check("no pass", "HELLO", "code-problem", "not-a-pass")
	var desk server.DeskAnswer
	m.get(server.PathDesk, session.Key, &desk)
	if want := map[string]uint64{"admitted/blue": 2, "turned-back/red": 1, "code-refused/none": 1, "full/none": 1, "code-problem/none": 1}; fmt.Sprint(desk.Checks) != fmt.Sprint(want) || desk.Hall.Inside != 2 {
		t.Errorf("the venue has %v and %+v, want %v", desk.Checks, desk.Hall, want)
	}

	t.Log("a session has limits")
	codes := map[int]int{}
	for range 20 {
		req, err := http.NewRequest(http.MethodPost, m.direct+server.PathDesk, strings.NewReader(`{"code": "HELLO"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+session.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		codes[resp.StatusCode]++
	}
	if codes[http.StatusOK] > 12 || codes[http.StatusTooManyRequests] == 0 {
		t.Errorf("20 checks at once: %v", codes)
	}
	if log := m.registry.output(); strings.Contains(log, "AQ1:") || strings.Contains(log, people[0]) {
		t.Error("the registry's log has a pass or a person in it")
	}
}

// y4m is a video of ten frames with a code in the middle, for Chromium's made camera.
func y4m(code *image.Gray) string {
	const width, height = 1280, 720
	frame := bytes.Repeat([]byte{200}, width*height)
	left, top := (width-code.Rect.Dx())/2, (height-code.Rect.Dy())/2
	for y := range code.Rect.Dy() {
		copy(frame[(top+y)*width+left:], code.Pix[y*code.Stride:][:code.Rect.Dx()])
	}
	var video bytes.Buffer
	fmt.Fprintf(&video, "YUV4MPEG2 W%d H%d F10:1 Ip C420jpeg\n", width, height)
	for range 10 {
		video.WriteString("FRAME\n")
		video.Write(frame)
		video.Write(bytes.Repeat([]byte{128}, width*height/2))
	}
	return video.String()
}
