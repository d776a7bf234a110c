package provision

import (
	"strings"
	"testing"
)

func FuzzUserData(f *testing.F) {
	f.Add([]byte("#cloud-config\nhostname: door\nusers:\n- default\n- {passwd: x, ssh_authorized_keys: [" + aKey + "]}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	fuzzReader(f, readUserData)
}

func FuzzNetworkConfig(f *testing.F) {
	f.Add([]byte("network:\n  wifis:\n    wlan0:\n      regulatory-domain: KZ\n      access-points:\n        \"a\":\n " +
		"         password: \"12345678\"\n"))
	f.Add([]byte("ethernets: {a: {auth: {key-management: 802.1x, method: ttls, identity: \"a\\\"}\", password: x, " +
		"ca-certificate: \"c\\\"\"}}}"))
	fuzzReader(f, readNetworkConfig)
}

func FuzzEnrolled(f *testing.F) {
	f.Add([]byte(`{"ssid":"a\n","passphrase":"12345678\"","country":"KZ"}`))
	fuzzReader(f, readEnrolled)
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(aKey))
	fuzzReader(f, readKeys)
}

// fuzzReader checks what the rest relies on: each value is valid, and adds exactly its own lines to
// wpa_supplicant's file.
func fuzzReader(f *testing.F, read func([]byte) wishes) {
	f.Fuzz(func(t *testing.T, data []byte) {
		w := read(data)
		if w.hostName != "" && !hostNameForm.MatchString(w.hostName) || w.timeZone != "" &&
			!timeZoneForm.MatchString(w.timeZone) {
			t.Errorf("host name %q, time zone %q", w.hostName, w.timeZone)
		}
		for _, key := range w.keys {
			if strings.Count(key, " ") != 1 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("key %q", key)
			}
		}
		lines := strings.Count(string(w.supplicant()), "\n")
		want := 2
		if w.country != "" {
			want++
		}
		for _, n := range w.networks {
			want += 6
			if n.hidden || n.enrolled {
				want++
			}
			switch {
			case n.secret == "":
			case n.key() != nil:
				want++
			default:
				want += 3
			}
		}
		if lines != want {
			t.Errorf("%d lines, want %d, of %+v", lines, want, w.networks)
		}
		if w.wired != nil {
			want := 13
			if w.wired.anonymous != "" {
				want++
			}
			if text := string(w.wired.supplicant()); strings.Count(text, "\n") != want {
				t.Errorf("want %d lines, of %+v:\n%s", want, w.wired, text)
			}
		}
	})
}
