package api_test

import (
	"bytes"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/api"
)

func TestKeyText(t *testing.T) {
	dash := append([]byte{0xfb}, bytes.Repeat([]byte{1}, api.KeySize-1)...)
	text := api.FormatKey(dash)
	if !strings.HasPrefix(text, "k1-") || len(text) != 45 {
		t.Fatalf("the text is %q", text)
	}
	if got, err := api.ParseKey(text); err != nil || !bytes.Equal(got, dash) {
		t.Errorf("parsed as %x, %v", got, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"without its prefix": {text[2:], `does not begin with "k1"`},
		"empty":              {"", `does not begin with "k1"`},
		"capital prefix":     {"K1" + text[2:], `does not begin with "k1"`},
		"prefix twice":       {"k1" + text, "43 characters"},
		"too short":          {text[:44], "43 characters"},
		"padded":             {text + "=", "43 characters"},
		"other alphabet":     {strings.Replace(text, "-", "+", 1), "43 characters"},
		"last bits set":      {text[:44] + "F", "43 characters"}, // E and F decode to the same bytes
		"broken line":        {text[:20] + "\n" + text[20:], "43 characters"},
		"space after it":     {text + " ", "43 characters"},
	} {
		_, err := api.ParseKey(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), text[5:15]) {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(api.FormatKey(make([]byte, api.KeySize)))
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := api.ParseKey(text); err == nil && api.FormatKey(key) != text {
			t.Errorf("%q is another spelling of %q", text, api.FormatKey(key))
		}
	})
}
