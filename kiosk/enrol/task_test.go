package enrol_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/enrol/enroltest"
)

// refused is a refusal as package client makes them.
func refused(code string) error {
	return &api.CallError{Err: &api.Refusal{Status: http.StatusConflict, Said: api.Error{Error: "words", Code: code}}}
}

// script is a registry that returns these errors in order, the last one again and again.
type script struct {
	errs  []error
	asked int
}

func (s *script) Enrol(context.Context, api.EnrolRequest) (api.EnrolAnswer, error) {
	err := s.errs[min(s.asked, len(s.errs)-1)]
	s.asked++
	return api.EnrolAnswer{}, err
}

func TestTaskTellsItsProgress(t *testing.T) {
	registry := enroltest.New(t)
	first, second := registry.Code(), registry.Code()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &script{errs: []error{errors.New("no route"), &api.ClockError{Err: errors.New("not yet valid")},
			refused(api.CodeExpired)}}
		e := &enrol.Enroller{Dir: t.TempDir(), Dial: func(enrol.Code) (enrol.Registry, error) { return s, nil }}
		var stages []enrol.Progress
		task := enrol.NewTask(e, first.String()+"\n", func(p enrol.Progress, _ enrol.Code,
			_ error) {
			stages = append(stages, p)
		}, slog.New(slog.DiscardHandler))
		done := make(chan error, 1)
		go func() { done <- task.Run(ctx) }()
		time.Sleep(time.Minute) // of the test's own time
		synctest.Wait()
		expect(t, stages, enrol.Waiting, enrol.Asking, enrol.NoNetwork, enrol.WrongClock, enrol.Expired)

		// The same code is still in front of the camera: nothing happens. Another code is tried.
		for range 20 {
			task.Present([]byte(first.String()))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if s.asked != 4 { // once more when it came to the camera, and not while it stayed
			t.Errorf("asked %d times for a code that stays", s.asked)
		}
		stages = nil
		s.errs, s.asked = []error{refused(api.CodeUsed)}, 0
		task.Present([]byte(second.String()))
		time.Sleep(11 * time.Second)
		synctest.Wait()
		expect(t, stages, enrol.Joining, enrol.Asking, enrol.Used)
		if e.Pending() != "" {
			t.Error("a refused code is kept")
		}

		stages = nil
		task.Present([]byte("AE1:not a code"))
		time.Sleep(time.Second)
		synctest.Wait()
		expect(t, stages, enrol.Refused)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func expect(t *testing.T, got []enrol.Progress, want ...enrol.Progress) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("stages %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("stages %v, want %v", got, want)
		}
	}
}

func TestTaskGoesOnWithWhatAPowerCutLeft(t *testing.T) {
	registry, dir := enroltest.New(t), t.TempDir()
	code := registry.Code()
	registry.Set(func(s *enroltest.Settings) { s.Lose = true })
	if err := enroller(dir).Enrol(t.Context(), code); err == nil {
		t.Fatal("enrolled")
	}
	registry.Set(func(s *enroltest.Settings) { s.Lose = false })
	task := enrol.NewTask(enroller(dir), "", func(enrol.Progress, enrol.Code, error) {}, slog.New(slog.DiscardHandler))
	if err := task.Run(t.Context()); !errors.Is(err, enrol.ErrEnrolled) {
		t.Fatal(err)
	}
	papers(t, dir)
}

func TestTaskSeesThatSomebodyElseEnrolledTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		task := enrol.NewTask(enroller(dir), "", func(enrol.Progress, enrol.Code, error) {}, slog.New(slog.DiscardHandler))
		done := make(chan error, 1)
		go func() { done <- task.Run(t.Context()) }()
		time.Sleep(time.Minute)
		if err := os.WriteFile(filepath.Join(dir, "enrolled.toml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, enrol.ErrEnrolled) {
			t.Error(err)
		}
	})
}
