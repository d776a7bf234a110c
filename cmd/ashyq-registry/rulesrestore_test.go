package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/decree"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// send sends a text with a key and reads the answer.
func (w *town) send(method, path, key, body string, answer any) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(text, answer) != nil {
		w.Fatalf("%s %s: %s %.300s, %v", method, path, res.Status, text, err)
	}
}

// putRules stores a document with a rule before the others and returns its version.
func (w *town) putRules(key string, base int64, rule, more string) int64 {
	w.Helper()
	document := strings.Replace(string(kiosk.DefaultRulesJSON()), `"rules": [`, `"rules": [`+rule, 1)
	var a server.RulesStored
	w.send(http.MethodPut, fmt.Sprintf("%s?changes=%d&why=%s%s", server.PathRules, base, url.QueryEscape("decree 14"), more), key, document, &a)
	return a.Version
}

// allRules are all versions with their documents, and the one in force.
func (w *town) allRules() (all []server.RulesAnswer, current server.RulesAnswer) {
	w.Helper()
	var list []store.RulesVersion
	w.send(http.MethodGet, server.PathRulesVersions, w.admin, "", &list)
	for _, v := range list {
		var a server.RulesAnswer
		w.send(http.MethodGet, fmt.Sprint(server.PathRulesVersions, "/", v.Version), w.admin, "", &a)
		all = append(all, a)
	}
	w.send(http.MethodGet, server.PathRules, w.admin, "", &current)
	return all, current
}

// awaitRules waits until doors get a version.
func (w *town) awaitRules(version int64) (all []server.RulesAnswer, current server.RulesAnswer) {
	w.Helper()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, current = w.allRules(); current.AtDoors && current.Version == version {
			return w.allRules() // the list may have been read before doors got it
		}
		if time.Now().After(end) {
			w.Fatalf("doors do not get version %d: %+v", version, current.RulesVersion)
		}
	}
}

// TestRestoreRules restores the versions of the rules: who stored and published each of them, its
// document with the dates from and until which a rule holds, and the one that waits for a second
// person.
func TestRestoreRules(t *testing.T) {
	from, until := time.Now().Add(72*time.Hour).UTC().Truncate(time.Second), time.Now().Add(240*time.Hour).UTC().Truncate(time.Second)
	const rule = `{"name": "%s", "colours": ["blue"], "venues": ["cinema"], %s"then": "turned-back",
		"text": {"kk": "k", "ru": "r", "en": "e"}},`
	dated := fmt.Sprintf(rule, "dated", fmt.Sprintf(`"from": %q, "until": %q, `, from.Format(time.RFC3339), until.Format(time.RFC3339)))
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			w := newTown(t, database(t))
			var ann server.AccountAnswer
			w.ask(w.admin, server.PathAccounts, server.AccountRequest{Name: "Ann", Role: store.National}, &ann)
			_, first := w.allRules()
			second := w.putRules(w.admin, first.Version, dated, "&alone=1")
			waiting := w.putRules(ann.Key, second, fmt.Sprintf(rule, "later", ""), "")
			before, _ := w.awaitRules(second)
			file := w.backup()
			w.putRules(w.admin, second, "", "&alone=1") // the backup does not have it

			w.restore(file, database(t))
			after, current := w.awaitRules(second)
			if len(before) != 3 || !reflect.DeepEqual(after, before) {
				t.Errorf("restored versions:\n%+v\nwant\n%+v", after, before)
			}
			rules, err := decree.Parse([]byte(current.Document))
			if err != nil {
				t.Fatal(err)
			}
			if got := rules.Rules[0]; got.Name != "dated" || !got.From.Equal(from) || !got.Until.Equal(until) {
				t.Errorf("the dated rule is %+v", got)
			}
			if got := string(w.blob(current.Hash)); got != current.Document {
				t.Errorf("doors get the document %.200s", got)
			}
			w.ask(w.admin, server.PathPublishRules, server.RulesVersionRequest{Version: waiting}, nil)
			if _, got := w.awaitRules(waiting); got.Person != "Ann" || got.Publisher != store.Administrator {
				t.Errorf("the version that waited: %+v", got.RulesVersion)
			}
		})
	}
}
