package web_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/registry/kinds"
	"ashyq-kiosk/registry/web"
)

// everyPage is the path of each page.
func everyPage() []string {
	paths := []string{"/", "/help"}
	for _, name := range web.OfficePages() {
		paths = append(paths, "/"+name)
	}
	return paths
}

func fetch(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	web.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// loads finds what a page, a module or a style sheet asks for.
var loads = regexp.MustCompile(`(?:src|href)="([^"]+)"|from "([^"]+)"|"src": "([^"]+)"`)

// Every file that a page leads to has to be there, with a type that the browser takes and for as
// long as it may keep it.
func TestEverythingThatAPageLoads(t *testing.T) {
	seen := map[string]bool{}
	queue := slices.Concat(everyPage(), []string{"/sw.js", "/manifest.webmanifest"})
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		w := fetch(t, name)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", name, w.Code)
			continue
		}
		h := w.Header()
		if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", name, policy)
		}
		wantCaching := "no-cache"
		if strings.HasPrefix(name, "/static/") {
			wantCaching = "public, max-age=31536000, immutable"
		}
		if got := h.Get("Cache-Control"); got != wantCaching {
			t.Errorf("%s: Cache-Control %q, want %q", name, got, wantCaching)
		}
		if strings.Contains(w.Body.String(), "{{") {
			t.Errorf("%s: a {{placeholder}} was left over", name)
		}
		for _, match := range loads.FindAllStringSubmatch(w.Body.String(), -1) {
			target := match[1] + match[2] + match[3]
			if !strings.HasPrefix(target, "/") {
				target = path.Join(path.Dir(name), target)
			}
			queue = append(queue, target)
		}
	}
	for _, want := range []string{"/js/citizen.js", "/js/qr.js", "/office/admin.js", "/css/base.css", "/icons/icon-512.png"} {
		if !slices.ContainsFunc(mapKeys(seen), func(s string) bool { return strings.HasSuffix(s, want) }) {
			t.Errorf("no page leads to %s", want)
		}
	}
}

func mapKeys(m map[string]bool) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// The policy forbids inline script and style; the browser would ignore them without a word to the
// reader of the source.
func TestNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?:\s+type="module")?>|https?://`)
	for _, name := range everyPage() {
		if found := inline.FindString(fetch(t, name).Body.String()); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	for _, name := range []string{"/index.html", "/nothing", "/static/", "/static/0000000000000000/js/qr.js", "/v1/overview"} {
		if w := fetch(t, name); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", name, w.Code)
		}
	}
	w := httptest.NewRecorder()
	web.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %d, want 405", w.Code)
	}
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	first := fetch(t, "/")
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	w := httptest.NewRecorder()
	web.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusNotModified {
		t.Errorf("the same page again: %d, want 304", w.Code)
	}
}

// A phone keeps the citizen's page only: nothing that needs a key.
func TestOfflineFiles(t *testing.T) {
	worker := fetch(t, "/sw.js").Body.String()
	if strings.Contains(worker, "/office/") {
		t.Error("the service worker stores the office's pages")
	}
	err := fs.WalkDir(os.DirFS("static"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasPrefix(name, "office/") && !strings.Contains(worker, "/"+name+`"`) {
			t.Errorf("the service worker does not store %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// moduleAt is the address of a module, for import() in a page.
func moduleAt(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(`/static/[0-9a-f]{16}/`).FindString(fetch(t, "/").Body.String())
	if found == "" {
		t.Fatal("the page loads nothing from /static/HASH/")
	}
	return found + name
}

// All languages have all words, and the pages ask for no other ones.
func TestWords(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(r.url()+"/"))
	asked := regexp.MustCompile(`data-t(?:-label|-title)?="([^"]+)"`)
	tables := map[string]string{"/": "js/texts.js#citizen"}
	for _, name := range web.OfficePages() {
		tables["/"+name] = "office/" + name + "-texts.js#words"
	}
	for name, table := range tables {
		file, export, _ := strings.Cut(table, "#")
		words := eval[map[string]map[string]string](t, ctx, `import(%s).then((module) => module[%s])`, moduleAt(t, file), export)
		for key, row := range words {
			for _, language := range []string{"kk", "ru", "en"} {
				if row[language] == "" {
					t.Errorf("%s: %q has no text in %q", table, key, language)
				}
				if placeholders(row[language]) != placeholders(row["en"]) {
					t.Errorf("%s: %q has other {values} in %q than in en", table, key, language)
				}
			}
		}
		for _, match := range asked.FindAllStringSubmatch(fetch(t, name).Body.String(), -1) {
			if words[match[1]] == nil {
				t.Errorf("%s asks for %q, which is not in %s", name, match[1], table)
			}
		}
	}
}

func placeholders(text string) string {
	found := regexp.MustCompile(`\{\w+\}`).FindAllString(text, -1)
	slices.Sort(found)
	return strings.Join(found, "")
}

// The page of doors lists the kinds of venues in its language, and takes every name of each of them.
func TestVenues(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(r.url()+"/doors"))
	for i, language := range []string{"kk", "ru", "en"} {
		do(t, ctx, chromedp.Click(`[data-language="`+language+`"]`))
		got := eval[[]string](t, ctx, `document.querySelector("#venues").textContent.split(", ")`)
		var want []string
		for _, k := range kinds.Venues {
			want = append(want, [...]string{k.KK, k.RU, k.EN}[i])
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the page offers %v, there are %v", language, got, want)
		}
	}
	for _, k := range kinds.Venues {
		for _, word := range append([]string{k.Key, " " + strings.ToUpper(k.KK), k.RU, k.EN}, k.Also...) {
			got := eval[string](t, ctx, `import(%s).then(({ venueOf }) => venueOf(%s) ?? "")`, moduleAt(t, "office/venues.js"), word)
			if got != k.Key {
				t.Errorf("the page takes %q for %q, want %q", word, got, k.Key)
			}
		}
	}
}
