package setup_test

import (
	"errors"
	"testing"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/setup"
)

func TestListIsShownUntilTheDoorHasItsData(t *testing.T) {
	var shown [][]setup.Check
	show := func(c []setup.Check) { shown = append(shown, c) }
	l := setup.New(setup.Options{Show: show, Enrolled: true, Registry: "https://registry.example"})
	ok := func(id string) bool {
		for _, c := range shown[len(shown)-1] {
			if c.ID == id {
				return c.OK
			}
		}
		t.Fatalf("%s is not shown in %v", id, shown)
		return false
	}
	if len(shown) != 1 || !ok("panel") || ok("camera") || !ok("enrolment") {
		t.Fatalf("at first: %v", shown)
	}
	l.Fault(kiosk.CameraFault, nil)
	l.Fault(kiosk.CameraFault, nil)
	l.Fault(kiosk.TamperFault, errors.New("open")) // not a part of the list
	if len(shown) != 2 || !ok("camera") {
		t.Fatalf("with a camera: %v", shown)
	}
	l.Refused("enrolment", errors.New("answer 403"), "deleted")
	l.Note("camera", errors.New("unplugged"))
	if len(shown) != 4 || ok("camera") || shown[3][4].Says != "deleted" || !shown[2][1].OK {
		t.Fatalf("refused, and without its camera: %v", shown)
	}
	l.HasData()
	l.Note("network", nil)
	if len(shown) != 5 || shown[4] != nil {
		t.Fatalf("when it has its data: %v", shown)
	}
}

func TestDoorThatIsSetUpShowsNothing(t *testing.T) {
	l := setup.New(setup.Options{Show: func([]setup.Check) { t.Error("shown") }, Enrolled: true, HasData: true})
	l.Note("camera", errors.New("unplugged"))
	l.HasData()
}

func TestDataOfAnEarlierEnrolment(t *testing.T) {
	var last []setup.Check
	l := setup.New(setup.Options{Show: func(c []setup.Check) { last = c }, HasData: true})
	l.HasData()
	if len(last) != len(setup.Order) || !last[6].OK || last[4].OK {
		t.Errorf("a door that is not enrolled shows %v", last)
	}
}

func TestDoorWithoutARegistry(t *testing.T) {
	var last []setup.Check
	setup.New(setup.Options{Show: func(c []setup.Check) { last = c }, Enrolled: true})
	if len(last) != 4 {
		t.Errorf("it misses %v", last)
	}
}

func TestRouteToOneself(t *testing.T) {
	for _, url := range []string{"https://127.0.0.1:8443/below", "http://localhost:80"} {
		if err := setup.Route(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
