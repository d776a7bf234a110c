package enrol

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func sample() Code {
	return Code{
		URL: "https://registry.example", Pin: bytes.Repeat([]byte{7}, 32), Token: bytes.Repeat([]byte{9}, TokenSize),
		SSID: "Дүкен", Passphrase: "correct horse", Country: "KZ",
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample().String())
	f.Add("AE1:")
	f.Add("AQ1:0")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrForm) {
				t.Fatalf("Parse(%q) = %v, want an ErrForm", text, err)
			}
			return
		}
		again, err := Parse(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%q is read back as %+v, %v", c.String(), again, err)
		}
	})
}

func TestCodeIsOneText(t *testing.T) {
	want := sample()
	got, err := Parse(" " + want.String() + "\r\n")
	if err != nil || got.String() != want.String() || got.SSID != want.SSID {
		t.Fatalf("Parse = %+v, %v", got, err)
	}
	if n := len(want.String()); n > 224 { // QR version 8-L, alphanumeric: ISO/IEC 18004 table 7 says 279; 7-L 224
		t.Errorf("a code with Wi-Fi has %d characters: it should stay easy to read", n)
	}
}

func TestRefusedCodes(t *testing.T) {
	for name, spoil := range map[string]func(*Code){
		"http":             func(c *Code) { c.URL = "http://registry.example" },
		"query":            func(c *Code) { c.URL += "/?a=b" },
		"Cyrillic host":    func(c *Code) { c.URL = "https://\u0430shyq.example" },
		"escaped host":     func(c *Code) { c.URL = "https://%D0%B0shyq.example" },
		"dot of another":   func(c *Code) { c.URL = "https://ashyq\u3002example" },
		"I for l":          func(c *Code) { c.URL = "https://heaIth.example" },
		"signs in a host":  func(c *Code) { c.URL = "https://ashyq.kz,example" },
		"long host":        func(c *Code) { c.URL = "https://" + strings.Repeat("ashyq.kz.", 10) + "a.example.invalid" },
		"short pin":        func(c *Code) { c.Pin = c.Pin[1:] },
		"short token":      func(c *Code) { c.Token = c.Token[1:] },
		"line break":       func(c *Code) { c.SSID = "a\nb" },
		"direction":        func(c *Code) { c.SSID = "a\u202eb" },
		"short passphrase": func(c *Code) { c.Passphrase = "1234567" },
		"country":          func(c *Code) { c.Country = "kz" },
		"no network":       func(c *Code) { c.SSID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			c := sample()
			spoil(&c)
			if err := c.check(); err == nil {
				t.Errorf("%+v is accepted", c)
			}
		})
	}
}

// What people read on the screen is what the door asks.
func TestHostIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"https://registry.example:8443/below": "registry.example:8443", "https://192.0.2.1": "192.0.2.1", "https://[2001:db8::1]:8443": "[2001:db8::1]:8443",
		"https://xn--shyq-43d.example": "xn--shyq-43d.example",
	} {
		c := sample()
		c.URL = text
		if err := c.check(); err != nil || c.Host() != want {
			t.Errorf("%s: %q, %v, want %q", text, c.Host(), err, want)
		}
	}
}
