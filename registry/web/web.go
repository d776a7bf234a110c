// Package web is what people see of the registry in a browser: the citizen's page with the rotating
// code, the sheet of a printed pass, the administrator's pages and the page for a laboratory or the
// Covid-19 centre.
//
// Everything is embedded: plain HTML, CSS and JavaScript modules that talk to the registry under
// /v1/ and to nothing else. What is under /static carries the hash of all files in its path. A page
// therefore always gets modules of its own age, and caches may keep them for ever; only the pages
// themselves are asked for again.
//
//	/                      the citizen's page; "#CODE" behind it fills in the one-time code
//	/admin                 the overview of whoever works with the registry; "#key=KEY" behind it, as
//	                       behind all pages below, fills in the key
//	/people                one-time codes and printed passes; suspending and revoking passes
//	/help                  how to use the pass, and what becomes of the data
//	/paper                 a printed pass
//	/sources               laboratories, portals, centres: their keys, limits, and what waits
//	/doors                 the doors, and one-time codes for new ones, on a sheet that is printed or as
//	                       files for their cards
//	/places                venues out of a file, the doors of their entrances, code sheets by venue and
//	                       region, another device for a door
//	/alerts                what is wrong with doors, and who is told
//	/venue                 an owner's own venues: doors, and counts by hour and colour
//	/rules                 the rules that doors decide by
//	/records               what to settle, one person's records, all records of a source
//	/updates               releases of the doors' program
//	/accounts              accounts of administrators, owners and staff
//	/staff                 the staff's own phone checks passes while a door is out of order
//	/lab                   records of a laboratory or the Covid-19 centre
//	/sw.js                 the service worker that keeps the citizen's page going without a network
//	/manifest.webmanifest  what makes the citizen's page an app on the home screen
//	/static/HASH/...       modules, style sheets, icons
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed pages static
var files embed.FS

// officeDir holds what only the pages behind a key need; a citizen's phone does not keep it.
const officeDir = "static/office/"

// securityPolicy lets a page use its own origin and nothing else: no inline script or style, no
// frames, no forms that leave the page.
const securityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// readerWorker runs the doors' decoder, which is WebAssembly (.ci/reader).
const readerWorker = officeDir + "reader-worker.js"

// pages maps a path to the file that it shows; the pages behind a key are in office.
var pages = map[string]string{
	"/{$}":                  "pages/index.html",
	"/help":                 "pages/help.html",
	"/sw.js":                "pages/sw.js",
	"/manifest.webmanifest": "pages/manifest.webmanifest",
}

// contentTypes does not leave it to the machine's MIME table what a browser is told: with nosniff a
// wrong type is an empty page.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".gz":          "application/gzip",
	".js":          "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".webmanifest": "application/manifest+json",
}

// Handler serves the pages. It answers GET and HEAD on the paths above and 404 on all others;
// package server has to be mounted beside it on the same origin.
func Handler() http.Handler {
	version, names := inventory()
	root := "/static/" + version
	fill := strings.NewReplacer("{{static}}", root, "{{version}}", version, "{{offline}}", offlineList(root, names))

	mux := http.NewServeMux()
	for pattern, name := range pages {
		mux.Handle("GET "+pattern, serve(name, []byte(fill.Replace(string(read(name)))), "no-cache", version))
	}
	mux.Handle("GET "+root+"/office/kinds.js", serve("kinds.js", kindsModule(), "public, max-age=31536000, immutable", version))
	for _, page := range office {
		mux.Handle("GET /"+page.Name, serve("frame.html", officeBody(page, root), "no-cache", version))
	}
	for _, name := range names {
		served := root + strings.TrimPrefix(name, "static")
		mux.Handle("GET "+served, serve(name, read(name), "public, max-age=31536000, immutable", version))
	}
	return mux
}

// inventory lists the files under static and hashes everything that is served.
func inventory() (version string, names []string) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(read(name)))
		if strings.HasPrefix(name, "static/") {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		panic("web: walk the embedded files: " + err.Error())
	}
	sum.Write(kindsModule())
	return hex.EncodeToString(sum.Sum(nil)[:8]), names
}

// offlineList is a JSON array of what the service worker stores: the citizen's page and all that it
// loads.
func offlineList(root string, names []string) string {
	list := []string{"/", "/help", "/manifest.webmanifest"}
	for _, name := range names {
		if !strings.HasPrefix(name, officeDir) {
			list = append(list, root+strings.TrimPrefix(name, "static"))
		}
	}
	slices.Sort(list)
	out, err := json.Marshal(list)
	if err != nil {
		panic("web: encode the list of offline files: " + err.Error())
	}
	return string(out)
}

func read(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic("web: read an embedded file: " + err.Error())
	}
	return data
}

func serve(name string, body []byte, caching, version string) http.Handler {
	kind, ok := contentTypes[path.Ext(name)]
	if !ok {
		panic(fmt.Sprintf("web: no content type for embedded file %q", name))
	}
	policy := securityPolicy
	if name == readerWorker {
		policy = strings.Replace(policy, "script-src", "script-src 'wasm-unsafe-eval'", 1)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", caching)
		h.Set("ETag", `"`+version+`"`)
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	})
}
