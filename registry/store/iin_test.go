package store

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestIIN(t *testing.T) {
	for text, good := range map[string]bool{
		"011399500018":  true,
		"011399400251":  true, // the second row of weights
		"011399600550":  true, // the second row, check digit 0
		"011399500019":  false,
		"01139950001":   false,
		"0113995000188": false,
		"01139950001８":  false, // a digit, but not of ASCII
		"":              false,
		"01139910036X":  false,
	} {
		if _, err := ParseIIN(text); (err == nil) != good {
			t.Errorf("ParseIIN(%q): %v, want good = %v", text, err, good)
		} else if err != nil && len(text) > 4 && strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes the number: %v", err)
		}
	}
	for d := '0'; d <= '9'; d++ { // both rows of weights give 10: no check digit is right
		if _, err := ParseIIN("01139910036" + string(d)); err == nil {
			t.Errorf("01139910036%c was taken", d)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("citizen", "iin", ann)
	if strings.Contains(log.String(), string(ann)) {
		t.Errorf("logged: %s", log.String())
	}
}
