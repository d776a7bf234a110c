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
	f.Add([]byte("network:\n  wifis:\n    wlan0:\n      regulatory-domain: KZ\n      access-points:\n        \"a\":\n          password: \"12345678\"\n"))
	fuzzReader(f, readNetworkConfig)
}

func FuzzCustom(f *testing.F) {
	f.Add([]byte("config_version = 1\n[wlan]\nssid = \"a\"\npassword = \"12345678\"\n[ssh]\nauthorized_keys = [\"" + aKey + "\"]\n"))
	fuzzReader(f, readCustom)
}

func FuzzSupplicant(f *testing.F) {
	f.Add([]byte("network={\n\tssid=\"a\"\n}\n"))
	fuzzReader(f, readWPA)
}

func FuzzEnrolled(f *testing.F) {
	f.Add([]byte(`{"ssid":"a\n","passphrase":"12345678\"","country":"KZ"}`))
	fuzzReader(f, readEnrolled)
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte(aKey))
	fuzzReader(f, readKeys)
}

// fuzzReader holds a reader to what the rest relies on: each value is one of its kind, and says nothing in the file that it
// ends up in but itself.
func fuzzReader(f *testing.F, read func([]byte) wishes) {
	f.Fuzz(func(t *testing.T, data []byte) {
		w := read(data)
		if w.hostName != "" && !hostNameForm.MatchString(w.hostName) || w.timeZone != "" && !timeZoneForm.MatchString(w.timeZone) {
			t.Errorf("host name %q, time zone %q", w.hostName, w.timeZone)
		}
		for _, key := range w.keys {
			if strings.Count(key, " ") != 1 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("key %q", key)
			}
		}
		own := w.wpa
		w.wpa = nil
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
		if own != nil && (strings.Contains(string(own), "\x00") || !strings.Contains(string(own), "network={")) {
			t.Errorf("took %q as it is", own)
		}
	})
}
