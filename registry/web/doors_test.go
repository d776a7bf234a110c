package web_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/enrol"
)

// orderDoors fills in the form for codes and waits for the sheet.
func orderDoors(t *testing.T, ctx context.Context, url, lines string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(url+"/admin#key="+adminKey))
	until(t, ctx, visible("inside")+" && "+visible("pages"))
	do(t, ctx, chromedp.Click(`a[href="/doors"]`))
	until(t, ctx, `location.pathname === "/doors" && `+visible("inside"))
	do(t, ctx, chromedp.SetValue("#lines", lines), chromedp.SetValue("#ssid", "Keruen Mall"),
		chromedp.SetValue("#passphrase", "correct horse"),
		chromedp.SetValue("#ring", "early"), chromedp.SetValue("#zone", "yellow"), chromedp.Click("#doors-form .main"))
	until(t, ctx, visible("printing"))
}

func TestCodeSheet(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	orderDoors(t, ctx, url, "Keruen, north; door; shopping-mall\n\n  Keruen, pharmacy;Аптека ")

	texts := eval[[]string](t, ctx, `[...document.querySelectorAll("#cards canvas")].map((canvas) => canvas.dataset.code)`)
	if len(texts) != 2 {
		t.Fatalf("%d codes on the sheet", len(texts))
	}
	for _, text := range texts {
		code, err := enrol.Parse(text)
		if pin := enrol.PinOf(options.Authority.Certificate); err != nil || code.URL != options.DoorsURL ||
			!bytes.Equal(code.Pin, pin[:]) ||
			code.SSID != "Keruen Mall" || code.Passphrase != "correct horse" || code.Country != "KZ" {
			t.Errorf("code %+v: %v", code, err)
		}
	}
	address := eval[string](t, ctx, `location.href + JSON.stringify(sessionStorage) + JSON.stringify(performance.getEntriesByType("resource").map(({ name }) => name))`)
	if strings.Contains(address, "AE1:") || strings.Contains(address, "correct") {
		t.Errorf("a secret is in an address or in the tab's memory: %s", address)
	}
	sheet := eval[string](t, ctx, `document.querySelector("#cards").innerText`)
	for _, want := range []string{"Keruen, north; door\n", "Сауда орталығы / Торговый центр / Shopping mall\n",
		"Keruen, pharmacy\n", "камерасына", "к его камере", "to its camera",
		time.Now().AddDate(0, 0, 14).Format("02.01.2006")} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet does not say %q:\n%s", want, sheet)
		}
	}
	keep(t, ctx, "doors-desktop")
	readSheet(t, ctx, texts)
	saveCode(t, ctx, texts[0])

	// Before they are enrolled, doors have no certificate.
	do(t, ctx, chromedp.Click("#another"))
	until(t, ctx, `[...document.querySelectorAll("#doors tr")].map((row) => [...row.children].map((cell) => cell.textContent).join("|")).
		includes("Keruen, pharmacy|Pharmacy|⚠ never|not yet|Early||0|0|0|0")`)
}

// readSheet prints the sheet: each half of the page has a code that the doors' decoder reads.
func readSheet(t *testing.T, ctx context.Context, texts []string) {
	t.Helper()
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	screen(t, ctx, 794, 1123, 2) // A4 at 96 px per inch
	keep(t, ctx, "doors-print")
	page := picture(t, ctx)
	half := page.Bounds().Dy() / 2
	for i, text := range texts {
		part := image.NewRGBA(image.Rect(0, 0, page.Bounds().Dx(), half))
		draw.Draw(part, part.Bounds(), page, image.Pt(0, i*half), draw.Src)
		if err := readBack(frameOf(part), text); err != nil {
			t.Errorf("half %d of the printed page: %v", i+1, err)
		}
	}
	if cut := eval[float64](t, ctx, `Math.max(...[...document.querySelectorAll(".door")].map((door) => door.scrollHeight - door.clientHeight))`); cut > 0 {
		t.Errorf("%v px of a door do not fit on its half of the page", cut)
	}
	pdf := get(t, ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if pages := bytes.Count(pdf, []byte("/Type /Page\n")); pages != 1 {
		t.Errorf("two doors take %d pages, want 1", pages)
	}
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	desktop(t, ctx)
}

// saveCode takes the first door's code as a file.
func saveCode(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	dir := t.TempDir()
	call(t, ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
	do(t, ctx, chromedp.Click("#cards .door button"))
	file := filepath.Join(dir, "ashyq-enrol.txt")
	var data []byte
	for end := time.Now().Add(patience); time.Now().Before(end) && len(data) == 0; {
		data, _ = os.ReadFile(file) // not there yet
	}
	if code, err := enrol.Parse(string(data)); err != nil || code.String() != text {
		t.Errorf("the file has %q: %v", data, err)
	}
}

func TestDoorsFormRefuses(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(url+"/doors#key="+adminKey))
	until(t, ctx, visible("inside"))
	for lines, want := range map[string]string{
		"A; shop\nB": "Line 2", "A; moon": "Line 1", "; shop": "Line 1", "A; shop\nA; shop": "two doors have the same name",
	} {
		if got := send(t, ctx, "#doors-form", map[string]string{"#lines": lines}); !strings.Contains(got, want) {
			t.Errorf("%q: the page says %q, want %q", lines, got, want)
		}
	}
	phone(t, ctx)
	if got := eval[float64](t, ctx, "document.documentElement.scrollWidth"); got > 390 {
		t.Errorf("the page is %v px wide on a phone of 390 px", got)
	}
}

// A region's doors come at once.
func TestManyDoors(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	var lines strings.Builder
	for i := range 500 {
		fmt.Fprintf(&lines, "Door %d; shop\n", i)
	}
	orderDoors(t, ctx, url, lines.String())
	if n := eval[int](t, ctx, `new Set([...document.querySelectorAll("#cards canvas")].map((canvas) => canvas.dataset.code)).size`); n != 500 {
		t.Errorf("%d codes, want 500", n)
	}
	pdf := get(t, ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if pages := bytes.Count(pdf, []byte("/Type /Page\n")); pages != 250 {
		t.Errorf("500 doors take %d pages, want 250", pages)
	}
}

func TestReleaseAndRevokeDoor(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	if err := os.WriteFile(filepath.Join(options.Bundles, "ashyq-2.raucb"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := tab(t)
	desktop(t, ctx)
	orderDoors(t, ctx, url, "Keruen; shopping-mall")
	do(t, ctx, chromedp.Navigate(url+"/updates"))
	until(t, ctx, visible("inside"))
	fields := map[string]string{"#release-ring": "early", "#release-bundle": "ashyq-3.raucb", "#release-version": "3.0"}
	if got := send(t, ctx, "#release-form", fields); !strings.Contains(got, "no such bundle") {
		t.Errorf("a bundle that is not there: %q", got)
	}
	fields["#release-bundle"], fields["#release-version"] = "ashyq-2.raucb", "2.0"
	send(t, ctx, "#release-form", fields)
	until(t, ctx, `document.querySelector("#releases").innerText.includes("Early\t2.0\tashyq-2.raucb")`)
	send(t, ctx, "#release-form", map[string]string{"#release-ring": "early"})
	until(t, ctx, `document.querySelector("#releases-count").textContent === "0"`)

	do(t, ctx, chromedp.Navigate(url+"/doors"))
	until(t, ctx, visible("inside"))
	do(t, ctx, chromedp.Click("#revoke-door-form [type=checkbox]"), chromedp.SetValue("#revoke-door-name", "Keruen"),
		chromedp.Click("#revoke-door-form .main"))
	until(t, ctx, `document.querySelector("#revoke-door-form output").textContent === "Revoked: Keruen."`)
	until(t, ctx, `document.querySelector("#doors").innerText.includes("⚠ Revoked")`)
	keep(t, ctx, "doors-revoked")
}
