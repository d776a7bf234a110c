package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/alert"
	"ashyq-kiosk/registry/alert/alerttest"
	"ashyq-kiosk/registry/store"
)

// dutyRoom is a registry with doors in two regions, a mail server and a webhook. The servers are
// outside of the bubble of fake time: they speak over real connections.
type dutyRoom struct {
	*rig
	mail *alerttest.MailServer
	hook *alerttest.HookServer
}

func inDutyRoom(t *testing.T, test func(*testing.T, *dutyRoom)) {
	mail, hook := alerttest.NewMailServer(t), alerttest.NewHookServer(t)
	synctest.Test(t, func(t *testing.T) {
		d := &dutyRoom{mail: mail, hook: hook}
		d.rig = newRigWith(t, AlertOptions{
			Mail: alert.Mailer{Server: mail.Address, From: "ashyq@example.kz", User: "registry",
				Password: "right", Roots: mail.Roots},
			Hooks: alert.Hooks{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: hook.Roots},
		})
		d.looks = healthy / 3 // these tests last hours, and publish nothing
		d.pass(0)
		test(t, d)
	})
}

// doors makes n enrolled doors of one venue.
func (d *dutyRoom) doors(region string, n int) {
	d.Helper()
	v := store.Venue{BIN: "990140000007", Name: "Venue " + region, Kind: "shop", Region: region,
		Address: "Abay 1", Phone: "+77010000000"}
	if w := d.call(http.MethodPut, PathVenues, adminKey, []store.Venue{v}); w.Code != http.StatusNoContent {
		d.Fatalf("%d %s", w.Code, w.Body)
	}
	d.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO doors (name, place, venue, zone, way, ring, cert, device, seen)
		SELECT 'Door ' || ? || ' ' || i, (SELECT id FROM venues WHERE region = ?), 'shop', 'green', 'entry',
			'all', x'00', 'x', ? FROM n`, n, region, region, now().Unix())
}

// heard lets the doors of a region say hello, each at its own second of five minutes.
func (d *dutyRoom) heard(region string, ago time.Duration) {
	d.Helper()
	d.sql(`UPDATE doors SET seen = ? + id % 300 WHERE place = (SELECT id FROM venues WHERE region = ?)`,
		now().Add(-ago).Unix(), region)
}

func (d *dutyRoom) subscribe(req RecipientRequest) (a RecipientAnswer) {
	d.Helper()
	if req.Kinds == nil {
		req.Kinds = []string{"silent"}
	}
	req.Language = "ru"
	d.post(PathAlerts, adminKey, req, &a)
	return a
}

// subjects are those of the mails that came, with the address.
func (d *dutyRoom) subjects() string {
	var all []string
	for _, m := range d.mail.Mails() {
		all = append(all, m.To+" "+m.Subject)
	}
	return strings.Join(all, "\n")
}

func (d *dutyRoom) is(what, want string) {
	d.Helper()
	synctest.Wait()
	if got := d.subjects(); got != want {
		d.Fatalf("%s: %q, want %q", what, got, want)
	}
}

// A region loses its network: that is one message for each who wants it, and not 500. It comes
// back: one more. Elsewhere nobody hears of it.
func TestNetworkFailure(t *testing.T) {
	doors := 500
	if testing.Short() {
		doors = 50
	}
	inDutyRoom(t, func(t *testing.T, d *dutyRoom) {
		d.doors("KZ-75", doors)
		d.doors("KZ-71", 10)
		d.subscribe(RecipientRequest{Name: "Almaty", Region: "KZ-75", Mail: "almaty@example.kz"})
		d.subscribe(RecipientRequest{Name: "Astana", Region: "KZ-71", Mail: "astana@example.kz"})
		d.subscribe(RecipientRequest{Name: "nothing of it", Mail: "tamper@example.kz", Kinds: []string{"tamper"}})
		program := d.subscribe(RecipientRequest{Name: "program", Hook: d.hook.URL})
		d.hook.Set(program.Secret, http.StatusOK)

		for range 6 { // half an hour in which all is well
			d.heard("KZ-75", 5*time.Minute)
			d.heard("KZ-71", 5*time.Minute)
			time.Sleep(5 * time.Minute)
		}
		d.is("all is well", "")
		for range 8 { // 40 minutes without the network of Almaty
			d.heard("KZ-71", 5*time.Minute)
			time.Sleep(5 * time.Minute)
		}
		begun := fmt.Sprintf("almaty@example.kz Ashyq: дверь не выходит на связь: началось (%d)", doors)
		d.is("the network has failed", begun)
		for range 3 { // back, over five minutes
			d.heard("KZ-75", 5*time.Minute)
			d.heard("KZ-71", 5*time.Minute)
			time.Sleep(5 * time.Minute)
		}
		d.is("it is back", begun+"\n"+strings.Replace(begun, "началось", "закончилось", 1))
		messages, wrong := d.hook.Messages()
		if len(messages) != 2 || len(wrong) != 0 || messages[0].Begun.Number != doors ||
			messages[1].Ended.Number != doors || messages[0].ID == messages[1].ID {
			t.Errorf("the webhook got %+v, %q", messages, wrong)
		}
		if text := d.mail.Mails()[0].Text; !strings.Contains(text, fmt.Sprint("Алматы: ", doors)) || !strings.Contains(text,
			"Abay 1, +77010000000") || !strings.Contains(text, "https://registry.example/alerts") {
			t.Errorf("the mail says:\n%s", text)
		}
	})
}

// A contact is loose: its door says every few minutes that its case is open, and that it is not.
// That is one message, and one when it is over.
func TestLooseContact(t *testing.T) {
	inDutyRoom(t, func(t *testing.T, d *dutyRoom) {
		d.doors("KZ-75", 1)
		d.subscribe(RecipientRequest{Name: "Almaty", Mail: "almaty@example.kz", Kinds: []string{"tamper"}})
		for range 12 {
			d.sql(`UPDATE doors SET troubles = 'tamper'`)
			time.Sleep(5 * time.Minute)
			d.sql(`UPDATE doors SET troubles = ''`)
			time.Sleep(5 * time.Minute)
		}
		const begun = "almaty@example.kz Ashyq: вскрыт корпус устройства: началось (1)"
		d.is("loose", begun)
		time.Sleep(12 * time.Minute)
		d.is("mended", begun+"\nalmaty@example.kz Ashyq: вскрыт корпус устройства: закончилось (1)")
	})
}

// After the registry itself was down, no door counts as silent before it could say hello.
func TestRegistryWasDown(t *testing.T) {
	inDutyRoom(t, func(t *testing.T, d *dutyRoom) {
		d.doors("KZ-75", 3)
		d.subscribe(RecipientRequest{Name: "Almaty", Mail: "almaty@example.kz"})
		d.pass(3 * time.Hour)
		time.Sleep(9 * time.Minute)
		d.heard("KZ-75", 5*time.Minute)
		time.Sleep(10 * time.Minute)
		d.is("after a restart", "")
	})
}

// A mail server that refuses, a registry that stops, a sender that dies with the message in its
// hand: the message comes, once.
func TestAlertsSurvive(t *testing.T) {
	inDutyRoom(t, func(t *testing.T, d *dutyRoom) {
		d.doors("KZ-75", 1)
		d.subscribe(RecipientRequest{Name: "Almaty", Mail: "almaty@example.kz", Kinds: []string{"tamper", "silent"}})
		d.mail.Refuse(errors.New("the disk is full"))
		d.sql(`UPDATE doors SET troubles = 'tamper'`)
		time.Sleep(3 * time.Minute)
		var a AlertsAnswer
		d.get(PathAlerts, &a)
		if len(a.Recipients) != 1 || a.Recipients[0].Waiting != 1 || !strings.Contains(a.Recipients[0].Trouble,
			"the disk is full") || len(a.Alarms) != 1 {
			t.Errorf("while the mail server refuses: %+v", a)
		}
		d.stop()
		d.mail.Refuse(nil)
		time.Sleep(time.Minute)
		d.start()
		// Somebody takes the message and dies.
		if w, err := d.opt.Store.ClaimMessages(t.Context(), 1, alertLease, now().Add(time.Hour)); err != nil ||
			len(w) != 1 {
			t.Fatalf("claimed %+v, %v", w, err)
		}
		d.is("taken by the dead", "")
		time.Sleep(time.Hour + alertLease + time.Minute)
		const begun = "almaty@example.kz Ashyq: вскрыт корпус устройства: началось (1)"
		if got := d.subjects(); strings.Count(got, begun) != 1 {
			t.Fatalf("after the lease: %q", got)
		}
		a = AlertsAnswer{}
		d.get(PathAlerts, &a)
		if a.Recipients[0].Waiting != 0 || a.Recipients[0].Sent.IsZero() || a.Recipients[0].Trouble != "" {
			t.Errorf("then: %+v", a.Recipients)
		}
	})
}

// What lasts is told again after a day, with everything that lasts, and not before.
func TestAlertsAreRepeatedDaily(t *testing.T) {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	everybody := []store.Recipient{{ID: 7, Kinds: []string{"tamper"}}}
	ago := func(d time.Duration) time.Time { return at.Add(-d) }
	for name, c := range map[string]struct {
		alarms []store.Alarm
		want   string
	}{
		"nothing":      {nil, ""},
		"a moment old": {[]store.Alarm{{Began: ago(30 * time.Second)}}, ""},
		"gathered":     {[]store.Alarm{{Began: ago(time.Minute)}, {Began: ago(0)}}, "begun 2"},
		"told":         {[]store.Alarm{{Began: ago(25 * time.Hour), Told: ago(23 * time.Hour)}}, ""},
		"told a day ago": {[]store.Alarm{{Began: ago(48 * time.Hour), Told: ago(24 * time.Hour)},
			{Told: ago(time.Hour)}}, "still 2 all"},
		"over":                     {[]store.Alarm{{Told: ago(time.Hour), Ended: ago(15 * time.Minute)}}, "ended 1"},
		"over for a moment":        {[]store.Alarm{{Told: ago(time.Hour), Ended: ago(14 * time.Minute)}}, ""},
		"one more":                 {[]store.Alarm{{Told: ago(time.Hour)}, {Began: ago(2 * time.Minute)}}, "begun 1"},
		"of a kind nobody follows": {[]store.Alarm{{Kind: "hot", Began: ago(time.Hour)}}, "quiet"},
	} {
		for i := range c.alarms {
			if c.alarms[i].Kind == "" {
				c.alarms[i].Kind = "tamper"
			}
			c.alarms[i].Name = fmt.Sprint("door ", i)
		}
		all, err := tellings(c.alarms, everybody, at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, one := range all {
			if len(one.Messages) == 0 {
				got += "quiet"
				continue
			}
			m := messageOf(alert.Tamper, c.alarms, everybody[0], one.All, at)
			for side, doors := range map[string]alert.Doors{"begun": m.Begun, "ended": m.Ended, "still": m.Still} {
				if !doors.IsZero() {
					got += fmt.Sprint(side, " ", doors.Number)
				}
			}
			if one.All {
				got += " all"
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The publisher stops because the database does not answer, and whoever wants to know is told all
// the same.
func TestPublisherStopped(t *testing.T) {
	inDutyRoom(t, func(t *testing.T, d *dutyRoom) {
		d.subscribe(RecipientRequest{Name: "duty", Mail: "duty@example.kz", Kinds: []string{"publisher"}})
		time.Sleep(time.Minute)
		d.sql(`ALTER TABLE citizens RENAME TO citizens_gone`)
		d.sql(`ALTER TABLE doors RENAME TO doors_gone`)
		time.Sleep(10 * time.Minute)
		const begun = "duty@example.kz Ashyq: реестр перестал публиковать: началось"
		d.is("without a database", begun)
		d.sql(`ALTER TABLE citizens_gone RENAME TO citizens`)
		d.sql(`ALTER TABLE doors_gone RENAME TO doors`)
		time.Sleep(10 * time.Minute)
		d.is("with it again", begun+"\nduty@example.kz Ashyq: реестр перестал публиковать: закончилось")
	})
}

func TestRecipients(t *testing.T) {
	inDutyRoom(t, func(t *testing.T, d *dutyRoom) {
		a := d.subscribe(RecipientRequest{Name: "duty", Region: "KZ-75", Mail: "duty@example.kz"})
		program := d.subscribe(RecipientRequest{Name: "program", Hook: d.hook.URL})
		d.hook.Set(program.Secret, http.StatusOK)
		for _, id := range []int64{a.ID, program.ID} {
			d.post(PathTestRecipient, adminKey, IDRequest{id}, nil)
		}
		d.is("a test", "duty@example.kz Ashyq: пробное сообщение")
		if messages, _ := d.hook.Messages(); len(messages) != 1 || !messages[0].Test {
			t.Errorf("the webhook got %+v", messages)
		}
		d.mail.Refuse(errors.New("no such mailbox"))
		good := RecipientRequest{Name: "x", Kinds: []string{"silent"}, Language: "kk", Mail: "a@b.kz"}
		with := func(change func(*RecipientRequest)) RecipientRequest {
			req := good
			change(&req)
			return req
		}
		for _, c := range []struct {
			name, path string
			body       any
			code       int
			want       string
		}{
			{"a test that fails", PathTestRecipient, IDRequest{a.ID}, 502, "no such mailbox"},
			{"a test of nobody", PathTestRecipient, IDRequest{99}, 404, "list"},
			{"a name twice", PathAlerts, with(func(q *RecipientRequest) { q.Name = "duty" }), 409, "another one"},
			{"no kinds", PathAlerts, with(func(q *RecipientRequest) { q.Kinds = nil }), 400, "choose among silent"},
			{"an unknown kind", PathAlerts, with(func(q *RecipientRequest) { q.Kinds = []string{"x"} }), 400,
				"choose among"},
			{"no language", PathAlerts, with(func(q *RecipientRequest) { q.Language = "" }), 400, "kk, ru or en"},
			{"no address", PathAlerts, with(func(q *RecipientRequest) { q.Mail = "" }), 400, "either"},
			{"both", PathAlerts, with(func(q *RecipientRequest) { q.Hook = d.hook.URL }), 400, "either"},
			{"a wrong address", PathAlerts, with(func(q *RecipientRequest) { q.Mail = "a@b.kz\r\nBcc: c@d.kz" }),
				400, "dispatch@"},
			{"plain http", PathAlerts, with(func(q *RecipientRequest) { q.Mail, q.Hook = "", "http://a.kz" }),
				400, "https://"},
			{"no region", PathAlerts, with(func(q *RecipientRequest) { q.Region = "KZ-99" }), 404, "region"},
			{"remove nobody", PathRemoveRecipient, IDRequest{99}, 404, "list"},
		} {
			w := d.call(http.MethodPost, c.path, adminKey, c.body)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s: %d %s, want %d with %q", c.name, w.Code, w.Body, c.code, c.want)
			}
		}
		for range testsAtOnce {
			d.call(http.MethodPost, PathTestRecipient, adminKey, IDRequest{program.ID})
		}
		if w := d.call(http.MethodPost, PathTestRecipient, adminKey, IDRequest{program.ID}); w.Code != http.StatusTooManyRequests {
			t.Errorf("one test after the other: %d %s", w.Code, w.Body)
		}
		d.post(PathRemoveRecipient, adminKey, IDRequest{a.ID}, nil)
		var list AlertsAnswer
		if d.get(PathAlerts, &list); len(list.Recipients) != 1 || list.Recipients[0].Name != "program" ||
			!list.Mail || list.SilentMinutes != 30 {
			t.Errorf("recipients: %+v", list)
		}
		if strings.Contains(d.log.String(), program.Secret) || strings.Contains(d.log.String(), "right") {
			t.Error("a secret is in the log")
		}
	})
}

// Every trouble that is told is one of a board.
func TestTroubleKinds(t *testing.T) {
	for trouble, kind := range troubleKinds {
		if !alert.IsKind(kind) {
			t.Errorf("%s is told as %q", trouble, kind)
		}
	}
	h := api.Health{Celsius: new(90), Undervoltage: api.Now, Faults: []api.Fault{api.CaseOpen, api.NoCamera}}
	for _, trouble := range h.Troubles() {
		if troubleKinds[string(trouble)] == "" {
			t.Errorf("nobody is told of %s", trouble)
		}
	}
}
