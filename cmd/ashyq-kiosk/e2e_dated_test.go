package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/server"
)

// TestDatedRuleEndToEnd is a door as a process that has heard of a rule that begins later, and
// nothing since: the network is cut before the rule begins, and the daemon is killed after that.
func TestDatedRuleEndToEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	m := newMall(t, 100)
	door := m.door("north", "entry")
	var people []*aPhone
	for _, iin := range numbers(4) {
		people = append(people, m.phone(iin))
	}
	door.start()
	door.expect(people[0], "admitted")

	from := time.Now().Add(12 * time.Second).Truncate(time.Second)
	m.rule(fmt.Sprintf(`{"name":"closed","colours":["blue"],"venues":["shop"],"from":%q,"then":"turned-back",
		"text":{"kk":"Жабық","ru":"Закрыто","en":"Closed"}}`, from.Format(time.RFC3339)))
	m.await("the rules at the door", func() bool {
		var answer server.RulesAnswer
		m.get(server.PathRules, m.admin, &answer)
		return answer.AtDoors && m.atDoor(door)
	})
	m.net.set(cutBoth)
	door.expect(people[1], "admitted")
	if !time.Now().Before(from) {
		t.Fatal("this machine was too slow to see the door before the rule began")
	}
	until := door.line()
	if want := from.Format("15:04"); !strings.Contains(until.Until, want) {
		t.Errorf("the screen says %+v, want the end at %s", until, want)
	}

	time.Sleep(time.Until(from))
	door.expect(people[2], `turned-back colour=blue reason="" rule=closed`)
	if got := door.line(); got.Body != "Closed" || got.Until != "" {
		t.Errorf("the screen says %+v, want Closed", got)
	}
	door.process.kill()
	door.start()
	door.expect(people[3], `turned-back colour=blue reason="" rule=closed`)
}

// rule puts a rule before those in force.
func (m *mall) rule(rule string) {
	m.t.Helper()
	var answer server.RulesAnswer
	m.get(server.PathRules, m.admin, &answer)
	document := strings.Replace(answer.Document, `"rules": [`, `"rules": [`+rule+",", 1)
	if _, err := kiosk.ParseRules([]byte(document)); err != nil {
		m.t.Fatal(err)
	}
	ask := url.Values{"changes": {fmt.Sprint(answer.Version)}, "why": {"a test"}, "alone": {"1"}}
	m.do(http.MethodPut, server.PathRules+"?"+ask.Encode(), m.admin, []byte(document), nil)
}

// atDoor tells whether a door has what the registry has published.
func (m *mall) atDoor(d *mallDoor) bool {
	var overview struct {
		Version int `json:"version"`
	}
	m.get(server.PathOverview, m.admin, &overview)
	m.screen = d.screen
	return m.kioskVersion() == overview.Version
}

type screenLine struct {
	Lang, Body, Until string
}

// line is what the door's screen says in English.
func (d *mallDoor) line() screenLine {
	d.t.Helper()
	answer, err := http.Get("http://" + d.screen + "/events?lang=en")
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var event struct{ Lines []screenLine }
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			d.t.Fatal(err)
		}
		for _, line := range event.Lines {
			if line.Lang == "en" {
				return line
			}
		}
		d.t.Fatalf("no English on the screen: %s", data)
	}
	d.t.Fatal("the screen's stream ended")
	return screenLine{}
}
