package main

import (
	"os"
	"path/filepath"
	"testing"

	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/enrol/enroltest"
)

// A card that is for one registry accepts no other's code, and says nothing to that other registry.
func TestEnrolAtTheRightRegistryOnly(t *testing.T) {
	right, stranger := enroltest.New(t), enroltest.New(t)
	dir := t.TempDir()
	cfg := &config.Config{StateDir: filepath.Join(dir, "state"), CardDir: dir}
	file := filepath.Join(dir, "kiosk.toml")
	for name, text := range map[string]string{"kiosk.toml": "", "ashyq-registry.pem": right.CA.PEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	enroller := newEnroller(cfg, file)
	if err := enroller.Enrol(t.Context(), stranger.Code()); err == nil || len(stranger.Seen()) != 0 ||
		enrol.Enrolled(cfg.StateDir) {
		t.Fatalf("the strange registry: %v, asked %d times", err, len(stranger.Seen()))
	}
	if err := enroller.Enrol(t.Context(), right.Code()); err != nil || !enrol.Enrolled(cfg.StateDir) {
		t.Fatalf("the right registry: %v", err)
	}
}
