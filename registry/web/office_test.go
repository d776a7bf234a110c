package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/registry/web"
)

const (
	adminKey = "the-administrators-key"
	alice    = "900101300007" // made up, with right check digits
	bob      = "850515400012"
)

// realRegistry runs the registry itself, over a database in a file, with the pages beside it.
func realRegistry(t *testing.T, changes ...func(*server.Options)) (url string, issuer ed25519.PublicKey) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url = "http://" + listener.Addr().String()
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	issuerKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	options := server.Options{
		Store:       data,
		RegistryKey: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)),
		IssuerKey:   issuerKey,
		AdminKey:    adminKey,
		PublicURL:   url,
		Log:         slog.New(slog.DiscardHandler),
	}
	for _, change := range changes {
		change(&options)
	}
	registry, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- registry.Run(ctx) }()

	mux := http.NewServeMux()
	mux.Handle("/", web.Handler())
	mux.Handle("/v1/", registry)
	pages := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	pages.Start()
	t.Cleanup(func() {
		pages.CloseClientConnections()
		pages.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("registry: %v", err)
		}
		if err := data.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return url, issuerKey.Public().(ed25519.PublicKey)
}

// send fills in a form and waits for its result, which it gives as text.
func send(t *testing.T, ctx context.Context, form string, fields map[string]string) string {
	t.Helper()
	eval[chromedp.Void](t, ctx, `document.querySelector(%s).reset()`, form)
	for selector, value := range fields {
		do(t, ctx, chromedp.SetValue(selector, value))
	}
	do(t, ctx, chromedp.Click(form+" button.main"))
	until(t, ctx, `["good", "error"].includes(document.querySelector(%s).className)`, form+" output")
	return eval[string](t, ctx, `document.querySelector(%s).innerText`, form+" output")
}

// values are the texts that a result offers to copy.
func values(t *testing.T, ctx context.Context, form string) []string {
	t.Helper()
	return eval[[]string](t, ctx, `[...document.querySelectorAll(%s)].map((value) => value.textContent)`, form+" .value")
}

func TestKey(t *testing.T) {
	url, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/admin"))
	until(t, ctx, visible("gate"))
	keep(t, ctx, "admin-key")
	do(t, ctx, chromedp.SendKeys("#key", "wrong"), chromedp.Click("#key-form .main"))
	until(t, ctx, visible("gate")+` && document.querySelector("#key-error").textContent.includes("unknown key")`)
	do(t, ctx, chromedp.SendKeys("#key", adminKey), chromedp.Click("#key-form .main"))
	until(t, ctx, visible("inside")+` && document.querySelectorAll("#tiles .tile").length === 3`)
	do(t, ctx, chromedp.Click("#forget"))
	until(t, ctx, visible("gate"))
	if got := eval[string](t, ctx, `JSON.stringify(sessionStorage) + document.querySelector("#tiles").textContent`); got != "{}" {
		t.Errorf("after forgetting the key the page still has %s", got)
	}

	do(t, ctx, chromedp.Navigate(url+"/admin#key="+adminKey))
	do(t, ctx, chromedp.Reload()) // only the fragment differed: not a new document
	until(t, ctx, visible("inside"))
	if got := eval[string](t, ctx, "location.href"); got != url+"/admin" {
		t.Errorf("the address %q still holds the key", got)
	}
}

// The whole way of a person through the registry, on its pages alone: enrolled, activated, found positive, withdrawn.
func TestOffice(t *testing.T) {
	url, issuer := realRegistry(t)
	admin := tab(t)
	desktop(t, admin)
	do(t, admin, chromedp.Navigate(url+"/admin#key="+adminKey))
	until(t, admin, visible("inside"))

	if got := send(t, admin, "#citizen-form", map[string]string{"#citizen-iin": alice[:11] + "1"}); !strings.Contains(got, "IIN") {
		t.Errorf("an IIN with a wrong check digit: %q", got)
	}
	send(t, admin, "#citizen-form", map[string]string{"#citizen-iin": alice})
	link := values(t, admin, "#citizen-form")[1]

	citizen := tab(t)
	phone(t, citizen)
	do(t, citizen, chromedp.Navigate(link))
	until(t, citizen, shownCode+` !== undefined`)
	code, err := pass.Parse([]byte(shown(t, citizen)))
	if err != nil {
		t.Fatal(err)
	}
	if err := code.Verify(pass.NewIssuers([]ed25519.PublicKey{issuer}), time.Now()); err != nil {
		t.Errorf("the shown code: %v", err)
	}
	until(t, citizen, `document.querySelector("#status").dataset.colour === "blue"`)

	send(t, admin, "#source-form", map[string]string{"#source-name": "City laboratory 3", "#source-kind": "laboratory"})
	labLink := values(t, admin, "#source-form")[1]
	send(t, admin, "#kiosk-form", map[string]string{"#kiosk-name": "Kenesary 40, main entrance", "#venue": "shopping-mall"})
	snippet := values(t, admin, "#kiosk-form")[0]
	if !strings.HasPrefix(snippet, "[registry]\nurl = \""+url+"\"\nkey = \"") || !strings.Contains(snippet, "\ntoken = \"") {
		t.Errorf("the kiosk's configuration:\n%s", snippet)
	}
	if got := send(t, admin, "#kiosk-form", map[string]string{"#kiosk-name": "Kenesary 40, main entrance", "#venue": "shop"}); !strings.Contains(got, "taken") {
		t.Errorf("a second kiosk of the same name: %q", got)
	}

	lab := tab(t)
	desktop(t, lab)
	do(t, lab, chromedp.Navigate(labLink))
	until(t, lab, visible("record-form"))
	first := eval[string](t, lab, `document.querySelector("#sample").value`)
	do(t, lab, chromedp.Click(`[name="result"][value="positive"]`), chromedp.SetValue("#iin", alice), chromedp.Click("#record-form .main"))
	until(t, lab, `document.querySelector("#record-form output").textContent.includes(%s)`, first)
	keep(t, lab, "lab-desktop")
	if next := eval[string](t, lab, `document.querySelector("#sample").value`); next == first || next == "" {
		t.Errorf("the next sample is %q after %q", next, first)
	}
	eval[chromedp.Void](t, citizen, `window.dispatchEvent(new Event("online"))`)
	until(t, citizen, `(window.dispatchEvent(new Event("online")), document.querySelector("#status").dataset.colour === "red")`)

	// A second laboratory result says otherwise: a person has to look at it.
	do(t, lab, chromedp.Click(`[name="result"][value="negative"]`), chromedp.SetValue("#iin", alice), chromedp.Click("#record-form .main"))
	until(t, lab, `document.querySelector("#record-form output").textContent.includes("result: Negative")`)
	until(t, admin, `document.querySelector("#disagreements").innerText.startsWith(%s)`, alice+"\tRed\tGreen")
	until(t, admin, `document.querySelector("#statuses li[data-colour=red] strong").textContent === "1"`)

	until(t, admin, `document.querySelector("#kiosks .late") !== null`) // never seen
	sendCounts(t, url, snippet)
	until(t, admin, `document.querySelector("#kiosks .late") === null &&
		[...document.querySelectorAll("#kiosks .number")].map((cell) => cell.textContent).join() === "49,42,5,2"`)
	until(t, admin, `document.querySelector("#sources").innerText.includes("City laboratory 3")`)
	keep(t, admin, "admin-desktop")
	phone(t, admin)
	if got := eval[float64](t, admin, "document.documentElement.scrollWidth"); got > 390 {
		t.Errorf("the administrator's page is %v px wide on a phone of 390 px", got)
	}
	keep(t, admin, "admin-phone")

	do(t, admin, chromedp.Click("#revoke-form [type=checkbox]"))
	do(t, admin, chromedp.SetValue("#revoke-iin", alice), chromedp.Click("#revoke-form .main"))
	until(t, admin, `document.querySelector("#revoke-form output").className === "good"`)
	until(t, citizen, `(window.dispatchEvent(new Event("online")), `+visible("ended")+`)`)
}

// sendCounts is what the kiosk does that was configured with the snippet.
func sendCounts(t *testing.T, url, snippet string) {
	t.Helper()
	_, token, _ := strings.Cut(snippet, `token = "`)
	token, _, _ = strings.Cut(token, `"`)
	now := time.Now().UTC()
	body, err := json.Marshal(api.Counts{ID: "1", From: now.Add(-time.Minute), To: now, Count: map[string]uint64{
		"admitted/green": 40, "admitted-here/yellow": 2, "turned-back/red": 5, "code-problem/none": 2,
	}})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+api.PathCounts, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("counts of the new kiosk: %s", answer.Status)
	}
}

func TestContact(t *testing.T) {
	url, _ := realRegistry(t)
	admin := tab(t)
	do(t, admin, chromedp.Navigate(url+"/admin#key="+adminKey))
	until(t, admin, visible("inside"))
	send(t, admin, "#source-form", map[string]string{"#source-name": "Control centre", "#source-kind": "control-centre"})

	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(values(t, admin, "#source-form")[1]))
	until(t, ctx, visible("record-form"))
	keep(t, ctx, "lab-phone")
	// A control centre's key is not good for results; the page says so in the registry's words.
	do(t, ctx, chromedp.Click(`[name="result"][value="negative"]`), chromedp.SetValue("#iin", bob), chromedp.Click("#record-form .main"))
	until(t, ctx, `document.querySelector("#record-form output").textContent.includes("this key is of a control-centre")`)
	do(t, ctx, chromedp.Click(`[name="what"][value="contact"]`), chromedp.Click("#record-form .main"))
	until(t, ctx, `document.querySelector("#record-form output").textContent.includes("Recorded: contact")`)
	keep(t, ctx, "lab-contact-phone")
	until(t, admin, `document.querySelector("#statuses li[data-colour=yellow] strong").textContent === "1"`)
}

func TestPaper(t *testing.T) {
	url, issuer := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/admin#key="+adminKey))
	until(t, ctx, visible("inside"))
	do(t, ctx, chromedp.SetValue("#paper-iin", bob), chromedp.Click("#paper-form .main"))
	until(t, ctx, `location.pathname === "/paper" && `+visible("printing"))

	text := shown(t, ctx)
	code, err := pass.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := code.Verify(pass.NewIssuers([]ed25519.PublicKey{issuer}), time.Now()); err != nil || !code.IsPaper() {
		t.Errorf("the printed code: paper %v, %v", code.IsPaper(), err)
	}
	keep(t, ctx, "paper-desktop")
	if err := readBack(frameOf(picture(t, ctx)), text); err != nil {
		t.Errorf("the sheet on the screen: %v", err)
	}
	sheet := eval[string](t, ctx, `document.querySelector(".paper").innerText`)
	if strings.Contains(sheet, bob) || strings.Contains(eval[string](t, ctx, "location.href + JSON.stringify(sessionStorage)"), bob) {
		t.Error("the IIN is on the sheet, in the address or still in the tab's memory")
	}
	for _, want := range []string{"Жарамды мерзімі", "Действует до", "Valid until", code.Credential.Expires.Local().Format("02.01.2006")} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet does not say %q:\n%s", want, sheet)
		}
	}

	do(t, ctx, chromedp.SendKeys("#holder", "Айгүл Смағұлова"))
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	screen(t, ctx, 397, 559, 2) // A6 at 96 px per inch
	keep(t, ctx, "paper-print")
	if err := readBack(frameOf(picture(t, ctx)), text); err != nil {
		t.Errorf("the sheet in print: %v", err)
	}
	if cut := eval[float64](t, ctx, `document.querySelector(".paper").scrollHeight - document.querySelector(".paper").clientHeight`); cut > 0 {
		t.Errorf("%v px of the sheet do not fit on A6", cut)
	}
	pdf := get(t, ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if pages := bytes.Count(pdf, []byte("/Type /Page\n")); pages != 1 {
		t.Errorf("printing takes %d pages, want 1", pages)
	}
}
