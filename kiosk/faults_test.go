package kiosk_test

import (
	"errors"
	"slices"
	"testing"

	"ashyq-kiosk/kiosk"
)

func TestFaultsReachEverySubscriber(t *testing.T) {
	faults := new(kiosk.Faults)
	faults.Report(kiosk.ClockFault, errors.New("nobody listens yet"))
	var first, second []string
	record := func(to *[]string) func(kiosk.Reason, error) {
		return func(reason kiosk.Reason, err error) {
			word := string(reason) + " works"
			if err != nil {
				word = string(reason) + " " + err.Error()
			}
			*to = append(*to, word)
		}
	}
	faults.Subscribe(record(&first))
	faults.Subscribe(record(&second))
	camera := faults.Of(kiosk.CameraFault)
	camera(errors.New("unplugged"))
	camera(nil)
	want := []string{"camera unplugged", "camera works"}
	if !slices.Equal(first, want) || !slices.Equal(second, want) {
		t.Errorf("heard %q and %q, want %q", first, second, want)
	}
}
