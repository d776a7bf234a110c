package server

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// odd is what nobody should send in a field, by its class.
func odd(good any, kind reflect.Type) map[string]any {
	classes := map[string]any{"null": nil, "object": map[string]any{}, "list": []any{}}
	switch {
	case kind == reflect.TypeFor[time.Time]():
		classes["number"], classes["empty"], classes["text"] = 7, "", "yesterday"
		classes["future"] = time.Now().Add(48 * time.Hour)
		classes["year 9999"], classes["year 1"] = "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"
	case kind.Kind() == reflect.String:
		text, _ := good.(string)
		letters := []rune(text)
		middle := func(s string) string { return string(letters[:len(letters)/2]) + s + string(letters[len(letters)/2:]) }
		arabic := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r - '0' + '٠'
			}
			return r
		}, text+"1")
		classes["number"], classes["truth"], classes["empty"], classes["long"] = 7, true, "", strings.Repeat("a", 5000)
		classes["control"], classes["NUL"], classes["bidi"] = middle("\u0001"), middle("\u0000"), middle("\u202e")
		classes["zero width"], classes["space"], classes["line"] = middle("\u200b"), " "+text, middle("\n")
		classes["emoji"], classes["digits"], classes["not a character"] = middle("🦠"), arabic, middle("\ufffd")
	case kind.Kind() == reflect.Bool:
		classes["number"], classes["text"] = 7, "yes"
	default:
		classes["text"], classes["fraction"], classes["huge"] = "7", 1.5, json.Number("1e30")
		classes["most"], classes["negative"], classes["zero"] = math.MaxInt64, -1, 0
	}
	return classes
}

// leaves are the fields of a request, with their types: "records[].iin".
func leaves(kind reflect.Type, name string, into map[string]reflect.Type) {
	switch {
	case kind.Kind() == reflect.Pointer:
		leaves(kind.Elem(), name, into)
	case kind.Kind() == reflect.Slice && kind.Elem().Kind() != reflect.Uint8:
		leaves(kind.Elem(), name+"[]", into)
	case kind.Kind() == reflect.Struct && kind != reflect.TypeFor[time.Time]():
		for i := range kind.NumField() {
			field := kind.Field(i)
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case tag == "-":
			case field.Anonymous && tag == "":
				leaves(field.Type, name, into)
			default:
				leaves(field.Type, strings.TrimPrefix(name+"."+tag, "."), into)
			}
		}
	default:
		into[name] = kind
	}
}

// swapped is a copy of a value with another one in a field, and the field's own value.
func swapped(value any, path string, other any) (with, own any) {
	name, rest, _ := strings.Cut(path, ".")
	if name, ok := strings.CutSuffix(name, "[]"); ok {
		list, _ := value.([]any)
		object, inside := value.(map[string]any)
		if inside {
			list, _ = object[name].([]any)
		}
		if len(list) == 0 {
			list = []any{nil}
		}
		list = slices.Clone(list)
		if rest == "" {
			own, list[0] = list[0], other
		} else {
			list[0], own = swapped(list[0], rest, other)
		}
		if !inside {
			return list, own
		}
		with, _ := swapped(object, name, list)
		return with, own
	}
	object := map[string]any{}
	if known, ok := value.(map[string]any); ok {
		for key, value := range known {
			object[key] = value
		}
	}
	if own = object[name]; rest == "" {
		object[name] = other
	} else {
		object[name], own = swapped(own, rest, other)
	}
	return object, own
}

// generic is a body as JSON has it.
func generic(t *testing.T, body any) (value any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// TestEveryField sends what nobody should send in each field of each request that a page makes. The
// registry refuses it with a reason that does not repeat it, unless the field's row says otherwise.
func TestEveryField(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves its some 600 registries to make test")
	}
	for path, q := range pageRequests {
		t.Run(strings.TrimPrefix(path, "/v1/"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := q.rig(t)
				body, key := q.body(r)
				w := r.call(q.verb(), path, key, body)
				if w.Code >= 300 || strings.Contains(w.Body.String(), `"refused"`) {
					t.Fatalf("the good request: %d %s", w.Code, w.Body)
				}
				fields := map[string]reflect.Type{}
				leaves(reflect.TypeOf(body), "", fields)
				for field := range q.takes {
					if fields[field] == nil {
						t.Errorf("there is no field %q any more", field)
					}
				}
				for field, kind := range fields {
					takes, known := q.takes[field]
					if !known {
						t.Errorf("the field %q has no row", field)
					}
					if got := taken(t, path, q, field, kind); strings.Join(got, ", ") != takes {
						t.Errorf("%q takes %q, want %q", field, strings.Join(got, ", "), takes)
					}
				}
			})
		})
	}
}

// taken are the classes of odd values that a field takes. Each one is sent to a registry that the
// one before has not changed.
func taken(t *testing.T, path string, q pageRequest, field string, kind reflect.Type) (taken []string) {
	t.Helper()
	r := q.rig(t)
	body, key := q.body(r)
	_, own := swapped(generic(t, body), field, nil)
	for class := range odd(own, kind) {
		if r == nil {
			r = q.rig(t)
			body, key = q.body(r)
			_, own = swapped(generic(t, body), field, nil)
		}
		sent, _ := swapped(generic(t, body), field, odd(own, kind)[class])
		w := r.call(q.verb(), path, key, sent)
		answer := w.Body.String()
		switch {
		case w.Code >= 500:
			t.Errorf("%q with %s: %d %s", field, class, w.Code, answer)
		case w.Code < 300 && !strings.Contains(answer, `"outcome":"refused"`):
			taken = append(taken, class)
			r = nil
		case strings.Contains(answer, "aaaaaaaaaaaa") || strings.ContainsAny(answer, "\u0001\u0000\u202e"):
			t.Errorf("%q with %s: the answer repeats it: %.200s", field, class, answer)
		case !strings.Contains(answer, `"error":"`):
			t.Errorf("%q with %s: %d without a reason: %s", field, class, w.Code, answer)
		}
		if q.counts {
			r = nil
		}
	}
	slices.Sort(taken)
	return taken
}

// The table of requests has each path that a page sends to, and each type that the code reads.
func TestEveryRequestHasRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRig(t).Server
		for _, r := range s.pageRoutes() {
			_, listed := pageRequests[r.path]
			if r.method != http.MethodGet && !listed && notFields[r.path] == "" {
				t.Errorf("%s has no rows", r.path)
			}
		}
	})
	known := map[string]bool{}
	for _, q := range pageRequests {
		known[q.kind] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if index, ok := n.(*ast.IndexExpr); ok && !strings.HasSuffix(file, "_test.go") {
				if name, ok := index.X.(*ast.Ident); ok && name.Name == "decode" {
					if kind := typeName(index.Index); !strings.HasPrefix(kind, "api.") && !known[kind] {
						t.Errorf("%s reads %s, which has no rows", file, kind)
					}
				}
			}
			return true
		})
	}
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.ArrayType:
		return "[]" + typeName(e.Elt)
	}
	return fmt.Sprintf("%T", e)
}

// notFields says why a path has no rows.
var notFields = map[string]string{
	PathImports:      "a CSV file: package csvfile has its tests",
	PathVenueImport:  "a CSV file: package csvfile has its tests",
	PathFHIR:         "a FHIR message: package fhir has its tests",
	PathRules:        "the rules' document: package kiosk has its tests",
	PathRulesCheck:   "the rules' document",
	PathRulesPreview: "the rules' document",
	PathRestored:     "nothing is read from it",

	PathTestRecipient: "the same request as to " + PathRemoveRecipient,
}

// pageRequest is a good request, and which odd values its fields take.
type pageRequest struct {
	kind  string            // as the code names it
	takes map[string]string // by field: the classes, in their order; "": none
	body  func(r *rig) (body any, key string)
	rigOf func(t *testing.T) *rig // nil: newRig
	put   bool

	counts bool // a refused request is counted, and the next one may be refused for that
}

func (q pageRequest) verb() string {
	if q.put {
		return http.MethodPut
	}
	return http.MethodPost
}

func (q pageRequest) rig(t *testing.T) *rig {
	if q.rigOf != nil {
		return q.rigOf(t)
	}
	return newRig(t)
}

// byAdmin is a request of the administrator that needs nothing to be there.
func byAdmin(body any) func(*rig) (any, string) {
	return func(*rig) (any, string) { return body, adminKey }
}
