package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	citizens "ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// office sends a request with a key, as the offices' programs do.
func office(t *testing.T, url, path, key string, body, answer any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode >= 300 {
		t.Fatalf("%s: %d %s, %v", path, got.StatusCode, text, err)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			t.Fatal(err)
		}
	}
}

// madeUp is an IIN with a right check digit that nobody has: the 13th month does not exist.
func madeUp(n int) string {
	for tail := 0; ; tail++ {
		text := fmt.Sprintf("%02d1399%06d", n/5000, n%5000*100+tail)
		if _, err := store.ParseIIN(text); err == nil {
			return text
		}
	}
}

// TestNewStatusIsShownAtOnce posts results while a crowd of phones waits, and measures how long the
// page takes to show the colour. ASHYQ_WAITING is the number of phones.
func TestNewStatusIsShownAtOnce(t *testing.T) {
	crowd, runs := 1000, 11
	if text := os.Getenv("ASHYQ_WAITING"); text != "" {
		var err error
		if crowd, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	ctx := tab(t)
	phone(t, ctx)
	url, options := realRegistry(t)
	waiting := waitFor(t, url, options, crowd)

	var code server.CitizenAnswer
	office(t, url, server.PathCitizens, adminKey, server.CitizenRequest{IIN: alice}, &code)
	var lab server.SourceAnswer
	office(t, url, server.PathSources, adminKey, server.SourceRequest{Name: "City laboratory 3", Kind: "laboratory"}, &lab)
	call(t, ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: noteColours})
	do(t, ctx, chromedp.Navigate(code.URL))
	until(t, ctx, `document.querySelector("#status").matches("[data-colour=blue][data-fresh=true]")`)
	until(t, ctx, `asked.length >= 2`) // the second question is the one that waits

	var took []time.Duration
	for n := range runs {
		time.Sleep(time.Duration(n) * 97 * time.Millisecond) // otherwise each waits for the gap after the version before
		start := time.Now()
		colour := "red"
		if n%2 == 0 {
			result := server.ResultRequest{IIN: alice, Sample: fmt.Sprint(n), Result: "positive", Taken: time.Now()}
			office(t, url, server.PathResults, lab.Key, result, nil)
		} else {
			colour = "blue"
			office(t, url, server.PathWithdraw, lab.Key, server.Target{Sample: fmt.Sprint(n - 1), Why: "typing error"}, nil)
		}
		until(t, ctx, `colours.length === %s && colours.at(-1).colour === %s`, n+1, colour)
		at := eval[float64](t, ctx, `colours.at(-1).at`)
		took = append(took, time.UnixMilli(int64(at)).Sub(start))
	}
	slices.Sort(took)
	t.Logf("%d phones wait; from the result to the page's colour: p50 %v, slowest of %d %v",
		waiting(), took[runs/2], runs, took[runs-1])
	if took[runs/2] > 2*time.Second {
		t.Errorf("half of them took longer than %v, want 2 s at most", took[runs/2])
	}
	if n := waiting(); n < crowd {
		t.Errorf("only %d of %d phones still wait", n, crowd)
	}
	if n := eval[int](t, ctx, `asked.length`); n > runs+5 {
		t.Errorf("the page asked %d times for %d new statuses", n, runs)
	}
}

// noteColours keeps when the page shows a new colour, and when it asks for one.
const noteColours = `globalThis.colours = [];
globalThis.asked = [];
new MutationObserver(() => {
	const colour = document.querySelector("#status")?.dataset.colour;
	if (!["red", "blue"].includes(colour) || colour === (colours.at(-1)?.colour ?? "blue")) return;
	colours.push({ colour, at: Date.now() });
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-colour"] });
const send = globalThis.fetch;
globalThis.fetch = (path, ...rest) => {
	if (path === "/v1/self") asked.push(Date.now());
	return send(path, ...rest);
};`

var errNotReady = errors.New("503 Service Unavailable")

// waitFor makes phones that wait for news, each with a pass and a connection of its own, and counts
// how many do.
func waitFor(t *testing.T, url string, options server.Options, crowd int) (waiting func() int) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: crowd}
	client := &http.Client{Transport: transport}
	post := func(ctx context.Context, path string, body, answer any) error {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, bytes.NewReader(data))
		if err != nil {
			return err
		}
		got, err := client.Do(request)
		if err != nil {
			return err
		}
		defer got.Body.Close()
		if got.StatusCode == http.StatusServiceUnavailable {
			return errNotReady
		}
		if got.StatusCode >= 300 {
			return fmt.Errorf("%s: %s", path, got.Status)
		}
		if answer == nil {
			return nil
		}
		return json.NewDecoder(got.Body).Decode(answer)
	}
	activate := func(ctx context.Context, n int) (*citizens.Phone, error) {
		seed := make([]byte, ed25519.SeedSize)
		binary.BigEndian.PutUint64(seed, uint64(n)+1)
		phone := citizens.New(ed25519.NewKeyFromSeed(seed))
		code := fmt.Sprintf("%05d-%05d-%05d", n, 0, 0)
		until := time.Now().Add(time.Hour)
		if err := options.Store.PutCode(ctx, store.IIN(madeUp(n)), store.SecretOf(code), until); err != nil {
			return nil, err
		}
		err := errNotReady
		for err == errNotReady { // a busy registry asks to try again
			err = post(ctx, server.PathActivate, server.ActivateRequest{Code: code, Key: phone.Key()}, nil)
		}
		return phone, err
	}

	ctx, cancel := context.WithCancel(context.Background())
	var phones, ready sync.WaitGroup
	var mu sync.Mutex // guards now
	now := 0
	at := func(change int) {
		mu.Lock()
		defer mu.Unlock()
		now += change
	}
	together := make(chan struct{}, 400) // the line of one address has 500 places
	for n := range crowd {
		ready.Add(1)
		phones.Go(func() {
			together <- struct{}{}
			phone, err := activate(ctx, n)
			<-together
			ready.Done()
			if err != nil {
				t.Errorf("activate: %v", err)
				return
			}
			seen := ""
			for ctx.Err() == nil {
				self, err := phone.Self(time.Now())
				if err != nil {
					t.Error(err)
					return
				}
				var a server.SelfAnswer
				if seen != "" {
					at(1)
				}
				err = post(ctx, server.PathSelf, server.SelfRequest{Self: self, Seen: seen, Wait: 50}, &a)
				if seen != "" {
					at(-1)
				}
				if err != nil && ctx.Err() == nil {
					t.Errorf("wait: %v", err)
					return
				}
				if seen != "" && a.State == seen && a.Waited < 10_000 && ctx.Err() == nil {
					t.Errorf("a phone waited only %d ms", a.Waited)
					return
				}
				seen = a.State
			}
		})
	}
	t.Cleanup(func() { cancel(); phones.Wait(); transport.CloseIdleConnections() })
	ready.Wait()
	waiting = func() int {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	for deadline := time.Now().Add(patience); waiting() < crowd; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d phones wait", waiting(), crowd)
		}
	}
	return waiting
}

// Where nothing waits, the page asks every half minute, and where something cuts its questions off,
// it asks for less time and says nothing of a network that is there.
func TestQuestionsThatAreNotKept(t *testing.T) {
	t.Parallel() // it mostly waits
	for name, cutOff := range map[string]bool{"answered at once": false, "cut off": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			r.set(func(r *registry) { r.cutOff, r.status.State = cutOff, "state" })
			ctx := tab(t)
			activated(t, r, ctx)
			var waits []int
			asked := func() (n int) {
				r.set(func(r *registry) {
					n, waits = len(r.questions), nil
					for _, q := range r.questions {
						waits = append(waits, q.Wait)
					}
				})
				return n
			}
			start := time.Now()
			for time.Since(start) < 8*cutAfter && (!cutOff || asked() < 9) {
				time.Sleep(50 * time.Millisecond)
				if eval[bool](t, ctx, visible("note")) {
					t.Fatalf("the page says %q", eval[string](t, ctx, `document.querySelector("#note").textContent`))
				}
			}
			n := asked()
			want := []int{0, 50, 50}
			if cutOff {
				want = []int{0, 50, 0, 25, 0, 12, 0, 6, 0}
			}
			if !slices.Equal(waits, want[:min(n, len(want))]) || n < len(want)-1 || n > len(want) {
				t.Errorf("in %v it asked for waits of %v, want %v", time.Since(start).Round(time.Second), waits, want)
			}
		})
	}
}
