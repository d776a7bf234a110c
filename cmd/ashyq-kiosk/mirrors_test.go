package main

import (
	"slices"
	"testing"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/mirror"
)

// TestMirrorFaultsAreReported has the registry know each fault that a door can find.
func TestMirrorFaultsAreReported(t *testing.T) {
	var all []string
	for _, fault := range mirror.Faults {
		all = append(all, string(fault))
	}
	if !slices.Equal(all, api.MirrorFaults) {
		t.Errorf("the door finds %q, the registry knows %q", all, api.MirrorFaults)
	}
}
