package main

import (
	"errors"
	"testing"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/config"
)

func TestSetupIsShownUntilTheDoorHasItsData(t *testing.T) {
	var shown [][]display.Check
	s := newSetup(func(c []display.Check) { shown = append(shown, c) }, &config.Config{Unenrolled: true}, true)
	well := func(id string) bool {
		for _, c := range shown[len(shown)-1] {
			if c.ID == id {
				return c.Well
			}
		}
		t.Fatalf("%s is not shown in %v", id, shown)
		return false
	}
	if len(shown) != 1 || !well("panel") || well("camera") || well("enrolment") {
		t.Fatalf("at first: %v", shown)
	}
	s.note("camera", nil)
	s.note("camera", nil)
	s.note(faultChecks[kiosk.TamperFault], errors.New("open")) // no part of the setup
	if len(shown) != 2 || !well("camera") {
		t.Fatalf("with a camera: %v", shown)
	}
	s.says("enrolment", errors.New("answer 403"), "deleted")
	s.note("camera", errors.New("unplugged"))
	if len(shown) != 4 || well("camera") || shown[3][4].Says != "deleted" || !shown[2][1].Well {
		t.Fatalf("refused, and without its camera: %v", shown)
	}
	s.over()
	s.note("network", nil)
	if len(shown) != 5 || shown[4] != nil {
		t.Fatalf("when it has its data: %v", shown)
	}

	quiet := newSetup(func([]display.Check) { t.Error("a door that is set up shows its parts") }, &config.Config{}, true)
	quiet.note("camera", errors.New("unplugged"))
	quiet.over()

	newSetup(func(c []display.Check) {
		if len(c) != 4 {
			t.Errorf("a door without a registry misses %v", c)
		}
	}, &config.Config{}, false)
}

// Every check has words in all languages, on the screen as in the doctor.
func TestChecksHaveWords(t *testing.T) {
	ids := append([]string{}, setupOrder...)
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

func TestRouteToOneself(t *testing.T) {
	for _, url := range []string{"https://127.0.0.1:8443/below", "http://localhost:80"} {
		if err := route(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
