package kiosk_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "ashyq-kiosk/"

// layer says what a package may import of this module. Tests may import more.
type layer struct {
	pkg     string // a package, or a folder with a trailing slash
	imports []string
	why     string
}

var layers = []layer{
	{"kiosk/sign1", nil, "the encoding of everything signed knows nothing of what is signed"},
	{"kiosk/pass", []string{"kiosk/sign1"}, "the citizen's code is the same at a door, on a phone and in the registry"},
	{"kiosk/statuslist", []string{"kiosk/sign1"}, "both ends use the list"},
	{"kiosk/task", nil, "any daemon can run tasks"},
	{"kiosk/retry", nil, "whoever keeps trying does it alike"},
	{"kiosk", []string{"kiosk/pass", "kiosk/statuslist"}, "the domain has no I/O"},
	{"kiosk/enrol", []string{"kiosk/pass", "kiosk/retry", "kiosk/sign1", "registry/api"}, "the code is the same at a door and in the registry, which is reached through an interface"},
	{"kiosk/enroltest", []string{"kiosk/enrol", "registry/api"}, "what enrols is tested against a registry that is nothing but the wire, with real TLS"},
	{"kiosk/config", []string{"kiosk"}, "siblings never import each other"},
	{"kiosk/card", []string{"registry/api"}, "the card's files know the wire's Wi-Fi and are told what a good configuration is"},
	{"kiosk/update", []string{"registry/api"}, "whoever asks the registry is handed to it"},
	{"kiosk/cache", []string{"kiosk", "kiosk/sign1", "kiosk/statuslist"}, "siblings never import each other"},
	{"kiosk/lookuptest", []string{"kiosk", "kiosk/statuslist"}, "every lookup passes the same test"},
	{"kiosk/replica", []string{"kiosk", "kiosk/cache", "kiosk/pass", "kiosk/retry", "kiosk/statuslist", "registry/api"}, "it ties the wire to the cache and reaches the registry through its own interface"},
	{"kiosk/doctor", nil, "checks are handed to it"},
	{"scanner/", []string{"scanner", "scanner/qr", "scanner/qrdraw"}, "a reader of codes does not know what they mean"},
	{"hardware", []string{"kiosk"}, "siblings never import each other"},
	{"display", []string{"kiosk"}, "siblings never import each other"},
	{"registry/api", []string{"kiosk/sign1", "kiosk/statuslist", "kiosk/pass"}, "the wire is defined once, below both ends"},
	{"registry/client", []string{"registry/api", "kiosk", "kiosk/statuslist"}, "the door's end of the wire"},
	{"registry/store", []string{"registry/api", "kiosk/statuslist"}, "the registry's records know nothing of HTTP"},
	{"registry/server", []string{"kiosk/enrol", "registry/api", "registry/store", "kiosk/pass", "kiosk/statuslist", "kiosk/sign1"}, "the registry does not link the door"},
	{"registry/web", nil, "pages speak to the API over HTTP only"},
	{"image-build/card", []string{"image-build/hil", "registry/api", "kiosk/pass", "scanner/qrdraw"}, "it tests a card from outside, as in a door"},
	{"image-build/card/sbom", nil, "it reads what a build left behind, and links nothing of it"},
	{"image-build/package/resources", []string{"registry/api", "kiosk/pass", "kiosk/sign1", "kiosk/statuslist", "scanner/qrdraw"}, "it measures a door from outside, as installed"},
}

// keepers says which package alone may import a library, so that it can leave.
var keepers = map[string][]string{
	"gocv.io/x/gocv":                {"scanner/"},
	"github.com/makiuchi-d/gozxing": {"scanner/"},
	"periph.io/x/":                  {"hardware"},
	"github.com/godbus/dbus/":       {"kiosk/task"},
	"github.com/hanwen/go-fuse/":    {"image-build/hil"},
	"go.etcd.io/bbolt":              {"kiosk/cache"},
	"github.com/veraison/go-cose":   {"kiosk/sign1"},
	"github.com/fxamacker/cbor":     {"kiosk/sign1"},
	"github.com/pelletier/go-toml":  {"kiosk/config", "kiosk/card"}, // custom.toml is another's format, not our configuration
	"go.yaml.in/yaml/":              {"kiosk/card"},                 // what Imager and netplan write
	"modernc.org/sqlite":            {"registry/store"},
	"github.com/jackc/pgx":          {"registry/store"},
	"database/sql":                  {"registry/store"},
	"github.com/alecthomas/kong":    {"cmd/"},
	"github.com/coreos/go-systemd":  {"kiosk/task", "cmd/"},
	"github.com/google/renameio":    {"cmd/", "kiosk/card", "kiosk/enrol", "kiosk/update"},
	"github.com/prometheus/":        {"cmd/", "registry/server"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T, tags ...string) []listed {
	t.Helper()
	args := append([]string{"list", "-e", "-json=ImportPath,Imports,Deps"}, tags...)
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

func TestLayers(t *testing.T) {
	for _, tags := range [][]string{nil, {"-tags=gocv_specific_modules,gocv_videoio,customenv"}} {
		for _, p := range packages(t, tags...) {
			pkg := strings.TrimPrefix(p.ImportPath, module)
			checkInner(t, pkg, p.Imports)
			checkLibraries(t, pkg, p.Imports)
			if pkg == "cmd/ashyq-kiosk" && slices.Contains(p.Deps, module+"registry/server") {
				t.Errorf("%s links registry/server: a door does not carry the registry", pkg)
			}
		}
	}
}

func checkInner(t *testing.T, pkg string, imports []string) {
	t.Helper()
	if strings.HasPrefix(pkg, "cmd/") {
		return // the wiring may know everybody
	}
	i := slices.IndexFunc(layers, func(l layer) bool { return covers(l.pkg, pkg) })
	if i < 0 {
		t.Errorf("package %s has no floor in layers: say which and why", pkg)
		return
	}
	for _, imp := range imports {
		inner, ours := strings.CutPrefix(imp, module)
		if ours && !slices.Contains(layers[i].imports, inner) {
			t.Errorf("%s imports %s, but %s", pkg, inner, layers[i].why)
		}
	}
}

func checkLibraries(t *testing.T, pkg string, imports []string) {
	t.Helper()
	for _, imp := range imports {
		for library, homes := range keepers {
			if strings.HasPrefix(imp, library) && !slices.ContainsFunc(homes, func(h string) bool { return covers(h, pkg) }) {
				t.Errorf("%s imports %s, which stays in %s so that it can leave", pkg, imp, strings.Join(homes, ", "))
			}
		}
	}
}
