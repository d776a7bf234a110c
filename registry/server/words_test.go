package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ashyq-kiosk/registry/csvfile"
)

// errorTexts finds the words of errors in the code: the arguments of badRequest, and the strings of
// a failure and of a FieldError. Of a text that is put together, it finds the first part.
func errorTexts(t *testing.T, file string) (all []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	take := func(e ast.Expr) {
		for {
			sum, ok := e.(*ast.BinaryExpr)
			if !ok {
				break
			}
			e = sum.X
		}
		if text, ok := e.(*ast.BasicLit); ok && text.Kind == token.STRING {
			if text, err := strconv.Unquote(text.Value); err == nil && strings.Contains(strings.TrimSuffix(text, " "), " ") {
				all = append(all, strings.TrimSuffix(text, ": "))
			}
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "badRequest" {
				for _, arg := range n.Args {
					take(arg)
				}
			}
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.Ident); ok && (name.Name == "failure" || name.Name == "FieldError") {
				for _, part := range n.Elts {
					take(part)
				}
			}
		}
		return true
	})
	return all
}

// endings complete texts that are put together. One without a translation is for the administrator.
var endings = map[string][]string{
	"this is the key of a ": {"laboratory", "PCR portal", "Covid-19 centre", "vaccination register",
		"national administrator", "regional administrator", "venue's owner", "venue's staff"},
	"this needs the key of a ": {"Covid-19 centre", "laboratory or a PCR portal", "source of records; the administrator creates one"},
	"send at most ":            {"5 bytes"},
	"GET ": {PathAccounts + " lists them", PathRulesVersions + " lists them", PathDoors + " lists them",
		PathOverview + " names those that there are; or write any"},
	"send it with ?changes=VERSION&why=TEXT; GET ": {PathRules + " says which version is in force"},
	"write one of \"": nil, // the kinds of sources
	"choose among ":   nil, // the kinds of alerts, which a page lists
	"use GET or ":     nil, // no page does otherwise
}

// What a laboratory, the portal or the centre can be told is there in all languages.
func TestEverythingIsTranslated(t *testing.T) {
	texts := append([]string{"stored, and waiting for the registry's administrator"}, slices.Concat(csvfile.Reasons, VenueReasons)...)
	for _, reason := range []string{csvfile.IINForm, csvfile.IINZero, csvfile.IINNumber} {
		texts = append(texts, ofBIN.Replace(reason))
	}
	for _, file := range []string{"accounts.go", "admin.go", "approve.go", "auth.go", "corrections.go", "desk.go", "doorkeys.go", "entrances.go", "fleet.go", "http.go",
		"imports.go", "places.go", "owner.go", "recipients.go", "records.go", "rules.go", "sources.go", "topup.go", "venuefile.go"} {
		texts = append(texts, errorTexts(t, file)...)
	}
	for i := len(texts) - 1; i >= 0; i-- {
		if rest, ok := endings[texts[i]]; ok {
			for _, end := range rest {
				texts = append(texts, texts[i]+end)
			}
			texts = slices.Delete(texts, i, i+1)
		}
	}
	if len(texts) < 80 {
		t.Fatalf("found %d texts, there must be more", len(texts))
	}
	for _, text := range texts {
		text = strings.NewReplacer("%s", `"x"`, "%d", "7").Replace(text)
		for which, language := range []string{"kk", "ru"} {
			if got := translate(text, which); got == text {
				t.Errorf("%s: %q stays English", language, text)
			} else if strings.Contains(got, "{}") {
				t.Errorf("%s: %q becomes %q", language, text, got)
			}
		}
	}
	for text, both := range words {
		for which := range both {
			if both[which] == "" || strings.Count(both[which], "{}") != strings.Count(text, "{}") {
				t.Errorf("%q: %q has other places for values", text, both[which])
			}
		}
	}
}

func TestTranslate(t *testing.T) {
	for text, want := range map[string]string{
		"iin is not 12 digits with a valid check digit":                             "ИИН: не 12 цифр или не сходится контрольная цифра",
		"taken is more than 14 days ago":                                            "время взятия пробы: больше 14 дней назад",
		`the file cannot be used: there is no column "a 1": delete it or rename it`: `файл не подходит: столбца "a 1" быть не должно: удалите или переименуйте его`,
		"nothing that is known here":                                                "nothing that is known here",
		"iin nothing that is known here":                                            "iin nothing that is known here",
		"":                                                                          "",
	} {
		if got := translate(text, 1); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
