package enrol

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/latest"
	"ashyq-kiosk/kiosk/retry"
)

// ErrEnrolled ends a Task: the door is enrolled and is to begin again with its new settings.
var ErrEnrolled = errors.New("the door is enrolled")

// Progress is how far a Task is.
type Progress uint8

// The stages.
const (
	Waiting    Progress = iota // for a code
	Asking                     // the registry
	NoNetwork                  // the registry cannot be reached; tried again and again
	WrongClock                 // by the door's clock the registry's certificate is not good; tried again and again
	Broken                     // the door's card does not take it; tried again and again
	Used                       // the code is another door's; waiting for another code, as with the next two
	Expired                    // the code is too old
	Refused                    // the registry says no for another reason, or the code is none
)

const (
	// another is how long a code has to be away from the camera to be tried anew, once it was refused.
	another = 5 * time.Second
	// look is how often a Task looks whether somebody else, at the command line, has enrolled the door.
	look = 2 * time.Second
)

// Task enrols a door with the code that is on its card, or that it is shown. All fields are needed.
type Task struct {
	enroller *Enroller
	first    string // code on the card, "" for none
	progress func(Progress, error)
	log      *slog.Logger
	codes    *latest.Slot[string]

	// Owned by Run.
	text string    // of the code that was taken last
	seen time.Time // when it was last in front of the camera
	busy bool      // it is being tried
}

// NewTask makes a task that tries the card's code first, or the one that an attempt before the power went has left. It
// tells its progress from its own goroutines, one at a time.
func NewTask(e *Enroller, card string, progress func(Progress, error), log *slog.Logger) *Task {
	return &Task{enroller: e, first: card, progress: progress, log: log, codes: latest.New[string]()}
}

// String names the task.
func (t *Task) String() string { return "enrolment" }

// Ready is closed from the start: to wait for a code is all that such a door can do.
func (t *Task) Ready() <-chan struct{} { return ready }

// Present takes what the camera has read. It never blocks, and copies the text.
func (t *Task) Present(text []byte) { t.codes.Put(string(text)) }

// Run waits for codes and tries them, until ctx ends or the door is enrolled, which is ErrEnrolled.
func (t *Task) Run(ctx context.Context) error {
	var attempt trying
	defer func() { attempt.stop() }()
	begin := func(text string) {
		attempt.stop()
		text = strings.TrimSpace(text) // of a file
		attempt, t.text, t.busy = trying{}, text, false
		code, err := Parse(text)
		if err != nil {
			t.log.Warn("cannot read the enrolment code", "error", err)
			t.progress(Refused, err)
			return
		}
		t.busy = true
		attempt = t.try(ctx, code)
	}
	t.progress(Waiting, nil)
	if pending := t.enroller.Pending(); pending != "" {
		begin(pending)
	} else if t.first != "" {
		begin(t.first)
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case text := <-t.codes.C():
			now := time.Now()
			known := text == t.text && (t.busy || now.Sub(t.seen) < another)
			t.seen = now
			if !known {
				begin(text)
			}
		case err := <-attempt.done:
			attempt.stop()
			attempt = trying{}
			t.busy, t.seen = false, time.Now()
			if err == nil {
				return ErrEnrolled
			}
		case <-ticker.C:
			if Enrolled(t.enroller.Dir) {
				return ErrEnrolled
			}
		}
	}
}

// trying is a code that is being tried.
type trying struct {
	cancel context.CancelFunc
	done   chan error // one slot: nil, or the registry's refusal
	ended  chan struct{}
}

func (a trying) stop() {
	if a.cancel != nil {
		a.cancel()
		<-a.ended
	}
}

// try keeps trying until the registry has said yes or no, or the attempt is stopped.
func (t *Task) try(ctx context.Context, code Code) trying {
	ctx, cancel := context.WithCancel(ctx)
	a := trying{cancel: cancel, done: make(chan error, 1), ended: make(chan struct{})}
	t.log.Info("enrolling", "registry", code.URL)
	t.progress(Asking, nil)
	go func() {
		defer close(a.ended)
		defer cancel()
		retry.Forever(ctx, t.log, "enrol", func(ctx context.Context) (time.Duration, error) {
			err := t.enroller.Enrol(ctx, code)
			if ctx.Err() != nil && err != nil {
				return 0, err // stopped
			}
			stage, over := classify(err)
			if !over {
				t.progress(stage, err)
				return 0, err
			}
			if err != nil {
				t.refused(code, stage, err)
			}
			a.done <- err
			cancel()
			return 0, nil
		})
	}()
	return a
}

func (t *Task) refused(code Code, stage Progress, err error) {
	t.log.Error("the registry refuses the enrolment code", "error", err)
	if err := t.enroller.Drop(code); err != nil {
		t.log.Error("drop the enrolment code", "error", err)
	}
	t.progress(stage, err)
}

// classify tells what an attempt has come to, and whether it is over: enrolled, or refused.
func classify(err error) (stage Progress, over bool) {
	if err == nil {
		return Asking, true
	}
	if said, ok := refusal(err); ok {
		switch said.Code {
		case api.CodeUsed:
			return Used, true
		case api.CodeExpired:
			return Expired, true
		}
		return Refused, true
	}
	if _, ok := errors.AsType[*api.ClockError](err); ok {
		return WrongClock, false
	}
	switch {
	case errors.Is(err, ErrAnswer):
		return Refused, true
	case errors.Is(err, ErrCard):
		return Broken, false
	}
	return NoNetwork, false
}
