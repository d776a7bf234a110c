package doctor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/doctor"
)

func healthy(name string, then ...doctor.Check) doctor.Check {
	return doctor.Check{ID: name, Then: then, Run: func(context.Context) (string, error) { return "fine", nil }}
}

func noWords(string) (name, missing string) { return "", "" }

func TestPlainWords(t *testing.T) {
	bad := doctor.Check{ID: "camera", Run: func(context.Context) (string, error) {
		return "", errors.New("open /dev/video0: no such device\nhint: check its cable")
	}, Then: []doctor.Check{healthy("lens")}}
	words := func(id string) (name, missing string) {
		if id == "lens" {
			return "", ""
		}
		return "Камера", "Камера не подключена"
	}
	var out strings.Builder
	doctor.Run(t.Context(), &out, words, []doctor.Check{bad})
	want := `✗ Камера: Камера не подключена
    open /dev/video0: no such device
  → check its cable
  - lens: waits for Камера
`
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
}

func TestTree(t *testing.T) {
	ran := false
	child := doctor.Check{ID: "leaf", Run: func(context.Context) (string, error) { ran = true; return "", nil }}
	bad := doctor.Check{ID: "cache", Then: []doctor.Check{healthy("age", child)}, Run: func(context.Context) (string, error) {
		return "", errors.New("file is locked\nhint: stop the daemon")
	}}
	var out strings.Builder
	failed := doctor.Run(t.Context(), &out, noWords, []doctor.Check{healthy("configuration", bad), healthy("clock")})
	want := `✓ configuration: fine
  ✗ cache: file is locked
    → stop the daemon
    - age: waits for cache
      - leaf: waits for cache
✓ clock: fine
`
	if out.String() != want || failed != 1 || ran {
		t.Errorf("failed %d, ran %v, printed\n%swant\n%s", failed, ran, out.String(), want)
	}
}

func TestCheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var out strings.Builder
		hangs := doctor.Check{ID: "camera", Run: func(context.Context) (string, error) { <-release; return "", nil }}
		if failed := doctor.Run(t.Context(), &out, noWords, []doctor.Check{hangs}); failed != 1 || !strings.Contains(out.String(), "no answer within 15s") {
			t.Errorf("failed %d, printed %q", failed, out.String())
		}
	})
}
