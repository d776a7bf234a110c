package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// enterResult fills in the form of one result; a positive one is confirmed.
func enterResult(t *testing.T, ctx context.Context, sample, iin, result string) {
	t.Helper()
	eval[chromedp.Void](t, ctx, `(document.querySelector("#record-form output").className = "", document.querySelector("#sample").focus())`)
	keys(t, ctx, sample+kb.Enter, iin+kb.Enter, " ")
	for range map[string]int{"negative": 0, "positive": 1, "inconclusive": 2}[result] {
		keys(t, ctx, kb.ArrowDown)
	}
	keys(t, ctx, kb.Enter)
	if result == "positive" {
		until(t, ctx, `document.querySelector("#confirm-dialog").open`)
		keys(t, ctx, iin+kb.Enter)
	}
}

// keys types as a person or a hand scanner does, wherever the focus is.
func keys(t *testing.T, ctx context.Context, texts ...string) {
	t.Helper()
	for _, text := range texts {
		do(t, ctx, chromedp.KeyEvent(text))
	}
}

// focused waits until an element has the focus.
func focused(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	until(t, ctx, `document.activeElement?.matches(%s)`, selector)
}

// setTime sets the time of the record to the start of the day. How a time is typed depends on the
// browser's language.
func setTime(t *testing.T, ctx context.Context) {
	t.Helper()
	eval[chromedp.Void](t, ctx, `(() => {
		const at = document.querySelector("#at");
		at.value = new Date(Date.now() - 60_000 * new Date().getTimezoneOffset()).toISOString().slice(0, 11) + "00:00";
		at.dispatchEvent(new Event("input"));
	})()`)
}

func outputSays(t *testing.T, ctx context.Context, form, text string) {
	t.Helper()
	until(t, ctx, `document.querySelector(%s).innerText.includes(%s)`, form+" output", text)
}

// todaySays waits until the rows of today's list are these: sample, kind and state of each.
func todaySays(t *testing.T, ctx context.Context, rows ...string) {
	t.Helper()
	until(t, ctx, `[...document.querySelectorAll("#today tr")].map((row) =>
		[1, 3, 5].map((i) => row.children[i]?.textContent).join(" ")).join("|") === %s`, strings.Join(rows, "|"))
}

func fits(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if got := eval[float64](t, ctx, "document.documentElement.scrollWidth"); got > 390 {
		t.Errorf("%s is %v px wide on a phone of 390 px", name, got)
	}
	// A word that is cut in its middle cannot be read at a glance.
	if broken := eval[[]string](t, ctx, `[...document.querySelectorAll(".choice span, th, label, h2, button")].flatMap((element) => {
		const text = [...element.childNodes].find((node) => node.nodeType === 3);
		if (!text || !element.checkVisibility()) return [];
		return text.data.split(/[\s-]+/).filter((word) => {
			const range = document.createRange(), at = text.data.indexOf(word);
			range.setStart(text, at);
			range.setEnd(text, at + word.length);
			return new Set([...range.getClientRects()].map((rect) => Math.round(rect.top))).size > 1;
		});
	})`); len(broken) > 0 {
		t.Errorf("%s breaks the words %q", name, broken)
	}
}

var languagesOfTest = []struct {
	name                                         string
	screen                                       func(*testing.T, context.Context)
	negative, positive, contact, recovered       string
	inForce, withdrawn, corrected                string
	needResult, differs, needWhy, wrongIIN, done string
	again, title                                 string
}{
	{"kk", desktop, "Теріс", "Оң", "Байланыс", "Ауырып жазылған", "Күшінде", "Кері қайтарылған", "Түзетілген",
		"Нәтижені таңдаңыз", "ЖСН бірдей емес", "Себебін жазыңыз", "ЖСН: 12 сан емес", "Сақталды", "Бәрібір қайта енгізу", "Зертхана: Ashyq"},
	{"ru", phone, "Отрицательный", "Положительный", "Контакт", "Выздоровление", "В силе", "Отозвана", "Исправлена",
		"Выберите результат", "ИИН не совпадает", "Укажите причину", "ИИН: не 12 цифр", "Сохранено", "Всё же ввести снова", "Лаборатория: Ashyq"},
}

// A laboratory's day without a mouse: a hand scanner, twelve digits, the result. A mistyped positive
// is withdrawn, another result corrected.
func TestLaboratory(t *testing.T) {
	t.Parallel()
	for _, words := range languagesOfTest {
		t.Run(words.name, func(t *testing.T) {
			t.Parallel()
			url, _ := realRegistry(t)
			ctx := tab(t)
			words.screen(t, ctx)
			do(t, ctx, chromedp.Navigate(url+"/lab#key="+newSource(t, url, "City laboratory 3", "laboratory")))
			until(t, ctx, visible("work"))
			do(t, ctx, chromedp.Click(`[data-language="`+words.name+`"]`))
			until(t, ctx, `document.title === %s`, words.title)

			eval[chromedp.Void](t, ctx, `document.querySelector("#sample").focus()`)
			keys(t, ctx, "T-0001"+kb.Enter)
			focused(t, ctx, "#iin")
			keys(t, ctx, alice[:11]+"1"+kb.Enter)
			focused(t, ctx, "#result input")
			keys(t, ctx, kb.Enter) // no result is chosen yet
			outputSays(t, ctx, "#record-form", words.needResult)
			todaySays(t, ctx, "  ")
			keys(t, ctx, " ", kb.Enter)
			outputSays(t, ctx, "#record-form", words.wrongIIN)
			focused(t, ctx, "#iin")
			keys(t, ctx, kb.Backspace+"7"+kb.Enter)
			outputSays(t, ctx, "#record-form", words.done+": "+words.negative+", T-0001")
			focused(t, ctx, "#sample")

			keys(t, ctx, "T-0002"+kb.Enter, bob+kb.Enter, " ", kb.ArrowDown, kb.Enter)
			until(t, ctx, `document.querySelector("#confirm-dialog").open`)
			keep(t, ctx, "lab-confirm-"+words.name)
			keys(t, ctx, alice+kb.Enter)
			until(t, ctx, `document.querySelector("#confirm-error").textContent.includes(%s)`, words.differs)
			keys(t, ctx, bob+kb.Enter)
			outputSays(t, ctx, "#record-form", words.positive+", T-0002")
			todaySays(t, ctx, "T-0002 "+words.positive+" "+words.inForce, "T-0001 "+words.negative+" "+words.inForce)
			keep(t, ctx, "lab-"+words.name)
			if words.name == "ru" {
				fits(t, ctx, "the page")
			}

			tabTo(t, ctx, `[data-button^="withdraw-"]`)
			keys(t, ctx, kb.Enter)
			focused(t, ctx, "#change-why")
			keys(t, ctx, kb.Enter)
			outputSays(t, ctx, "#change-form", words.needWhy)
			keep(t, ctx, "lab-withdraw-"+words.name)
			keys(t, ctx, "x"+kb.Enter)
			todaySays(t, ctx, "T-0002 "+words.positive+" "+words.withdrawn, "T-0001 "+words.negative+" "+words.inForce)

			// The same again needs a person's word.
			eval[chromedp.Void](t, ctx, `document.querySelector("#sample").focus()`)
			eval[chromedp.Void](t, ctx, `globalThis.fetched = fetch`) // the time is that of the first entry
			tabTo(t, ctx, `[data-button^="correct-"]`)
			keys(t, ctx, kb.Enter)
			focused(t, ctx, "#change-kinds :checked")
			keys(t, ctx, kb.ArrowDown)
			tabTo(t, ctx, "#change-why")
			keys(t, ctx, "y"+kb.Enter)
			focused(t, ctx, "#change-iin") // it becomes positive
			keep(t, ctx, "lab-correct-"+words.name)
			keys(t, ctx, alice+kb.Enter)
			todaySays(t, ctx, "T-0001 "+words.positive+" "+words.inForce, "T-0002 "+words.positive+" "+words.withdrawn,
				"T-0001 "+words.negative+" "+words.corrected)
		})
	}
}

// A hand scanner that is used too early or too late sends nothing by itself.
func TestScannerInAnotherField(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/lab#key="+newSource(t, url, "Lab", "laboratory")))
	focused(t, ctx, "#sample")
	keys(t, ctx, "T-1"+kb.Enter, "4870001234567"+kb.Enter) // a second tube instead of an IIN
	outputSays(t, ctx, "#record-form", "An IIN has 12 digits")
	focused(t, ctx, "#iin")
	keys(t, ctx, alice+kb.Enter) // it was selected, so that is typed over it
	focused(t, ctx, "#result input")
	keys(t, ctx, "T-2"+kb.Enter) // a tube instead of a result
	outputSays(t, ctx, "#record-form", "Choose the result")
	todaySays(t, ctx, "  ")
}

// Who presses Enter twice enters one record; the time is that of the tube's arrival.
func TestEnterTwice(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/lab#key="+newSource(t, url, "Lab", "laboratory")))
	focused(t, ctx, "#sample")
	before := eval[string](t, ctx, `document.querySelector("#at").value`)
	eval[chromedp.Void](t, ctx, `shiftClock(-7200000)`)
	keys(t, ctx, "T-1"+kb.Enter, alice+kb.Enter, " ")
	if at := eval[string](t, ctx, `document.querySelector("#at").value`); at >= before {
		t.Errorf("the tube came at %s, the page was opened at %s", at, before)
	}
	eval[chromedp.Void](t, ctx, `(() => {
		globalThis.sent = 0;
		const real = fetch;
		globalThis.fetch = (path, options) => { sent += path === "/v1/records"; return real(path, options); };
	})()`)
	keys(t, ctx, kb.Enter+kb.Enter+kb.Enter)
	outputSays(t, ctx, "#record-form", "Recorded: Negative, T-1")
	if sent := eval[int](t, ctx, `sent`); sent != 1 {
		t.Errorf("sent %d times", sent)
	}
}

// The Covid-19 centre enters a contact with its index case, and who has recovered.
func TestCentre(t *testing.T) {
	t.Parallel()
	for _, words := range languagesOfTest {
		t.Run(words.name, func(t *testing.T) {
			t.Parallel()
			url, _ := realRegistry(t)
			ctx := tab(t)
			words.screen(t, ctx)
			key := newSource(t, url, "City centre", "covid-19-centre")
			do(t, ctx, chromedp.Navigate(url+"/lab#key="+key))
			until(t, ctx, visible("work"))
			do(t, ctx, chromedp.Click(`[data-language="`+words.name+`"]`))
			eval[chromedp.Void](t, ctx, `document.querySelector("#iin").focus()`)
			keys(t, ctx, alice+kb.Enter)
			focused(t, ctx, "#at") // it is never the moment of the entry by itself
			setTime(t, ctx)
			tabTo(t, ctx, "#index")
			keys(t, ctx, bob+kb.Enter)
			outputSays(t, ctx, "#record-form", words.done+": "+words.contact)
			focused(t, ctx, "#iin")
			keep(t, ctx, "centre-"+words.name)
			if words.name == "ru" {
				fits(t, ctx, "the page")
			}
			eval[chromedp.Void](t, ctx, `document.querySelector('[value="contact"]').focus()`)
			keys(t, ctx, kb.ArrowDown)
			until(t, ctx, `document.querySelector("#index-field").hidden`)
			tabTo(t, ctx, "#iin")
			setTime(t, ctx)
			keys(t, ctx, bob+kb.Enter)
			outputSays(t, ctx, "#record-form", words.recovered)
			todaySays(t, ctx, " "+words.recovered+" "+words.inForce, " "+words.contact+" "+words.inForce)

			tabTo(t, ctx, `tr:nth-child(2) [data-button^="withdraw-"]`)
			keys(t, ctx, kb.Enter, "x"+kb.Enter)
			todaySays(t, ctx, " "+words.recovered+" "+words.inForce, " "+words.contact+" "+words.withdrawn)
		})
	}
}

// The portal's clerk says which laboratory made the test; the next one is of the same laboratory.
func TestPortal(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	phone(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/lab#key="+newSource(t, url, "Portal", "pcr-portal")))
	focused(t, ctx, "#sample")
	tabTo(t, ctx, "#laboratory")
	keys(t, ctx, "City laboratory 3")
	enterResult(t, ctx, "T-1", alice, "inconclusive")
	todaySays(t, ctx, "T-1 Inconclusive In force")
	if got := eval[string](t, ctx, `document.querySelector("#laboratory").value`); got != "City laboratory 3" {
		t.Errorf("the laboratory of the next test is %q", got)
	}
	keep(t, ctx, "portal-phone")
	fits(t, ctx, "the page")
}

// A file is sent, watched across a reload of the page, and its refused rows are downloaded.
func TestUpload(t *testing.T) {
	t.Parallel()
	for _, words := range []struct{ name, finished, counts, report, refused string }{
		{"kk", "Соңына дейін оқылды, 3002 жол", "Жаңа: 3000, бұрын енгізілген: 0, шешім күтеді: 0, қабылданбады: 1",
			"Қабылданбаған жолдарды жүктеу", "жол;баған;себебі\r\n3002;ЖСН;12 сан емес"},
		{"ru", "Прочитан до конца, строк: 3002", "Новых: 3000, уже введённых: 0, ожидают решения: 0, отклонено: 1",
			"Скачать отклонённые строки", "строка;столбец;причина\r\n3002;ИИН;не 12 цифр"},
	} {
		t.Run(words.name, func(t *testing.T) {
			t.Parallel()
			url, _ := realRegistry(t)
			ctx := tab(t)
			phone(t, ctx)
			do(t, ctx, chromedp.Navigate(url+"/lab#key="+newSource(t, url, "Lab", "laboratory")))
			until(t, ctx, visible("work"))
			do(t, ctx, chromedp.Click(`[data-language="`+words.name+`"]`))

			taken := time.Now().Add(-time.Hour).Format(time.RFC3339)
			var rows strings.Builder
			rows.WriteString("ЖСН;сынама нөмірі;нәтиже;сынама алынған уақыт\n")
			for n := range 3000 {
				fmt.Fprintf(&rows, "%s;S-%d;теріс;%s\n", alice, n, taken)
			}
			fmt.Fprintf(&rows, "%s;S-x;теріс;%s\n", alice[:11]+"1", taken)
			file := filepath.Join(t.TempDir(), "results.csv")
			if err := os.WriteFile(file, []byte(rows.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			do(t, ctx, chromedp.SetUploadFiles("#file", []string{file}))
			eval[chromedp.Void](t, ctx, `document.querySelector("#file").focus()`)
			tabTo(t, ctx, "#file-form button.main")
			keys(t, ctx, kb.Enter)
			until(t, ctx, `document.querySelector(".import progress") !== null`)
			keep(t, ctx, "upload-running-"+words.name)
			do(t, ctx, chromedp.Reload())
			until(t, ctx, `document.querySelector("#imports")?.innerText.includes(%s)`, words.finished)
			until(t, ctx, `document.querySelector("#imports").innerText.includes(%s)`, words.counts)
			fits(t, ctx, "the page")
			keep(t, ctx, "upload-"+words.name)

			eval[chromedp.Void](t, ctx, `URL.createObjectURL = (blob) => (blob.text().then((text) => { globalThis.downloaded = text; }), "")`)
			tabTo(t, ctx, "#imports button")
			if got := eval[string](t, ctx, `document.activeElement.textContent`); got != words.report {
				t.Errorf("the button says %q", got)
			}
			keys(t, ctx, kb.Enter)
			until(t, ctx, `globalThis.downloaded?.includes(%s)`, words.refused)
		})
	}
}

// A file with a wrong column is refused in the page's words.
func TestUploadRefused(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/lab#key="+newSource(t, url, "Lab", "laboratory")))
	until(t, ctx, visible("work"))
	do(t, ctx, chromedp.Click(`[data-language="ru"]`), chromedp.Click("#file-form button.main"))
	outputSays(t, ctx, "#file-form", "Выберите файл")
	file := filepath.Join(t.TempDir(), "results.csv")
	if err := os.WriteFile(file, []byte("ИИН;ФИО;Результат;Дата взятия\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.SetUploadFiles("#file", []string{file}), chromedp.Click("#file-form button.main"))
	outputSays(t, ctx, "#file-form", `столбца "ФИО" быть не должно`)
	keep(t, ctx, "upload-refused")
}

// What was withdrawn is entered again only when a person says so.
func TestEnterAgain(t *testing.T) {
	t.Parallel()
	url, _ := realRegistry(t)
	ctx := tab(t)
	desktop(t, ctx)
	do(t, ctx, chromedp.Navigate(url+"/lab#key="+newSource(t, url, "Lab", "laboratory")))
	focused(t, ctx, "#sample")
	setTime(t, ctx)
	enterResult(t, ctx, "T-1", alice, "negative")
	todaySays(t, ctx, "T-1 Negative In force")
	tabTo(t, ctx, `[data-button^="withdraw-"]`)
	keys(t, ctx, kb.Enter, "x"+kb.Enter)
	todaySays(t, ctx, "T-1 Negative Withdrawn")
	setTime(t, ctx)
	enterResult(t, ctx, "T-1", alice, "negative")
	outputSays(t, ctx, "#record-form", "withdrawn or discarded before")
	keys(t, ctx, kb.Enter) // the button has the focus
	todaySays(t, ctx, "T-1 Negative In force", "T-1 Negative Withdrawn")
}
