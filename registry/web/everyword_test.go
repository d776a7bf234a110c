package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/alert"
)

// constants reads the values of a type from its source, so that the test cannot miss a new one.
func constants(t *testing.T, file, kind string) (all []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if named, ok := spec.Type.(*ast.Ident); !ok || named.Name != kind {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
		return true
	})
	if len(all) < 2 {
		t.Fatalf("found only %q in %s", all, file)
	}
	return all
}

func texts[T ~string](list []T) (all []string) {
	for _, one := range list {
		all = append(all, string(one))
	}
	return all
}

func without(list []string, value string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return one == value })
}

// Whatever doors and records can say has words on the pages in three languages: a page stops at a word
// that it does not have. The door's own screen has the same test, in package display.
func TestEveryKindAndReasonHasWords(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(r.url()+"/"))
	zones := constants(t, "../../kiosk/venue.go", "Zone")
	ways := constants(t, "../../kiosk/venue.go", "Way")
	faults := constants(t, "../../kiosk/api/health.go", "Fault")
	occurred := without(constants(t, "../../kiosk/api/health.go", "Occurred"), string(api.Never)) // nothing to say
	records := constants(t, "../../registry/store/records.go", "Kind")
	reasons := without(records, "inconclusive") // it is never why
	colours := []string{"red", "yellow", "blue", "green"}
	for _, c := range []struct {
		table, before, after string
		values               []string
	}{
		{"js/texts.js#citizen", "", "", colours},
		{"js/texts.js#citizen", "", "Text", colours},
		{"js/texts.js#citizen", "what-", "", reasons},
		{"office/doors-texts.js#words", "way-", "", ways},
		{"office/doors-texts.js#words", "ring-", "", api.Rings},
		{"office/doors-texts.js#words", "fault-", "", faults},
		{"office/doors-texts.js#words", "mirror-", "", api.MirrorFaults},
		{"office/doors-texts.js#words", "undervoltage-", "", occurred},
		{"office/doors-texts.js#words", "throttled-", "", occurred},
		{"office/doors-texts.js#words", "restart-", "", constants(t, "../../kiosk/api/health.go", "Restart")},
		{"office/venue-texts.js#words", "trouble-", "", constants(t, "../../kiosk/api/health.go", "Trouble")},
		{"office/venue-texts.js#words", "way-", "", ways},
		{"office/venue-texts.js#words", "", "", colours},
		{"office/places-texts.js#words", "way-", "", ways},
		{"office/alerts-texts.js#words", "kind-", "", texts(alert.Kinds)},
		{"office/records-texts.js#words", "", "", records},
		{"office/records-texts.js#words", "at-", "", records},
		{"office/lab-texts.js#words", "", "", records},
		{"office/kinds.js#venues", "", "", texts(kiosk.Venues)},
		{"office/kinds.js#zones", "", "", zones},
	} {
		file, export, _ := strings.Cut(c.table, "#")
		words := eval[map[string]map[string]string](t, ctx, `import(%s).then(({ [%s]: table }) => Array.isArray(table)
			? Object.fromEntries(table.map(({ key, kk, ru, en }) => [key, { kk, ru, en }])) : table)`, moduleAt(t, file), export)
		for _, value := range c.values {
			row := words[c.before+value+c.after]
			for _, language := range []string{"kk", "ru", "en"} {
				if row[language] == "" {
					t.Errorf("%s has no %q in %q", c.table, c.before+value+c.after, language)
				}
			}
		}
	}
}
