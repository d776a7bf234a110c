package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// killedPhone is a Chromium with windows and a profile of its own, that is killed and started again.
type killedPhone struct {
	t       *testing.T
	home    *home
	profile string
	ctx     context.Context // the page's, of the Chromium that runs now
	quit    func()
	process *os.Process
	kills   int
	ends    map[string]int // how often a kill has led to what
}

func (p *killedPhone) start() {
	p.t.Helper()
	path, err := browserPath(withWindows...)
	if err != nil {
		p.t.Skip(err)
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(browserOptions(path),
		chromedp.UserDataDir(p.profile), chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		}))...)
	ctx, cancel := chromedp.NewContext(allocator)
	p.ctx, p.quit = ctx, func() { cancel(); cancelAllocator() }
	prepare(p.t, ctx)
	phone(p.t, ctx)
	p.process = chromedp.FromContext(ctx).Browser.Process()
}

// kill ends every process of the Chromium at once, as when a battery falls out.
func (p *killedPhone) kill() {
	p.t.Helper()
	if err := syscall.Kill(-p.process.Pid, syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		left := p.processes()
		if len(left) == 0 {
			break
		}
		for _, pid := range left { // one that was just being forked
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the processes %v do not end", left)
		}
	}
	p.quit()
	p.kills++
}

// processes are those that work on the profile.
func (p *killedPhone) processes() (pids []int) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte("--user-data-dir="+p.profile)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// during starts something on the page, kills the Chromium at a random moment of it, and opens the
// page in a new one. The page must be whole.
func (p *killedPhone) during(expression string, most time.Duration, values ...any) {
	p.t.Helper()
	eval[chromedp.Void](p.t, p.ctx, `setTimeout(() => {`+script(p.t, expression, values)+`})`)
	time.Sleep(rand.N(most))
	p.kill()
	p.start()
	p.open("/")
	p.whole()
}

func (p *killedPhone) open(path string) {
	p.t.Helper()
	do(p.t, p.ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(p.home.url+path))
	until(p.t, p.ctx, p.showsPass()+` || `+visible("activation"))
}

func (p *killedPhone) showsPass() string {
	return `(` + visible("pass") + ` && document.querySelector("#status").dataset.fresh === "true" && ` +
		shownCode + ` !== undefined)`
}

func (p *killedPhone) has(part string) bool {
	p.t.Helper()
	return eval[bool](p.t, p.ctx, visible(part))
}

// storedPass is what the phone has stored.
type storedPass struct {
	People, Others []string // ids: of those with a pass, and of those that something else is left of
	Keys           []string // the phone's own, public
	Codes          []string // of each stored day
	Days           []int64
}

// keptScript makes a code with each stored day's key.
const keptScript = `(async () => {
	const { publicKey, rotate, startOf } = await import(%s);
	const { toBase64url } = await import(%s);
	const db = await new Promise((resolve, reject) => {
		const opening = indexedDB.open("ashyq");
		opening.onsuccess = () => resolve(opening.result);
		opening.onerror = () => reject(opening.error);
	});
	const all = (name, ask) => new Promise((resolve, reject) => {
		const asking = ask(db.transaction(name).objectStore(name));
		asking.onsuccess = () => resolve(asking.result);
		asking.onerror = () => reject(asking.error);
	});
	const people = (await all("records", (records) => records.get("people"))) ?? [];
	const ids = people.map(({ id }) => id);
	const names = await all("records", (records) => records.getAllKeys());
	const dayKeys = await all("days", (days) => days.getAllKeys());
	const days = await all("days", (days) => days.getAll());
	db.close();
	const statuses = names.filter((name) => name.startsWith("status-")).map((name) => name.slice(7));
	const owners = [...statuses, ...dayKeys.map(([id]) => id)];
	return {
		People: ids,
		Others: [...new Set(owners)].filter((id) => !ids.includes(id)),
		Keys: await Promise.all(people.map(async ({ phone }) => toBase64url(await publicKey(phone)))),
		Days: dayKeys.map(([, day]) => day),
		Codes: await Promise.all(days.map(({ keys, credential }, i) =>
			rotate(keys.privateKey, credential, startOf(dayKeys[i][1])))),
	};
})()`

// whole checks that what is stored belongs together, and that the registry knows the same: each pass
// that the page shows is one of the registry's, and every stored day has a credential of its own key.
func (p *killedPhone) whole() storedPass {
	p.t.Helper()
	got := eval[storedPass](p.t, p.ctx, keptScript, moduleAt(p.t, "js/pass.js"), moduleAt(p.t, "js/wire.js"))
	if len(got.Others) > 0 || len(got.People) > 1 {
		p.t.Errorf("stored is something of %v, and the passes %v", got.Others, got.People)
	}
	issuers := pass.NewIssuers([]ed25519.PublicKey{issuerOf(p.home.options)})
	for i, text := range got.Codes {
		code, err := pass.Parse([]byte(text))
		if err == nil {
			err = code.Verify(issuers, pass.Day(got.Days[i]).Start())
		}
		if err != nil {
			p.t.Errorf("the code of the stored day %d: %v", got.Days[i], err)
		}
	}
	if !p.has("pass") || p.has("ended") {
		return got
	}
	if len(got.Keys) != 1 || len(p.phones(got.Keys[0])) == 0 {
		p.t.Errorf("the page shows a pass, and the registry does not know its key: %v", got.Keys)
	}
	if code, err := pass.Parse([]byte(shown(p.t, p.ctx))); err != nil || code.Verify(issuers, time.Now()) != nil {
		p.t.Errorf("a door does not take the code that is shown: %v", err)
	}
	return got
}

// phones are those that the registry knows of a key's owner.
func (p *killedPhone) phones(key string) []store.Phone {
	p.t.Helper()
	public, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		p.t.Fatal(err)
	}
	list, err := p.home.options.Store.PhonesOf(p.t.Context(), public)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		p.t.Fatal(err)
	}
	return list
}

func (p *killedPhone) ended(how string) { p.ends[how]++ }

// activates gets somebody's pass with a one-time code: whenever it is killed, the same code goes on.
func (p *killedPhone) activates(iin string) {
	p.t.Helper()
	var code server.CitizenAnswer
	post(p.t, p.home.url, server.PathCitizens, adminKey, server.CitizenRequest{IIN: iin}, &code)
	p.during(`document.querySelector("#code").value = %s; document.querySelector("#activate").click()`,
		250*time.Millisecond, code.Code)
	if p.has("pass") {
		p.ended("activation: the pass is there")
	} else {
		p.ended("activation: the code has to be typed again")
		p.open("/#" + code.Code)
	}
	until(p.t, p.ctx, p.showsPass())
	if list := p.phones(p.whole().Keys[0]); len(list) != 1 || !list[0].Own {
		p.t.Errorf("after the activation the registry has %+v", list)
	}
}

// topsUp is a phone that was without a network for 20 days and gets those that it lacks.
func (p *killedPhone) topsUp() {
	p.t.Helper()
	eval[chromedp.Void](p.t, p.ctx, `new Promise((resolve, reject) => {
		const opening = indexedDB.open("ashyq");
		opening.onsuccess = () => {
			const all = opening.result.transaction("days", "readwrite");
			all.oncomplete = () => { opening.result.close(); resolve(); };
			all.onabort = () => reject(all.error);
			const asking = all.objectStore("days").getAllKeys();
			asking.onsuccess = () => asking.result.slice(11).forEach((key) => all.objectStore("days").delete(key));
		};
	})`)
	p.during(`location.reload()`, 500*time.Millisecond)
	if !p.has("pass") {
		p.t.Error("the pass is gone, and it had 11 days")
	}
	p.ended("top-up")
	until(p.t, p.ctx, `(async () => (await `+storedDays+`).length === %s)()`, pass.MaxDays)
	if got := p.whole(); got.Days[0] != int64(pass.DayOf(time.Now())) {
		p.t.Errorf("after the top-up the days are %v", got.Days)
	}
}

// moves makes a code for another phone, which takes it, and removes that phone again.
func (p *killedPhone) moves() {
	p.t.Helper()
	p.during(`document.querySelector("#phones").open = true; document.querySelector("#move-make").click()`,
		80*time.Millisecond)
	if !p.has("pass") {
		p.t.Fatal("the pass is gone, and no other phone has it")
	}
	p.ended("move")
	do(p.t, p.ctx, chromedp.Click("#phones summary"))
	until(p.t, p.ctx, `document.querySelectorAll("#phones-list li").length === 1`) // it moves the button
	do(p.t, p.ctx, chromedp.Click("#move-make"))
	until(p.t, p.ctx, visible("move-made"))
	code := eval[string](p.t, p.ctx, `document.querySelector("#move-code").textContent`)
	other := server.ActivateRequest{Code: code, Key: otherKey(p.t), Name: "iPhone"}
	post(p.t, p.home.url, server.PathActivate, "", other, nil)
	p.open("/")
	do(p.t, p.ctx, chromedp.Click("#phones summary"))
	until(p.t, p.ctx, `document.querySelectorAll("#phones-list li").length === 2`)
	p.during(`const button = document.querySelector("#phones-list button"); button.click(); button.click()`,
		80*time.Millisecond)
	do(p.t, p.ctx, chromedp.Click("#phones summary"))
	until(p.t, p.ctx, `document.querySelectorAll("#phones-list li").length > 0`)
	if eval[int](p.t, p.ctx, `document.querySelectorAll("#phones-list li").length`) == 1 {
		p.ended("other phone: it is removed")
	} else {
		p.ended("other phone: it has to be removed again")
		do(p.t, p.ctx, chromedp.Click("#phones-list button"), chromedp.Click("#phones-list button"))
		until(p.t, p.ctx, `document.querySelectorAll("#phones-list li").length === 1`)
	}
	if list := p.phones(p.whole().Keys[0]); len(list) != 1 || !list[0].Own {
		p.t.Errorf("after the other phone was removed the registry has %+v", list)
	}
}

// removes takes the pass from the phone: it is there, or gone, or the page says that it was revoked.
func (p *killedPhone) removes() {
	p.t.Helper()
	key := p.whole().Keys[0]
	p.during(`document.querySelector("#remove").open = true; document.querySelector("#remove-yes").click()`,
		100*time.Millisecond)
	switch {
	case len(p.phones(key)) > 0:
		p.ended("removal: the pass is still there")
		if !p.has("pass") {
			p.t.Error("the pass is gone, and the registry thinks that it exists")
		}
		do(p.t, p.ctx, chromedp.Click("#remove summary"), chromedp.Click("#remove-yes"))
	case len(p.whole().People) > 0:
		p.ended("removal: the page says that the pass was revoked")
		until(p.t, p.ctx, visible("ended-forget"))
		do(p.t, p.ctx, chromedp.Click("#ended-forget"))
	default:
		p.ended("removal: the pass is gone")
	}
	until(p.t, p.ctx, visible("iin-form")+` && !(`+visible("ended")+`)`)
	if got := p.whole(); len(got.People)+len(got.Days) > 0 || len(p.phones(key)) > 0 {
		p.t.Errorf("after the removal stored are %v, days %v; the registry has %v", got.People, got.Days, p.phones(key))
	}
}

// TestKilledPhone kills the Chromium while it gets a pass, tops it up, moves and removes it, and
// starts it again with the same profile. ASHYQ_KILLS is how often.
func TestKilledPhone(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short leaves the pages in a browser to make test")
	}
	kills := 5
	if text := os.Getenv("ASHYQ_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	p := &killedPhone{t: t, home: newHome(t), profile: t.TempDir(), ends: map[string]int{}}
	p.start()
	defer func() { p.kill() }()
	p.open("/")
	for person := 0; p.kills < kills; person++ {
		p.activates(madeUp(person))
		p.topsUp()
		p.moves()
		p.removes()
	}
	var ends []string
	for how, n := range p.ends {
		ends = append(ends, fmt.Sprintf("%s: %d", how, n))
	}
	slices.Sort(ends)
	t.Logf("%d kills: %q", p.kills, ends)
}
