package enrol_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/enrol/enroltest"
)

// A code held to the camera is not used at once: people see whose registry it is, and may hold up
// another one.
func TestCodeBeforeTheCameraWaits(t *testing.T) {
	wrong, right := enroltest.New(t).Code(), enroltest.New(t).Code()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &script{errs: []error{errors.New("no route")}}
		var urls []string
		e := &enrol.Enroller{Dir: t.TempDir(), Dial: func(c enrol.Code) (enrol.Registry, error) { urls = append(urls, c.URL); return s, nil }}
		task := enrol.NewTask(e, "", func(enrol.Progress, enrol.Code, error) {}, slog.New(slog.DiscardHandler))
		done := make(chan error, 1)
		go func() { done <- task.Run(ctx) }()
		task.Present([]byte(wrong.String()))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(urls) != 0 || e.Pending() != "" {
			t.Errorf("after 5 s the door has asked %q", urls)
		}
		task.Present([]byte(right.String()))
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if len(urls) == 0 || urls[0] != right.URL {
			t.Errorf("after the right code the door has asked %q, want %q", urls, right.URL)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
