package kiosk_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const module = "ashyq-kiosk/"

// A layer says what a package may import of this module. Tests may import more. The first layer
// that covers a package counts, and cmd/ may import everything: it is the wiring.
//
// One rule stands above the table: nothing below kiosk/ imports registry/. They are two programs.
type layer struct {
	pkg     string // a package, or a folder with a trailing slash
	imports []string
	why     string
}

var layers = []layer{
	{"kiosk/sign1", nil, "the encoding of everything signed knows nothing of what is signed"},
	{"kiosk/sign1/sign1test", nil, "keys that nobody may hold, for the tests of everybody who verifies"},
	{"kiosk/pass", []string{"kiosk/sign1", "kiosk/statuslist"}, "the citizen's code is the same at a door, on a phone and in the registry"},
	{"kiosk/statuslist", []string{"kiosk/sign1"}, "both programs use the list"},
	{"kiosk/api", []string{"kiosk/sign1", "kiosk/statuslist"}, "what door and registry say to each other is defined once, below both"},
	{"kiosk/latest", nil, "it holds any value"},
	{"kiosk/names", nil, "every name that somebody chose passes the same check"},
	{"kiosk/task", nil, "any daemon can run tasks"},
	{"kiosk/chrony", []string{"kiosk/uptime"}, "the word about the time is written and read in one place"},
	{"kiosk/uptime", nil, "a reading means the same to everybody on the machine"},
	{"kiosk/retry", []string{"kiosk/api"}, "every loop that tries again logs the same way, with the hint of a failed call"},
	{"kiosk", []string{"kiosk/latest", "kiosk/pass", "kiosk/statuslist"}, "the domain has no I/O"},
	{"kiosk/client", []string{"kiosk/api", "kiosk", "kiosk/statuslist"}, "the door's side of the protocol"},
	{"kiosk/enrol", []string{"kiosk/api", "kiosk/latest", "kiosk/names", "kiosk/pass", "kiosk/retry", "kiosk/sign1"}, "it reaches the registry through an interface"},
	{"kiosk/enrol/enroltest", []string{"kiosk/api", "kiosk/enrol"}, "a registry that is only the protocol, with real TLS"},
	{"kiosk/setup", []string{"kiosk", "kiosk/task"}, "parts report to it by name"},
	{"kiosk/config", []string{"hardware", "kiosk", "kiosk/api", "kiosk/names"}, "the wiring's keys, defaults and checks are declared once, by the panel"},
	{"kiosk/provision", []string{"kiosk/api"}, "the files of the boot partition know the protocol's Wi-Fi"},
	{"kiosk/update", []string{"kiosk/latest"}, "it reaches the registry through an interface"},
	{"kiosk/cache", []string{"kiosk", "kiosk/sign1", "kiosk/statuslist", "kiosk/uptime"},
		"siblings never import each other"},
	{"kiosk/lookuptest", []string{"kiosk", "kiosk/statuslist"}, "every lookup passes the same test"},
	{"kiosk/replica", []string{"kiosk", "kiosk/api", "kiosk/cache", "kiosk/pass", "kiosk/retry", "kiosk/statuslist"},
		"it ties the protocol to the cache and the door"},
	{"kiosk/mirror", []string{"kiosk/api", "kiosk/client", "kiosk/statuslist"}, "it looks after mirrors and does not know what the list is for"},
	{"kiosk/visits", []string{"kiosk/api", "kiosk/doorkeys", "kiosk/pass", "kiosk/retry"}, "it reaches the registry through an interface"},
	{"kiosk/places", []string{"kiosk", "kiosk/api"}, "it reaches the registry through an interface"},
	{"kiosk/doorkeys", []string{"kiosk/pass", "kiosk/retry", "kiosk/sign1"}, "the registry seals with the code that a door opens with"},
	{"kiosk/doctor", nil, "its checks are handed to it"},
	{"scanner", []string{"scanner/qr"}, "a reader of codes does not know what they mean"},
	{"scanner/", nil, "a reader of codes does not know what they mean"},
	{"hardware", []string{"hardware/board", "kiosk", "kiosk/latest"}, "siblings never import each other"},
	{"hardware/board", []string{"kiosk/api"}, "it looks at the machine, for the message to the registry"},
	{"hardware/gpiosim", nil, "the kernel's simulated chip, for whoever tests lines"},
	{"display", []string{"kiosk", "kiosk/setup"}, "siblings never import each other"},
	{"registry/export", []string{"kiosk/api", "kiosk/retry"}, "it copies what is public, and reaches the registry through an interface"},
	{"registry/export/exporttest", nil, "it knows S3 and not what is kept there"},
	{"registry/phone", []string{"kiosk/pass"}, "a phone knows the format, and of the registry what travels"},
	{"registry/ratchet", nil, "it derives keys and does not know what for"},
	{"registry/store", []string{"kiosk/api", "kiosk/doorkeys", "kiosk/pass", "kiosk/statuslist", "registry/ratchet"}, "the registry's records know nothing of HTTP"},
	{"registry/store/storetest", nil, "it knows PostgreSQL and not what is kept in it"},
	{"registry/server", []string{"kiosk/api", "kiosk/doorkeys", "kiosk/enrol", "kiosk/names", "kiosk/pass", "kiosk/sign1", "kiosk/statuslist",
		"registry/alert", "registry/csvfile", "registry/decree", "registry/fhir", "registry/kinds", "registry/store"},
		"it shares the formats with the door and links none of its parts"},
	{"registry/alert", nil, "it sends messages and does not know where they come from"},
	{"registry/alert/alerttest", []string{"registry/alert"}, "real servers that take alerts"},
	{"registry/decree", []string{"kiosk"}, "the office tries rules with the code that decides at a door"},
	{"registry/pcr", nil, "words are words"},
	{"registry/kinds", nil, "words are words"},
	{"registry/csvfile", []string{"kiosk/names", "registry/pcr"}, "it reads files and does nothing with them"},
	{"registry/fhir", []string{"registry/pcr"}, "it reads messages and does nothing with them"},
	{"registry/sms", nil, "it hands on whatever it is given"},
	{"registry/web", []string{"registry/kinds"}, "pages speak to the registry over HTTP only"},
	{"image-build/", []string{"kiosk/api", "kiosk/doorkeys", "kiosk/pass", "kiosk/statuslist", "scanner/qrdraw"}, "it builds and measures doors from outside"},
}

// keepers says which package alone may import a library, so that it can leave.
var keepers = map[string][]string{
	"gocv.io/x/gocv":                {"scanner/"},
	"github.com/makiuchi-d/gozxing": {"scanner/"},
	"periph.io/x/":                  {"hardware/"},
	"github.com/godbus/dbus/":       {"kiosk/task"},
	"github.com/hanwen/go-fuse/":    {"image-build/hil"},
	"github.com/u-root/":            {"image-build/boards"},
	"go.etcd.io/bbolt":              {"kiosk/cache"},
	"github.com/veraison/go-cose":   {"kiosk/sign1"},
	"filippo.io/edwards25519":       {"kiosk/sign1", "kiosk/sign1/sign1test"},
	"github.com/fxamacker/cbor":     {"kiosk/sign1"},
	"github.com/pelletier/go-toml":  {"kiosk/config"},
	"go.yaml.in/yaml/":              {"kiosk/provision"}, // what Imager writes
	"modernc.org/sqlite":            {"registry/store"},
	"github.com/jackc/pgx":          {"registry/store", "registry/store/storetest"},
	"database/sql":                  {"registry/store", "registry/store/storetest"},
	"github.com/minio/minio-go":     {"registry/export"},
	"github.com/wneessen/go-mail":   {"registry/alert"},
	"github.com/emersion/":          {"registry/alert/alerttest"},
	"pault.ag/go/debian/":           {"kiosk/update"},
	"github.com/alecthomas/kong":    {"cmd/"},
	"github.com/CycloneDX/":         {"image-build/card/sbom"},
	"github.com/coreos/go-systemd":  {"kiosk/task", "cmd/"},
	"github.com/google/renameio":    {"kiosk/chrony", "cmd/", "kiosk/provision", "kiosk/doorkeys", "kiosk/enrol", "kiosk/update"},
	"github.com/prometheus/":        {"cmd/", "registry/server"},
	"github.com/go-json-experiment": {"registry/fhir"}, // names are case-sensitive, and none is there twice
}

type listed struct {
	ImportPath  string
	Imports     []string
	TestImports []string
	Deps        []string
}

func packages(t *testing.T, tags ...string) []listed {
	t.Helper()
	args := append([]string{"list", "-e", "-json=ImportPath,Imports,TestImports,Deps"}, tags...)
	cmd := exec.Command("go", append(args, module+"...")...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func covers(pattern, pkg string) bool {
	folder, isFolder := strings.CutSuffix(pattern, "/")
	return pkg == folder || isFolder && strings.HasPrefix(pkg, pattern)
}

// use counts which permissions are needed, so that the test finds an unused one.
type use struct {
	inner   map[string]bool // "package imports package"
	library map[string]bool // "library in home"
}

func TestLayers(t *testing.T) {
	used := use{map[string]bool{}, map[string]bool{}}
	for _, tags := range [][]string{nil, {"-tags=gocv_specific_modules,gocv_videoio,customenv"}, {"-tags=hil"}} {
		for _, p := range packages(t, tags...) {
			pkg := strings.TrimPrefix(p.ImportPath, module)
			used.checkInner(t, pkg, p.Imports)
			used.checkLibraries(t, pkg, p.Imports, p.TestImports)
			checkPrograms(t, pkg, p.Deps)
		}
	}
	for _, l := range layers {
		for _, imp := range l.imports {
			if !used.inner[l.pkg+" imports "+imp] {
				t.Errorf("nobody in %s imports %s: remove the permission", l.pkg, imp)
			}
		}
	}
	for library, homes := range keepers {
		for _, home := range homes {
			if !used.library[library+" in "+home] {
				t.Errorf("nobody in %s imports %s: remove the permission", home, library)
			}
		}
	}
}

// TestDocNamesEveryPackage: a reader of doc.go knows where everything is.
func TestDocNamesEveryPackage(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(doc), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '/' && r != '-' })
	for _, p := range packages(t, "-tags=hil") {
		pkg := strings.TrimPrefix(p.ImportPath, module)
		if folder, _, inside := strings.Cut(pkg, "/"); inside && folder == "image-build" {
			pkg = folder
		}
		if !slices.Contains(words, pkg) {
			t.Errorf("kiosk/doc.go does not name %s", pkg)
		}
	}
}

// checkPrograms keeps the two programs apart.
func checkPrograms(t *testing.T, pkg string, deps []string) {
	t.Helper()
	if pkg != "kiosk" && !strings.HasPrefix(pkg, "kiosk/") && pkg != "cmd/ashyq-kiosk" {
		return
	}
	for _, dep := range deps {
		if strings.HasPrefix(dep, module+"registry/") {
			t.Errorf("%s links %s: nothing below kiosk/ imports registry/", pkg, dep)
		}
	}
}

func (u use) checkInner(t *testing.T, pkg string, imports []string) {
	t.Helper()
	if strings.HasPrefix(pkg, "cmd/") {
		return // the wiring may know everybody
	}
	i := slices.IndexFunc(layers, func(l layer) bool { return covers(l.pkg, pkg) })
	if i < 0 {
		t.Errorf("package %s is in no layer: say what it may import and why", pkg)
		return
	}
	for _, imp := range imports {
		inner, ours := strings.CutPrefix(imp, module)
		if ours && !slices.Contains(layers[i].imports, inner) {
			t.Errorf("%s imports %s, but %s", pkg, inner, layers[i].why)
		}
		u.inner[layers[i].pkg+" imports "+inner] = true
	}
}

func (u use) checkLibraries(t *testing.T, pkg string, imports, testImports []string) {
	t.Helper()
	for library, homes := range keepers {
		has := func(imp string) bool { return strings.HasPrefix(imp, library) }
		home := slices.IndexFunc(homes, func(h string) bool { return covers(h, pkg) })
		switch uses := slices.ContainsFunc(imports, has); {
		case uses && home < 0:
			t.Errorf("%s imports %s, which stays in %s so that it can leave", pkg, library, strings.Join(homes, ", "))
		case home >= 0 && (uses || slices.ContainsFunc(testImports, has)):
			u.library[library+" in "+homes[home]] = true
		}
	}
}
