package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/draw"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/alert"
	"ashyq-kiosk/registry/alert/alerttest"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// venuesCSV is a file of n venues in eight regions, with two entrances and an exit each, and one row
// that cannot be used.
func venuesCSV(t *testing.T, n int) string {
	t.Helper()
	var file strings.Builder
	file.WriteString("\ufeffБИН;Название;Вид объекта;Регион;Адрес;Телефон;Входы;Выходы\r\n")
	regions := []string{"Алматы", "Астана", "Шымкент", "Акмолинская область", "Актюбинская обл.",
		"Атырауская область", "Павлодарская область", "Абай облысы"}
	for i := range n {
		fmt.Fprintf(&file, "990140000007;Дүкен %03d;магазин;%s;Абай д. %d;8 701 000 00 00;Солтүстік|Оңтүстік;1\r\n", i, regions[i%8], i)
	}
	file.WriteString("990140000008;Кафе;кафе;Алматы;;;;\r\n")
	name := filepath.Join(t.TempDir(), "venues.csv")
	if err := os.WriteFile(name, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// speak chooses the page's language.
func speak(t *testing.T, ctx context.Context, language string) {
	t.Helper()
	do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
	until(t, ctx, `document.documentElement.lang === %s`, language)
}

// downloads lets the browser save files, and gives the folder.
func downloads(t *testing.T, ctx context.Context) string {
	t.Helper()
	dir := t.TempDir()
	call(t, ctx, cdpbrowser.SetDownloadBehavior,
		cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
	return dir
}

func saved(t *testing.T, file string) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if data, err := os.ReadFile(file); err == nil && len(data) > 0 {
			return string(data)
		}
	}
	t.Fatalf("%s was not saved", file)
	return ""
}

// 500 venues come out of a file: a preview, the import, the report; the same file again changes
// nothing. Then their region's doors and codes are made and printed.
func TestVenuesFromAFile(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	dir := downloads(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/places#key="+adminKey))
	until(t, ctx, visible("listing")+` && document.querySelector("#region").length > 20`)
	speak(t, ctx, "ru")
	file := venuesCSV(t, 500)
	do(t, ctx, chromedp.SetUploadFiles("#file", []string{file}), chromedp.Click("#file-form .main"))
	until(t, ctx, `document.querySelector("#import")`)
	said := eval[string](t, ctx, `document.querySelector("#file-form output").innerText`)
	for _, want := range []string{"Новых объектов: 500", "Дверей в них: 1500", "Алматы: 63",
		"Не приняты строки: 1", "строка 502, БИН: не сходится контрольная цифра"} {
		if !strings.Contains(said, want) {
			t.Errorf("the preview does not say %q:\n%s", want, said)
		}
	}
	keep(t, ctx, "places-preview-ru")
	inLooks(t, ctx, "places-preview")
	if list, err := options.Store.Venues(t.Context(), "", nil, 1); err != nil || len(list) != 0 {
		t.Errorf("the preview stored %+v, %v", list, err)
	}
	do(t, ctx, chromedp.Click("#report"))
	if report := saved(t, filepath.Join(dir, "ashyq-refused.csv")); !strings.HasPrefix(report,
		"\ufeffстрока;столбец;причина\r\n502;БИН;не сходится") {
		t.Errorf("the report: %q", report)
	}
	do(t, ctx, chromedp.Click("#import"))
	until(t, ctx, `document.querySelector("#venues").rows.length === 101 && document.querySelector("#file-form output").innerText.includes("Сохранено")`)
	do(t, ctx, chromedp.SetUploadFiles("#file", []string{file}), chromedp.Click("#file-form .main"))
	until(t, ctx, `document.querySelector('[data-count="same"]').textContent === "Без изменений: 500" && !document.querySelector("#import")`)

	do(t, ctx, chromedp.SetValue("#sheets-region", "KZ-75"), chromedp.Click("#sheets-form .main"))
	until(t, ctx, visible("printing"))
	codes := eval[[]string](t, ctx,
		`[...document.querySelectorAll("#sheets canvas")].map((canvas) => canvas.dataset.code)`)
	if sheets := eval[int](t, ctx, `document.querySelectorAll(".venue-sheet").length`); sheets != 63 ||
		len(codes) != 189 {
		t.Errorf("%d sheets with %d codes", sheets, len(codes))
	}
	if address := eval[string](t, ctx,
		`location.href + JSON.stringify(sessionStorage)`); strings.Contains(address, "AE1:") {
		t.Errorf("a secret is in an address or in the tab's memory: %s", address)
	}
	sheet := eval[string](t, ctx, `document.querySelector(".venue-sheet").innerText`)
	for _, want := range []string{"Дүкен 000", "Алматы, Абай д. 0, +77010000000", "Солтүстік", "Кіру / Вход",
		"Шығу / Выход", "камерасына", "к его камере", time.Now().AddDate(0, 0, 14).Format("02.01.2006")} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet does not say %q:\n%s", want, sheet)
		}
	}
	keepScreen(t, ctx, "places-sheets-ru")
	audit(t, ctx)
	pdf := get(t, ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if pages := bytes.Count(pdf, []byte("/Type /Page\n")); pages != 63 {
		t.Errorf("63 venues take %d pages", pages)
	}
	readVenueSheet(t, ctx, codes[:3])
	do(t, ctx, chromedp.Click("#done"))
	until(t, ctx, visible("listing"))
	do(t, ctx, chromedp.Click("#sheets-form .main")) // what is printed stays valid
	until(t, ctx, `document.querySelector("#sheets-form output").textContent.startsWith("Новые коды не нужны")`)
}

// readVenueSheet prints the first sheet: a door's decoder reads each of its codes.
func readVenueSheet(t *testing.T, ctx context.Context, texts []string) {
	t.Helper()
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	screen(t, ctx, 794, 1123, 2) // A4 at 96 px per inch
	keepScreen(t, ctx, "places-print")
	for i, text := range texts {
		do(t, ctx, chromedp.ScrollIntoView(fmt.Sprintf(".venue-sheet:first-child .door-code:nth-child(%d) canvas", i+1)))
		clip := eval[map[string]float64](t, ctx, fmt.Sprintf(`(({x, y, width, height}) => ({x, y, width,
			height}))(document.querySelectorAll("#sheets canvas")[%d].getBoundingClientRect())`, i))
		if clip["width"] < 200 {
			t.Errorf("code %d is %v px wide", i, clip["width"])
		}
		if code, err := enrol.Parse(text); err != nil || code.String() != text {
			t.Errorf("code %d: %v", i, err)
		}
		if err := readBack(frameOf(cut(picture(t, ctx), clip, 2)), text); err != nil {
			t.Errorf("code %d of the printed page: %v", i, err)
		}
	}
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	desktop(t, ctx)
}

// The device of a door is replaced with the keyboard alone, and the page says what happens.
func TestReplaceOnThePage(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	if err := options.Store.PutVenues(t.Context(), []store.Venue{{BIN: "990140000007", Name: "Керуен",
		Kind: "shop", Region: "KZ-75", Zone: "green", Address: "Абай 1"}}); err != nil {
		t.Fatal(err)
	}
	var sheets server.SheetsAnswer
	office(t, url, server.PathSheets, adminKey, server.SheetsRequest{Venue: 1}, &sheets)
	enrolDevice(t, options, sheets.Venues[0].Doors[0].Code, "00112233aabbccdd")

	do(t, ctx, chromedp.Navigate(url+"/places#key="+adminKey))
	until(t, ctx, `document.querySelector("[data-venue]")`)
	speak(t, ctx, "kk")
	press := func(selector string) { // as somebody without a mouse
		t.Helper()
		do(t, ctx, chromedp.Focus(selector))
		do(t, ctx, chromedp.KeyEvent("\r"))
	}
	press("[data-venue]")
	until(t, ctx, visible("one")+` && document.querySelector("#one-doors").innerText.includes("Тіркелген")`)
	keep(t, ctx, "places-venue-kk")
	inLooks(t, ctx, "places-venue")
	press("[data-replace]")
	until(t, ctx, `document.querySelector("#replace").open && document.querySelector("#replace-name").textContent === "Керуен"`)
	keepScreen(t, ctx, "places-replace-kk")
	audit(t, ctx)
	do(t, ctx, chromedp.KeyEvent("\x1b"))
	until(t, ctx, `!document.querySelector("#replace").open`)
	press("[data-replace]")
	until(t, ctx, `document.querySelector("#replace").open`)
	press(`#replace [value="yes"]`)
	until(t, ctx, visible("printing"))
	code := eval[string](t, ctx, `document.querySelector("#sheets canvas").dataset.code`)
	press("#done")
	until(t, ctx, `document.querySelector("#one-doors").innerText.includes("Оған дейін қазіргісі істейді")`)
	enrolDevice(t, options, code, "99112233aabbccdd")
	speak(t, ctx, "ru")
	until(t, ctx, `document.querySelector("#one-doors").innerText.includes("Старое устройство отозвано")`)
	keep(t, ctx, "places-replaced-ru")
}

// enrolDevice lets a device use a code.
func enrolDevice(t *testing.T, options server.Options, text, device string) {
	t.Helper()
	code, err := enrol.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	key := store.SecretOf(device)
	err = options.Store.Enrol(t.Context(), tokenOf(code), store.Enrollee{Device: device, Key: key, SealKey: make([]byte, 32)}, time.Now(),
		func(d store.Door) (store.Certificate, error) {
			return store.Certificate{Door: d.ID, Print: key, Until: time.Now().Add(time.Hour)}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

// Somebody is added, tested and removed; the secret of a webhook is shown once.
func TestAlertsPage(t *testing.T) {
	t.Parallel()
	mail, hook := alerttest.NewMailServer(t), alerttest.NewHookServer(t)
	url, _ := registryWith(t, openStore(t), server.AlertOptions{
		Mail: alert.Mailer{Server: mail.Address, From: "ashyq@example.kz", User: "registry", Password: "right",
			Roots: mail.Roots},
		Hooks: alert.Hooks{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: hook.Roots},
	})
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/alerts#key="+adminKey))
	until(t, ctx, `document.querySelector("#kinds input")`)
	speak(t, ctx, "ru")
	said := send(t, ctx, "#recipient-form", map[string]string{"#recipient-name": "Дежурный",
		"#recipient-region": "KZ-75", "#recipient-mail": "duty@example.kz", "#recipient-language": "ru"})
	if !strings.Contains(said, "Добавлено: Дежурный") {
		t.Errorf("added: %q", said)
	}
	send(t, ctx, "#recipient-form", map[string]string{"#recipient-name": "Диспетчер",
		"#recipient-hook": hook.URL})
	secret := eval[string](t, ctx, `document.querySelector("#recipient-form .value").textContent`)
	hook.Set(secret, 200)
	if said = send(t, ctx, "#recipient-form", map[string]string{"#recipient-name": "Дежурный",
		"#recipient-mail": "x@example.kz"}); !strings.Contains(said, "это название занято") {
		t.Errorf("a name twice: %q", said)
	}
	until(t, ctx, `document.querySelectorAll("#recipients li button").length === 4`)
	for range 2 {
		do(t, ctx, chromedp.Click("#recipients li:nth-child(1) button"))
		until(t, ctx, `document.querySelector("#said").textContent === "Отправлено: Дежурный."`)
		do(t, ctx, chromedp.Click("#recipients li:nth-child(2) button"))
		until(t, ctx, `document.querySelector("#said").textContent === "Отправлено: Диспетчер."`)
	}
	if messages, wrong := hook.Messages(); len(messages) != 2 || len(wrong) != 0 || len(mail.Mails()) != 2 {
		t.Errorf("%d mails, %d messages, %q", len(mail.Mails()), len(messages), wrong)
	}
	keep(t, ctx, "alerts-ru")
	inLooks(t, ctx, "alerts")
}

// An owner sees the own doors and counts on a phone, and no other page.
func TestOwnersPage(t *testing.T) {
	t.Parallel()
	url, options := realRegistry(t)
	ctx := tab(t)
	phone(t, ctx)
	venues := []store.Venue{
		{BIN: "990140000007", Name: "Керуен", Kind: "shop", Region: "KZ-75", Zone: "green", Address: "Абай 1",
			Entrances: []string{"Солтүстік"}, Exits: []string{"Шығу 1"}},
		{BIN: "990140000017", Name: "Чужое", Kind: "cinema", Region: "KZ-71", Zone: "green"},
	}
	if err := options.Store.PutVenues(t.Context(), venues); err != nil {
		t.Fatal(err)
	}
	var sheets server.SheetsAnswer
	office(t, url, server.PathSheets, adminKey, server.SheetsRequest{}, &sheets)
	for i, sheet := range sheets.Venues {
		for k, d := range sheet.Doors {
			if i == 0 && k == 1 {
				continue // waits for its device
			}
			enrolDevice(t, options, d.Code, fmt.Sprintf("%d%d112233aabbccdd", i, k))
			for h := range 5 {
				counts := map[string]uint64{"admitted/green": uint64(10 * (h + 1)), "admitted/blue": 20,
					"turned-back/red": 2, "admitted-here/yellow": 3, "code-problem/none": 1}
				if err := options.Store.AddCounts(t.Context(), d.ID, fmt.Sprint(h),
					time.Now().Add(-time.Duration(h)*time.Hour), counts, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var account server.AccountAnswer
	office(t, url, server.PathAccounts, adminKey, server.AccountRequest{Name: "Owner", Role: store.Owner,
		BIN: "990140000007"}, &account)
	do(t, ctx, chromedp.Navigate(url+"/venue#key="+account.Key))
	until(t, ctx, `document.querySelector("[data-venue]")`)
	speak(t, ctx, "kk")
	list := eval[string](t, ctx, `document.body.innerText`)
	for _, want := range []string{"Керуен", "24 сағаттағы тексерулер: 280, қайтарылғандар: 10",
		"Құрылғысын күтіп тұр: 1"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not say %q:\n%s", want, list)
		}
	}
	if strings.Contains(list, "Чужое") {
		t.Error("the owner sees another one's venue")
	}
	keep(t, ctx, "venue-list-phone-kk")
	inLooks(t, ctx, "venue-list")
	phone(t, ctx)
	if got := eval[[]string](t, ctx,
		`[...document.querySelectorAll("#pages a:not([hidden])")].map((link) => link.pathname)`); len(got) != 1 || got[0] != "/venue" {
		t.Errorf("the owner is led to %v", got)
	}
	do(t, ctx, chromedp.Click("[data-venue]"))
	until(t, ctx, visible("one")+` && document.querySelector("#hours").rows.length === 5`)
	speak(t, ctx, "ru")
	hour := eval[[]string](t, ctx,
		`[...document.querySelector("#hours tr:nth-child(5)").children].slice(2).map((cell) => cell.textContent)`)
	if strings.Join(hour, " ") != "50 20 3 2 1 2" {
		t.Errorf("five hours ago: %v", hour)
	}
	inLooks(t, ctx, "venue")
	do(t, ctx, chromedp.Navigate(url+"/places"))
	until(t, ctx, `!document.querySelector("#outdated").hidden`)
	if text := eval[string](t, ctx, `document.body.innerText`); strings.Contains(text, "Чужое") {
		t.Errorf("on a page of administrators the owner sees: %s", text)
	}
}

// cut is a part of a picture, by its place in CSS pixels.
func cut(page image.Image, clip map[string]float64, density float64) image.Image {
	const margin = 8
	at := image.Rect(int(clip["x"]*density)-margin, int(clip["y"]*density)-margin,
		int((clip["x"]+clip["width"])*density)+margin, int((clip["y"]+clip["height"])*density)+margin)
	part := image.NewRGBA(image.Rect(0, 0, at.Dx(), at.Dy()))
	draw.Draw(part, part.Bounds(), page, at.Min, draw.Src)
	return part
}

// tokenOf is what the registry keeps of a code.
func tokenOf(code enrol.Code) store.Secret {
	return store.SecretOf(base64.RawURLEncoding.EncodeToString(code.Token))
}

// inLooks shows the page as it is on a desk and on a phone, in the dark and with text of 32 px: nothing
// breaks out of it, and axe finds nothing.
func inLooks(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	desktop(t, ctx)
	audit(t, ctx)
	dark(t, ctx, true)
	auditColours(t, ctx)
	keep(t, ctx, name+"-dark")
	dark(t, ctx, false)
	phone(t, ctx)
	audit(t, ctx)
	fits(t, ctx, name)
	keep(t, ctx, name+"-phone")
	eval[chromedp.Void](t, ctx, `document.documentElement.style.fontSize = "32px"`)
	fits(t, ctx, name+" with text of 32 px")
	keep(t, ctx, name+"-phone-32px")
	eval[chromedp.Void](t, ctx, `document.documentElement.style.fontSize = ""`)
	desktop(t, ctx)
}
