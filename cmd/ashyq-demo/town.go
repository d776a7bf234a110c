package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// town is everybody in the demo, enrolled in the real registry through its real interfaces.
type town struct {
	url    string
	admin  string // key
	lab    string // key
	centre string // key
	door   string // enrolment code
	people []*person

	citizenURL, labURL, adminURL, paperURL string
}

// Where the people and the door are, and the laboratory of the demo.
const (
	townRegion = "KZ-75"
	townLab    = "«Алатау» зертханасы"
)

// fifth is a citizen who has not activated a phone yet: whoever watches the demo.
var fifth = iin("000101500777")

// person has a phone with a pass on it.
type person struct {
	name, iin, story string
	phone            *phone.Phone
}

// code is what the phone shows now: a new one each pass.Period.
func (p *person) code(now time.Time) (string, error) { return p.phone.Code(now.Truncate(pass.Period)) }

// settle registers sources, a door and people.
func settle(ctx context.Context, url, adminKeyFile, venue string) (*town, error) {
	raw, err := os.ReadFile(adminKeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the administrator's key: %w", err)
	}
	t := &town{url: url, admin: strings.TrimSpace(string(raw)), people: []*person{
		{name: "Aigerim", iin: iin("890214450123"), story: "negative PCR this morning: green"},
		{name: "Bolat", iin: iin("750630300456"), story: "nothing known: blue"},
		{name: "Dana", iin: iin("010912650789"), story: "contact of a case: yellow"},
		{name: "Erlan", iin: iin("960307350321"), story: "positive PCR yesterday: red"},
	}}
	var source server.SourceAnswer
	for _, s := range []struct {
		request server.SourceRequest
		key     *string
	}{
		{server.SourceRequest{Name: townLab, Kind: server.Laboratory, Region: townRegion}, &t.lab},
		{server.SourceRequest{Name: "Covid-19 орталығы", Kind: server.Covid19Centre, Hourly: 2000}, &t.centre},
	} {
		if err := t.post(ctx, server.PathSources, t.admin, s.request, &source); err != nil {
			return nil, err
		}
		*s.key = source.Key
	}
	if err := t.hang(ctx, venue); err != nil {
		return nil, err
	}
	for _, p := range t.people {
		if err := t.enrol(ctx, p); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	if err := t.result(ctx, t.people[0], "negative", now.Add(-3*time.Hour)); err != nil {
		return nil, err
	}
	contact := server.ContactRequest{IIN: t.people[2].iin, Since: now.Add(-24 * time.Hour)}
	if err := t.post(ctx, server.PathContacts, t.centre, contact, nil); err != nil {
		return nil, err
	}
	if err := t.result(ctx, t.people[3], "positive", now.Add(-24*time.Hour)); err != nil {
		return nil, err
	}
	return t, t.links(ctx)
}

// hang makes the venue of the door in front of the camera, and the door's code.
func (t *town) hang(ctx context.Context, kind string) error {
	venue := store.Venue{BIN: iin("000140000010"), Name: "Demo venue", Kind: kind, Region: townRegion, Zone: "green",
		Address: "Алматы, Абай көшесі, 1"}
	var venues []store.Venue
	var codes server.EnrolCodesAnswer
	err := t.call(ctx, http.MethodPut, server.PathVenues, t.admin, []store.Venue{venue}, nil)
	if err == nil {
		err = t.call(ctx, http.MethodGet, server.PathVenues, t.admin, nil, &venues)
	}
	if err == nil {
		order := server.EnrolCodesRequest{Doors: []server.EnrolDoor{{Name: "Demo door", Place: venues[0].ID}}}
		err = t.post(ctx, server.PathEnrolCodes, t.admin, order, &codes)
	}
	if err != nil {
		return err
	}
	t.door = codes.Codes[0].Code
	return nil
}

// residents are the people as the population register has them, with the fifth.
func (t *town) residents() []store.Resident {
	all := []store.Resident{{IIN: store.IIN(fifth), Name: "You", Phone: "+77090000005", Region: townRegion}}
	for i, p := range t.people {
		all = append(all, store.Resident{IIN: store.IIN(p.iin), Name: p.name, Phone: fmt.Sprint("+7709000000", i+1),
			Region: townRegion})
	}
	return all
}

// links makes the addresses for the browser, with a fifth citizen who has not activated a phone
// yet.
func (t *town) links(ctx context.Context) error {
	var you server.CitizenAnswer
	if err := t.post(ctx, server.PathCitizens, t.admin, server.CitizenRequest{IIN: fifth},
		&you); err != nil {
		return err
	}
	t.citizenURL = you.URL
	t.labURL, t.adminURL, t.paperURL = t.url+"/lab#key="+t.lab, t.url+"/admin#key="+t.admin, t.url+"/paper#key="+t.admin
	return nil
}

// enrol does what a citizen and the phone do: get a one-time code, make a key, register it with the
// code, and fetch the credentials of the days to come.
func (t *town) enrol(ctx context.Context, p *person) error {
	var code server.CitizenAnswer
	if err := t.post(ctx, server.PathCitizens, t.admin, server.CitizenRequest{IIN: p.iin}, &code); err != nil {
		return err
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	p.phone = phone.New(key)
	request := server.ActivateRequest{Code: code.Code, Key: p.phone.Key()}
	if err := t.post(ctx, server.PathActivate, "", request, nil); err != nil {
		return err
	}
	ask, err := p.phone.TopUp(time.Now(), pass.MaxDays)
	if err != nil {
		return err
	}
	var answer server.TopUpAnswer
	if err := t.post(ctx, server.PathTopUp, "", server.TopUpRequest{TopUp: ask}, &answer); err != nil {
		return err
	}
	return p.phone.Take(answer.Credentials)
}

// result posts what a laboratory found.
func (t *town) result(ctx context.Context, p *person, result string, taken time.Time) error {
	sample := fmt.Sprintf("DEMO-%d", time.Now().UnixNano())
	return t.post(ctx, server.PathResults, t.lab, server.ResultRequest{IIN: p.iin, Sample: sample, Result: result,
		Taken: taken}, nil)
}

func (t *town) post(ctx context.Context, path, key string, body, answer any) error {
	return t.call(ctx, http.MethodPost, path, key, body, answer)
}

// call sends a body, JSON or the text of a file, and reads the answer, if there is to be one.
func (t *town) call(ctx context.Context, method, path, key string, body, answer any) error {
	data, kind := []byte(nil), "application/json"
	switch body := body.(type) {
	case nil:
	case string:
		data, kind = []byte(body), "text/csv"
	default:
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, t.url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("call the registry: %w", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("read the registry's answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("the registry refuses %s: %s: %s", path, resp.Status, bytes.TrimSpace(got))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(got, answer)
}

// visitors are the people as the door's camera sees them.
func (t *town) visitors() []visitor {
	var all []visitor
	for _, p := range t.people {
		all = append(all, visitor{p.name, p.code})
	}
	return all
}

// bootDir stands for the boot partition of the door's card.
const bootDir = "boot"

// putOnCard puts the enrolment code where a door finds it when it starts.
func putOnCard(dir, code string) error {
	boot := filepath.Join(dir, bootDir)
	if err := os.MkdirAll(boot, 0o700); err != nil {
		return fmt.Errorf("make the boot partition's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(boot, "ashyq-enrol.txt"), []byte(code+"\n"), 0o600); err != nil {
		return fmt.Errorf("put the enrolment code on the card: %w", err)
	}
	return nil
}

// writeConfig writes the kiosk's configuration for this demo. It names neither a venue nor a
// registry: those come with the enrolment.
func writeConfig(dir, camera, trace, screen string) (string, error) {
	text := fmt.Sprintf(`[door]
again = "5s" # the same four people come round and round

[camera]
source = %q

[hardware]
pins = %q

[screen]
listen = %q

[state]
dir = %q
card = %q

[clock]
trust = "always" # a demo machine's clock is whatever it is
`, camera, "sim:"+trace, screen, filepath.Join(dir, "kiosk"), filepath.Join(dir, bootDir))
	file := filepath.Join(dir, "ashyq-kiosk.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the kiosk's configuration: %w", err)
	}
	return file, nil
}

// iin replaces the last of 12 digits by the check digit of the individual identification number.
func iin(digits string) string {
	number, ok := numbered(digits[:11])
	if !ok {
		panic("ashyq-demo: no check digit for " + digits)
	}
	return number
}

// numbered adds the check digit of an identification number, of a person or an organisation, to its
// eleven digits. Some digits have no check digit.
func numbered(digits string) (number string, ok bool) {
	for _, weights := range [][11]int{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2}} {
		sum := 0
		for i, w := range weights {
			sum += int(digits[i]-'0') * w
		}
		if sum %= 11; sum < 10 {
			return digits + string(rune('0'+sum)), true
		}
	}
	return "", false
}
