package display_test

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
)

// The sizes that the page must fit: a monitor, the Raspberry Pi Touch Display, and an upright one.
var sizes = []image.Point{{1280, 800}, {800, 480}, {600, 1024}}

// TestPage looks at the page in a real browser, each test in a separate tab.
func TestPage(t *testing.T) {
	browser := browse(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"each row looks as it should":             looksOfEachRow,
		"a long rule is not cut off":              longRule,
		"a dead daemon is noticed, a new one too": deadDaemon,
		"a hanging daemon is noticed":             hangingDaemon,
		"a forgotten verdict ends":                forgottenVerdict,
		"nobody's picture stays":                  nobodysPicture,
		"what is missing while it is set up":      settingUp,
	} {
		t.Run(name, func(t *testing.T) { test(t, tab(t, browser)) })
	}
}

// look is what a person sees of a page.
type look struct {
	Ground string   `json:"ground"` // the colour all over
	Ink    string   `json:"ink"`
	Field  string   `json:"field"` // the blinking colour beside the words; empty without one
	Symbol string   `json:"symbol"`
	Lamps  []string `json:"lamps"` // lit, from the top
	Blinks []string `json:"blinks"`
	Words  string   `json:"words"`
	Cut    bool     `json:"cut"` // something is not on the screen
	Lowest float64  `json:"lowest"`
}

const looks = `(() => {
	const shown = (e) => e.checkVisibility();
	const field = document.querySelector(".field");
	const box = document.querySelector(".words").getBoundingClientRect();
	const texts = [...document.querySelectorAll("h1, p, .checks span")].filter((e) => e.textContent);
	const lit = [...document.querySelectorAll(".lamp[data-lit]")];
	return {
		ground: getComputedStyle(document.body).backgroundColor,
		ink: getComputedStyle(document.querySelector("h1")).color,
		field: shown(field) ? getComputedStyle(field, "::before").backgroundColor : "",
		symbol: shown(document.querySelector(".disc")) ? document.querySelector("#symbol use").getAttribute("href") : "",
		lamps: lit.map((e) => e.dataset.colour),
		blinks: lit.map((e) => getComputedStyle(e, "::after").animationName + " " + getComputedStyle(e, "::after").animationDuration),
		words: document.querySelector(".words").innerText,
		cut: texts.some((e) => {
			const r = e.getBoundingClientRect();
			return r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1
				|| e.scrollWidth > e.clientWidth + 1;
		}) || document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth,
		lowest: Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize))),
	};
})()`

func looksOfEachRow(t *testing.T, ctx context.Context) {
	colours := palette(t)
	rgb := func(name string) string {
		if name == "" {
			return ""
		}
		c := colours[name]
		return fmt.Sprintf("rgb(%d, %d, %d)", c.R, c.G, c.B)
	}
	type row struct {
		ground, field, symbol, lamps, blinks string
		words                                []string
	}
	want := map[string]row{
		"idle":                {ground: "night", lamps: "blue", blinks: "beat 10s", words: []string{"Кодыңызды осында көрсетіңіз", "Поднесите код сюда", "Hold your code here"}},
		"working":             {ground: "night", words: []string{"Сәл күте тұрыңыз", "One moment"}},
		"admitted-green":      {ground: "green", symbol: "#tick", lamps: "green", blinks: "none 0s", words: []string{"Қош келдіңіз", "дейін жарамды", "Добро пожаловать", "Действует до", "Welcome", "Valid until"}},
		"admitted-blue":       {ground: "blue", symbol: "#tick", lamps: "blue", blinks: "none 0s", words: []string{"Қош келдіңіз", "Деректер 5 сағ бұрын жаңартылған", "Данные обновлены 5 ч назад", "Data updated 5 h ago"}},
		"admitted-here":       {ground: "yellow", symbol: "#tick", lamps: "yellow", blinks: "none 0s", words: []string{"Тек дүкен мен дәріхана", "Только магазин и аптека", "Shop and pharmacy only", "Welcome"}},
		"turned-back-red":     {ground: "red", symbol: "#cross", lamps: "red", blinks: "none 0s", words: []string{"Кешіріңіз", "Извините", "Sorry"}},
		"turned-back-yellow":  {ground: "yellow", symbol: "#cross", lamps: "yellow", blinks: "none 0s", words: []string{ruleText.KK, ruleText.RU, ruleText.EN, "Status until", "30 h"}},
		"turned-back-blue":    {ground: "blue", symbol: "#cross", lamps: "blue", blinks: "none 0s", words: []string{ruleText.KK}},
		"full":                {ground: "night", field: "blue", symbol: "#full", lamps: "blue", blinks: "on-off 2s", words: []string{"Қазір бос орын жоқ", "Сейчас нет свободных мест", "No free places now", "not about you"}},
		"left":                {ground: "night", symbol: "#exit", words: []string{"Сау болыңыз", "До свидания", "Goodbye"}},
		"ask-staff":           {ground: "night", field: "blue", symbol: "#question", lamps: "yellow blue", blinks: "off-on 0.8s, on-off 0.8s", words: []string{"Қызметкерге жүгініңіз", "Обратитесь к сотруднику", "Please ask the staff", "data is too old"}},
		"code-stale":          {ground: "night", field: "blue", symbol: "#code", lamps: "blue", blinks: "on-off 0.4s", words: []string{"Кодты қайта ашыңыз", "Откройте код ещё раз", "Open the code again"}},
		"code-phone-clock":    {ground: "night", field: "blue", symbol: "#code", lamps: "blue", blinks: "on-off 0.4s", words: []string{"Телефонның сағатын тексеріңіз", "Check the phone's clock"}},
		"code-refused":        {ground: "night", field: "red", symbol: "#hand", lamps: "red", blinks: "on-off 0.4s", words: []string{"Бұл код жарамсыз", "Этот код недействителен", "This code is not valid"}},
		"code-passed-already": {ground: "night", field: "red", symbol: "#hand", lamps: "red", blinks: "on-off 0.4s", words: []string{"Сіз жаңа ғана кірдіңіз", "just been let in"}},
		"out-of-order":        {ground: "night", field: "yellow", symbol: "#wrench", lamps: "yellow", blinks: "on-off 2s", words: []string{"Киоск жұмыс істемейді", "Киоск не работает", "Out of order", "data is too old", "Data updated 3 days ago"}},
		"out-of-order-output": {ground: "night", field: "yellow", symbol: "#wrench", lamps: "yellow", blinks: "on-off 2s", words: []string{"Out of order", "door lock"}},
	}
	hub := mirrored(display.Options{Name: "Дәмді дүкені"}, somebody)
	server := serve(t, hub, "127.0.0.1:0")
	seq := uint64(0)
	for _, size := range sizes {
		do(t, ctx, chromedp.EmulateViewport(int64(size.X), int64(size.Y)), chromedp.Navigate(server.URL))
		for name, v := range examples() {
			seq++
			v.Seq = seq
			hub.Show(v)
			await(t, ctx, fmt.Sprintf("document.body.dataset.seq == %d", seq))
			if v.Signal == kiosk.Idle {
				await(t, ctx, "document.querySelector('.mirror[data-live]') != null")
			}
			got, w := eval[look](t, ctx, looks), want[name]
			ink := rgb("light")
			if w.ground == "yellow" {
				ink = rgb("dark")
			}
			if got.Ink != ink || got.Ground != rgb(w.ground) || got.Field != rgb(w.field) || got.Symbol != w.symbol ||
				strings.Join(got.Lamps, " ") != w.lamps || strings.Join(got.Blinks, ", ") != w.blinks {
				t.Errorf("%s: %+v, want %+v", name, got, w)
			}
			for _, words := range w.words {
				if !strings.Contains(got.Words, words) {
					t.Errorf("%s: %q is not in %q", name, words, got.Words)
				}
			}
			// 12 px are 2.3 mm on the Touch Display: the smallest text that the next person in the
			// queue can read.
			if got.Cut || got.Lowest < 12 {
				t.Errorf("%s at %v: cut off %v, smallest letters %.1f px", name, size, got.Cut, got.Lowest)
			}
			if *shots != "" {
				save(t, filepath.Join(*shots, fmt.Sprintf("%dx%d-%s.png", size.X, size.Y, name)), photograph(t, ctx))
			}
		}
	}
}

func save(t *testing.T, path string, png []byte) {
	t.Helper()
	if err := os.WriteFile(path, png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func longRule(t *testing.T, ctx context.Context) {
	hub := display.NewHub(display.Options{})
	server := serve(t, hub, "127.0.0.1:0")
	long := strings.Repeat("Демалыс күндері кинотеатрға тек жасыл мәртебемен кіруге болады. ", 4)
	hub.Show(kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Blue, Text: kiosk.Text{KK: long, RU: long, EN: long}, Seq: 1,
		Until: time.Now().AddDate(1, 0, 0), Age: 30 * time.Hour, Aged: true})
	for _, size := range sizes {
		do(t, ctx, chromedp.EmulateViewport(int64(size.X), int64(size.Y)), chromedp.Navigate(server.URL))
		await(t, ctx, "document.body.dataset.seq == 1")
		if got := eval[look](t, ctx, looks); got.Cut || strings.Count(got.Words, "кинотеатрға") != 12 {
			t.Errorf("%v: %+v", size, got)
		}
	}
}

func deadDaemon(t *testing.T, ctx context.Context) {
	hub := display.NewImpatientHub(display.Options{Languages: []string{"ru", "kk", "en"}}, time.Second, time.Second)
	server := serve(t, hub, "127.0.0.1:0")
	do(t, ctx, chromedp.Navigate(server.URL))
	hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Seq: 1})
	await(t, ctx, "document.body.dataset.signal == 'admitted'")

	address := server.Listener.Addr().String()
	hub.Close()
	server.Close()
	await(t, ctx, "document.body.dataset.signal == 'out-of-order'")
	got := eval[look](t, ctx, looks)
	for _, words := range []string{"Киоск не отвечает", "Киоск жауап бермей тұр", "The kiosk does not answer"} {
		if !strings.Contains(got.Words, words) {
			t.Errorf("%q is not in %q", words, got.Words)
		}
	}
	eval[bool](t, ctx, "window.unchanged = true")

	hub = display.NewImpatientHub(display.Options{Languages: []string{"ru", "kk", "en"}}, time.Second, time.Second)
	hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Blue, Seq: 2})
	server = serve(t, hub, address)
	await(t, ctx, "document.body.dataset.seq == 2")
	if !eval[bool](t, ctx, "window.unchanged === true") {
		t.Error("the page loaded itself anew though nothing was different")
	}

	// Another daemon with another page: this page reloads itself.
	hub.Close()
	server.Close()
	hub = display.NewImpatientHub(display.Options{Languages: []string{"en"}}, 30*time.Second, time.Second)
	hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Seq: 3})
	serve(t, hub, address)
	await(t, ctx, "document.documentElement.lang == 'en' && document.body.dataset.seq == 3 && window.unchanged === undefined")
}

// A daemon that hangs keeps its connections: only the missing heartbeat shows it. Here the
// heartbeat comes every 5 s, and the page waits for only one second.
func hangingDaemon(t *testing.T, ctx context.Context) {
	hub := display.NewImpatientHub(display.Options{}, time.Second, time.Second)
	server := serve(t, hub, "127.0.0.1:0")
	do(t, ctx, chromedp.Navigate(server.URL))
	await(t, ctx, "document.body.innerText.includes('The kiosk does not answer')")
	hub.Show(kiosk.Verdict{Seq: 4})
	await(t, ctx, "document.body.dataset.seq == 4")
}

func forgottenVerdict(t *testing.T, ctx context.Context) {
	hub := display.NewImpatientHub(display.Options{}, time.Minute, 100*time.Millisecond)
	server := serve(t, hub, "127.0.0.1:0")
	do(t, ctx, chromedp.Navigate(server.URL))
	hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Hold: 500 * time.Millisecond, Seq: 1})
	await(t, ctx, "document.body.dataset.signal == 'admitted'")
	await(t, ctx, "document.body.dataset.signal == 'idle'")
	// The older verdict's timer does not end the newer one.
	hub.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green, Hold: 300 * time.Millisecond, Seq: 2})
	await(t, ctx, "document.body.dataset.seq == 2")
	hub.Show(kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: kiosk.CameraFault, Seq: 3})
	await(t, ctx, "document.body.dataset.seq == 3")
	later := chromedp.Evaluate[string]("new Promise((is) => setTimeout(() => is(document.body.dataset.signal), 1000))", chromedp.EvalAwaitPromise)
	if signal, err := chromedp.Run(ctx, later); err != nil || signal != "out-of-order" {
		t.Errorf("%q (%v) after the older verdict's hold has passed, want out-of-order", signal, err)
	}
}

func nobodysPicture(t *testing.T, ctx context.Context) {
	var dead atomic.Bool
	hub := mirrored(display.Options{}, func(dst *image.Gray) bool { return !dead.Load() && somebody(dst) })
	server := serve(t, hub, "127.0.0.1:0")
	do(t, ctx, chromedp.Navigate(server.URL))

	const (
		live    = "document.querySelector('#mirror').checkVisibility({visibilityProperty: true}) && document.querySelector('#mirror').naturalWidth == 320"
		outline = "document.querySelector('.outline').checkVisibility() && document.querySelector('#mirror').naturalWidth == 0"
	)
	await(t, ctx, live)
	hub.Show(kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Red, Seq: 1})
	await(t, ctx, "document.body.dataset.seq == 1 && !document.querySelector('#mirror').hasAttribute('src')")
	hub.Show(kiosk.Verdict{Seq: 2})
	await(t, ctx, live)

	dead.Store(true) // the drawing instead, and the picture again when there is one
	await(t, ctx, outline)
	dead.Store(false)
	await(t, ctx, live)
	hub.Show(kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Red, Seq: 3})
	await(t, ctx, "document.body.dataset.seq == 3")
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, mirrors := hub.Watching(); mirrors == 0 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%d mirrors are still running", mirrors)
		}
	}
}

func TestWhoWantsNoMotionGetsStripes(t *testing.T) {
	hub := display.NewHub(display.Options{})
	server := serve(t, hub, "127.0.0.1:0")
	ctx := browse(t, chromedp.Flag("force-prefers-reduced-motion", true))
	do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(server.URL))
	patterns := map[string]string{}
	for i, s := range []kiosk.Signal{kiosk.AskStaff, kiosk.CodeProblem, kiosk.CodeRefused, kiosk.OutOfOrder} {
		hub.Show(kiosk.Verdict{Signal: s, Seq: uint64(i + 1)})
		await(t, ctx, fmt.Sprintf("document.body.dataset.seq == %d", i+1))
		pattern := eval[string](t, ctx, "getComputedStyle(document.querySelector('.field'), '::before').backgroundImage")
		if other := patterns[pattern]; !strings.HasPrefix(pattern, "repeating-linear-gradient") || other != "" {
			t.Errorf("%v has the pattern %q, %s has it too", s, pattern, other)
		}
		patterns[pattern] = s.String()
		if n := eval[int](t, ctx, "document.getAnimations().length"); n != 0 {
			t.Errorf("%v: %d animations", s, n)
		}
		if *shots != "" {
			save(t, filepath.Join(*shots, "still-"+s.String()+".png"), photograph(t, ctx))
		}
	}
}
