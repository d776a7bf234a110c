package alert_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/registry/alert"
	"ashyq-kiosk/registry/alert/alerttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func message(doors int) alert.Message {
	m := alert.Message{ID: "r1", Kind: alert.Silent, At: at}
	for range doors {
		m.Begun.Add(alert.Door{Name: "Керуен, Кіру 1", Venue: "Керуен", Region: "KZ-75", Address: "Абай 12",
			Phone: "+77010000000", Since: at})
	}
	return m
}

func TestMail(t *testing.T) {
	server := alerttest.NewMailServer(t)
	good := alert.Mailer{Server: server.Address, TLS: alert.StartTLS, From: "ashyq@example.kz", User: "registry",
		Password: "right", Roots: server.Roots}
	if err := good.Send(t.Context(), "dispatch@example.kz", "Дверь\r\nBcc: x@example.kz", "текст\n.\nдальше",
		"r1"); err != nil {
		t.Fatal(err)
	}
	mails := server.Mails()
	if len(mails) != 1 || mails[0].To != "dispatch@example.kz" || mails[0].ID != "<r1@127.0.0.1>" ||
		!strings.Contains(mails[0].Text, "текст\n.\nдальше") {
		t.Errorf("the server took %+v", mails)
	}
	for name, change := range map[string]func(*alert.Mailer){
		"a wrong password":      func(m *alert.Mailer) { m.Password = "wrong" },
		"nobody":                func(m *alert.Mailer) { m.User = "" },
		"no TLS":                func(m *alert.Mailer) { m.TLS = alert.NoTLS },
		"an unknown authority":  func(m *alert.Mailer) { m.Roots = nil },
		"no server":             func(m *alert.Mailer) { m.Server = "" },
		"a server that is gone": func(m *alert.Mailer) { m.Server = "127.0.0.1:1" },
	} {
		m := good
		if change(&m); m.Send(t.Context(), "dispatch@example.kz", "x", "x", "r2") == nil {
			t.Errorf("%s: no error", name)
		}
	}
	server.Refuse(errors.New("full"))
	if err := good.Send(t.Context(), "dispatch@example.kz", "x", "x", "r2"); err == nil {
		t.Error("a refused mail counts as sent")
	}
	if n := len(server.Mails()); n != 1 {
		t.Errorf("the server took %d mails", n)
	}
}

func TestMailSettings(t *testing.T) {
	for name, c := range map[string]struct {
		m  alert.Mailer
		ok bool
	}{
		"none":               {alert.Mailer{}, true},
		"all":                {alert.Mailer{Server: "mail.kz:587", From: "a@b.kz", User: "u"}, true},
		"no port":            {alert.Mailer{Server: "mail.kz", From: "a@b.kz"}, false},
		"no sender":          {alert.Mailer{Server: "mail.kz:587"}, false},
		"password, no TLS":   {alert.Mailer{Server: "mail.kz:587", From: "a@b.kz", User: "u", TLS: alert.NoTLS}, false},
		"a name and address": {alert.Mailer{Server: "mail.kz:587", From: "A <a@b.kz>"}, false},
	} {
		if err := c.m.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHook(t *testing.T) {
	server := alerttest.NewHookServer(t)
	server.Set("secret", 204)
	inside := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	hooks := alert.Hooks{Networks: inside, Roots: server.Roots}
	if err := hooks.Send(t.Context(), server.URL, "secret", message(30)); err != nil {
		t.Fatal(err)
	}
	got, wrong := server.Messages()
	if len(got) != 1 || len(wrong) != 0 || got[0].ID != "r1" || got[0].Begun.Number != 30 ||
		len(got[0].Begun.Doors) != alert.Listed || got[0].Begun.ByArea["KZ-75"] != 30 {
		t.Errorf("the server took %+v, %v", got, wrong)
	}
	for name, send := range map[string]func() error{
		"another secret": func() error { return hooks.Send(t.Context(), server.URL, "other", message(1)) },
		"an internal host": func() error {
			return alert.Hooks{Roots: server.Roots}.Send(t.Context(), server.URL, "secret", message(1))
		},
		"plain HTTP": func() error {
			return hooks.Send(t.Context(), strings.Replace(server.URL, "https", "http", 1), "secret", message(1))
		},
		"unknown authority": func() error {
			return alert.Hooks{Networks: inside}.Send(t.Context(), server.URL, "secret", message(1))
		},
		"an error": func() error {
			server.Set("secret", 500)
			return hooks.Send(t.Context(), server.URL, "secret", message(1))
		},
		"a redirect": func() error {
			server.Set("secret", 307)
			return hooks.Send(t.Context(), server.URL, "secret", message(1))
		},
	} {
		if err := send(); err == nil {
			t.Errorf("%s: no error", name)
		}
		server.Set("secret", 204)
	}
	if got, _ := server.Messages(); len(got) != 1 {
		t.Errorf("%d messages came", len(got))
	}
}

// What is in the registry's own network is not called, however its address is written.
func TestInternalAddresses(t *testing.T) {
	for _, host := range []string{"10.0.0.1", "192.168.1.1", "172.16.0.1", "127.0.0.1", "169.254.169.254",
		"100.64.0.1", "0.0.0.0", "255.255.255.255",
		"[::1]", "[::ffff:10.0.0.1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::a00:1]", "[2002:a00:1::]", "[::]",
		"[::ffff:0:a00:1]", "[5f00::1]", "[2001:20::1]", "[3fff::1]",
		"localhost"} {
		err := alert.Hooks{}.Send(t.Context(), "https://"+host+":9/", "secret", message(1))
		if err == nil || !strings.Contains(err.Error(), "not a public address") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, url := range []string{"http://a.kz/", "https://", "https://u:p@a.kz/", "ftp://a.kz", "a",
		"https://a.kz/#x"} {
		if alert.CheckURL(url) == nil {
			t.Errorf("%q was taken", url)
		}
	}
	for _, address := range []string{"", "a", "A <a@b.kz>", "a@b.kz, c@d.kz", "a@b.kz\r\nBcc: c@d.kz"} {
		if alert.CheckAddress(address) == nil {
			t.Errorf("%q was taken", address)
		}
	}
	if err := errors.Join(alert.CheckURL("https://a.kz:8443/x?y=1"), alert.CheckAddress("a.b@c.kz")); err != nil {
		t.Error(err)
	}
}

// Each language has all words, and no message a place without a value.
func TestTexts(t *testing.T) {
	regions := map[string]string{"KZ-75": "Алматы"}
	for _, language := range alert.Languages {
		for _, kind := range alert.Kinds {
			m := message(25)
			m.Kind, m.Ended, m.Still = kind, m.Begun, m.Begun
			text := m.Subject(language) + "\n" + m.Text(language, regions, "https://r.example/alerts")
			if strings.Contains(text, "%!") || strings.Contains(text, ": \n") ||
				!strings.Contains(text, "https://r.example/alerts") {
				t.Errorf("%s, %s:\n%s", language, kind, text)
			}
		}
		if text := (alert.Message{Test: true}).Subject(language); strings.HasSuffix(text, " ") {
			t.Errorf("%s: %q", language, text)
		}
	}
	text := message(25).Text("ru", regions, "https://r.example/alerts")
	for _, want := range []string{"Началось: дверь не выходит на связь. дверей: 25", "Алматы: 25",
		"- Керуен, Кіру 1\n  Алматы, Абай 12, +77010000000\n  с 26.11.2026 17:00", "и ещё дверей: 5"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if s := message(25).Subject("ru"); s != "Ashyq: дверь не выходит на связь: началось (25)" {
		t.Errorf("subject %q", s)
	}
	if data, err := json.Marshal(alert.Message{ID: "r1", Kind: alert.Publisher, At: at}); err != nil ||
		string(data) != `{"id":"r1","kind":"publisher","at":"2026-11-26T12:00:00Z"}` {
		t.Errorf("%s, %v", data, err)
	}
}
