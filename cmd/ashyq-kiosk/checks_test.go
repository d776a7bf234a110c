package main

import (
	"slices"
	"testing"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/setup"
)

// Every check has words in all languages, on the screen and in the doctor.
func TestChecksHaveWords(t *testing.T) {
	ids := slices.Clone(setup.Order)
	for todo := checks("none"); len(todo) > 0; todo = append(todo[1:], todo[0].Then...) {
		ids = append(ids, todo[0].ID)
	}
	for _, id := range ids {
		for _, lang := range []string{"kk", "ru", "en"} {
			if name, missing, ok := display.CheckWords(id, lang); !ok || name == "" || missing == "" {
				t.Errorf("check %q has no words in %s", id, lang)
			}
		}
	}
	if len(ids) < 15 {
		t.Errorf("only the checks %q", ids)
	}
}

func TestEveryStageOfTheEnrolmentIsShown(t *testing.T) {
	seen := map[kiosk.Reason]bool{}
	for stage, reason := range enrolReasons {
		if reason == "" || seen[reason] {
			t.Errorf("stage %d shows %q", stage, reason)
		}
		seen[reason] = true
	}
}
