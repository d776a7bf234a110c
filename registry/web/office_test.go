package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
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
	"github.com/chromedp/chromedp/kb"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/registry/web"
)

const (
	adminKey = "k1-he-administrators-keyAAAAAAAAAAAAAAAAAAAAA"
	alice    = "900101300007" // made up, with right check digits
	bob      = "850515400012"
)

// realRegistry runs the registry itself, over a database in a file, with the pages beside it and an
// address for doors.
func realRegistry(t *testing.T) (url string, options server.Options) {
	t.Helper()
	return registryOver(t, openStore(t))
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func registryOver(t *testing.T, data *store.Store) (url string, options server.Options) {
	t.Helper()
	return registryThat(t, data, func(*server.Options) {})
}

func registryWith(t *testing.T, data *store.Store, alerting server.AlertOptions) (url string, options server.Options) {
	t.Helper()
	return registryThat(t, data, func(o *server.Options) { o.Alerts = alerting })
}

// registryThat is a registry with other options.
func registryThat(t *testing.T, data *store.Store, change func(*server.Options)) (url string, options server.Options) {
	t.Helper()
	return startRegistry(t, data, change, false)
}

// secureRegistry speaks HTTPS, with a certificate of its own authority.
func secureRegistry(t *testing.T, data *store.Store, change func(*server.Options)) (url string, options server.Options) {
	t.Helper()
	return startRegistry(t, data, change, true)
}

func startRegistry(t *testing.T, data *store.Store, change func(*server.Options), secure bool) (url string, options server.Options) {
	t.Helper()
	authority := newAuthority(t)
	config, err := authority.TLS("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pages, doors := listen(t), listen(t)
	url = "http://" + pages.Addr().String()
	if secure {
		url = "https://" + pages.Addr().String()
		pages = tls.NewListener(pages, config)
	}
	options = server.Options{
		Store:        data,
		RegistryKey:  ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)),
		IssuerKey:    ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize)),
		AdminKey:     adminKey,
		PublicURL:    url,
		DefaultRules: kiosk.DefaultRulesJSON(),
		DoorsURL:     "https://" + doors.Addr().String(),
		Authority:    authority,
		Bundles:      t.TempDir(),
		NewDesk:      newMadeDesk,
		Log:          slog.New(slog.DiscardHandler),
	}
	change(&options)
	registry, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- registry.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("registry: %v", err)
		}
		if err := data.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/", web.Handler())
	mux.Handle("/v1/", registry)
	serve(t, pages, mux)
	serve(t, tls.NewListener(doors, config), registry.Doors())
	return url, options
}

func newAuthority(t *testing.T) *server.Authority {
	t.Helper()
	key, err := server.NewAuthorityKey()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := server.SelfSign(key)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := server.LoadAuthority(key, certificate)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func serve(t *testing.T, listener net.Listener, handler http.Handler) {
	t.Helper()
	front := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	front.Start()
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
}

func issuerOf(options server.Options) ed25519.PublicKey {
	return options.IssuerKey.Public().(ed25519.PublicKey)
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
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/admin"))
	until(t, ctx, visible("gate"))
	keep(t, ctx, "admin-key")
	do(t, ctx, chromedp.SendKeys("#key", adminKey[2:]), chromedp.Click("#key-form .main"))
	until(t, ctx, visible("gate")+` && document.querySelector("#key-error").textContent.includes("copy the whole key")`)
	do(t, ctx, chromedp.SendKeys("#key", server.NewKey()), chromedp.Click("#key-form .main"))
	until(t, ctx, visible("gate")+` && document.querySelector("#key-error").textContent.includes("unknown key")`)
	do(t, ctx, chromedp.SendKeys("#key", adminKey), chromedp.Click("#key-form .main"))
	until(t, ctx, visible("inside")+` && document.querySelectorAll("#tiles .tile").length === 5`)
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

// The whole way of a person through the registry, on its pages alone: enrolled, activated, found
// positive, withdrawn.
func TestOffice(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	admin := tab(t)
	desktop(t, admin)
	do(t, admin, chromedp.Navigate(url+"/people#key="+adminKey))
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
	if err := code.Verify(pass.NewIssuers([]ed25519.PublicKey{issuerOf(options)}), time.Now()); err != nil {
		t.Errorf("the shown code: %v", err)
	}
	until(t, citizen, `document.querySelector("#status").dataset.colour === "blue"`)

	do(t, admin, chromedp.Navigate(url+"/sources"))
	until(t, admin, visible("inside"))
	send(t, admin, "#source-form", map[string]string{"#source-name": "City laboratory 3", "#source-kind": "laboratory"})
	labLink := values(t, admin, "#source-form")[1]
	sheet := tab(t)
	orderDoors(t, sheet, url, "Kenesary 40, main entrance; shopping-mall")
	doorCode := eval[string](t, sheet, `document.querySelector("#cards canvas").dataset.code`)

	lab := tab(t)
	desktop(t, lab)
	do(t, lab, chromedp.Navigate(labLink))
	until(t, lab, visible("record-form"))
	enterResult(t, lab, "T-1", alice, "positive")
	until(t, lab, `document.querySelector("#record-form output").textContent.includes("T-1")`)
	eval[chromedp.Void](t, citizen, `window.dispatchEvent(new Event("online"))`)
	until(t, citizen, `(window.dispatchEvent(new Event("online")), document.querySelector("#status").dataset.colour === "red")`)

	// A second laboratory result says otherwise: a person has to look at it.
	enterResult(t, lab, "T-2", alice, "negative")
	until(t, lab, `document.querySelector("#record-form output").textContent.includes("Negative, T-2")`)
	until(t, admin, `document.querySelector("#sources").innerText.includes("City laboratory 3")`)
	do(t, admin, chromedp.Navigate(url+"/admin"))
	until(t, admin, `document.querySelectorAll("#tiles strong")[3]?.textContent === "1"`)
	until(t, admin, `document.querySelector("#statuses li[data-colour=red] strong").textContent === "1"`)

	until(t, sheet, `document.querySelector("#doors .late") !== null`) // never seen
	sendCounts(t, doorCode)
	until(t, sheet, `document.querySelector("#doors .late") === null &&
		[...document.querySelectorAll("#doors .number")].map((cell) => cell.textContent).join() === "49,42,5,2"`)
	until(t, admin, `document.querySelectorAll("#tiles strong")[2].textContent === "49"`)
	keep(t, admin, "admin-desktop")
	phone(t, admin)
	if got := eval[float64](t, admin, "document.documentElement.scrollWidth"); got > 390 {
		t.Errorf("the overview is %v px wide on a phone of 390 px", got)
	}
	keep(t, admin, "admin-phone")

	desktop(t, admin)
	tabTo(t, admin, `a[href="/people"]`)
	keys(t, admin, kb.Enter)
	until(t, admin, `location.pathname === "/people" && `+visible("inside"))
	do(t, admin, chromedp.Click("#revoke-form [type=checkbox]"))
	do(t, admin, chromedp.SetValue("#revoke-iin", alice), chromedp.Click("#revoke-form .main"))
	until(t, admin, `document.querySelector("#revoke-form output").className === "good"`)
	until(t, citizen, `(window.dispatchEvent(new Event("online")), `+visible("ended")+`)`)
}

// sendCounts enrols a door with a code and sends a report as the door does.
func sendCounts(t *testing.T, text string) {
	t.Helper()
	code, err := enrol.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	const device = "00112233aabbccdd"
	dir := t.TempDir()
	enroller := &enrol.Enroller{
		Dir: dir, Device: device, Check: func([]byte) error { return nil },
		Dial: func(c enrol.Code) (enrol.Registry, error) {
			return client.New(client.Config{URL: c.URL, Authority: c.Trusts})
		},
	}
	if err := enroller.Enrol(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	identity, err := enrol.Open(filepath.Join(dir, "identity.pem"), filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	door, err := client.New(client.Config{URL: code.URL, Identity: identity.TLS, Device: device})
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	now := time.Now().UTC()
	body, err := json.Marshal(api.Counts{ID: "1", From: now.Add(-time.Minute), To: now, Count: map[string]uint64{
		"admitted/green": 40, "admitted-here/yellow": 2, "turned-back/red": 5, "code-problem/none": 2,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := door.SendCounts(t.Context(), body); err != nil {
		t.Fatal(err)
	}
}

func TestPaper(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/people#key="+adminKey))
	until(t, ctx, visible("inside"))
	do(t, ctx, chromedp.SetValue("#paper-iin", bob), chromedp.Click("#paper-form .main"))
	until(t, ctx, `location.pathname === "/paper" && `+visible("printing"))

	text := shown(t, ctx)
	code, err := pass.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := code.Verify(pass.NewIssuers([]ed25519.PublicKey{issuerOf(options)}), time.Now()); err != nil || !code.IsPaper() {
		t.Errorf("the printed code: paper %v, %v", code.IsPaper(), err)
	}
	keep(t, ctx, "paper-desktop")
	if err := shows(t, ctx, text); err != nil {
		t.Errorf("the sheet on the screen: %v", err)
	}
	sheet := eval[string](t, ctx, `document.querySelector(".paper").innerText`)
	if strings.Contains(sheet, bob) || strings.Contains(eval[string](t, ctx, "location.href + JSON.stringify(sessionStorage)"), bob) {
		t.Error("the IIN is on the sheet, in the address or still in the tab's memory")
	}
	for _, want := range []string{"Жарамды мерзімі", "Действует до", "Valid until", code.Credential.Month.End().Add(-time.Second).Format("02.01.2006"),
		"көшірмесі де", "копия тоже действует", "a copy works", "қағазды қабылдамайды", "бумагу не принимают", "do not take paper",
		"күші жойылып", "отзовут", "it is revoked"} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet does not say %q:\n%s", want, sheet)
		}
	}

	do(t, ctx, chromedp.SendKeys("#holder", "Айгүл Смағұлова"))
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	screen(t, ctx, 397, 559, 2) // A6 at 96 px per inch
	keep(t, ctx, "paper-print")
	if err := shows(t, ctx, text); err != nil {
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
