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
		kind string
		key  *string
	}{{"laboratory", &t.lab}, {"covid-19-centre", &t.centre}} {
		if err := t.post(ctx, server.PathSources, t.admin, server.SourceRequest{Name: "Demo " + s.kind, Kind: s.kind},
			&source); err != nil {
			return nil, err
		}
		*s.key = source.Key
	}
	var codes server.EnrolCodesAnswer
	order := server.EnrolCodesRequest{Doors: []server.EnrolDoor{{Name: "Demo door", Venue: venue}}}
	if err := t.post(ctx, server.PathEnrolCodes, t.admin, order, &codes); err != nil {
		return nil, err
	}
	t.door = codes.Codes[0].Code
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

// links makes the addresses for the browser, with a fifth citizen who has not activated a phone
// yet.
func (t *town) links(ctx context.Context) error {
	var you server.CitizenAnswer
	if err := t.post(ctx, server.PathCitizens, t.admin, server.CitizenRequest{IIN: iin("000101500777")},
		&you); err != nil {
		return err
	}
	t.citizenURL = you.URL
	t.labURL, t.adminURL, t.paperURL = t.url+"/lab#key="+t.lab, t.url+"/admin#key="+t.admin, t.url+"/paper#key="+t.admin
	return nil
}

// enrol does what a citizen and the phone do: get a one-time code, make a key, register it with the code,
// and fetch the credentials of the days to come.
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
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("post to the registry: %w", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
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
	for _, weights := range [][11]int{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2}} {
		sum := 0
		for i, w := range weights {
			sum += int(digits[i]-'0') * w
		}
		if sum %= 11; sum < 10 {
			return digits[:11] + string(rune('0'+sum))
		}
	}
	panic("ashyq-demo: no check digit for " + digits)
}
