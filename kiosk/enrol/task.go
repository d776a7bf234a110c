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

// ErrEnrolled ends a Task: the door is enrolled and must start again with its new settings.
var ErrEnrolled = errors.New("the door is enrolled")

// Progress is the stage of a Task.
type Progress uint8

// The stages.
const (
	Waiting    Progress = iota // for a code
	Asking                     // the registry
	NoNetwork                  // the registry cannot be reached; the task keeps trying
	WrongClock                 // by the door's clock the certificate is not valid; the task keeps trying
	Broken                     // the enrolment cannot be written to the card; the task keeps trying
	Used                       // another device has used the code; here and below: the task waits for another
	Expired                    // the code has expired
	Refused                    // the registry refuses for another reason, or it is not an enrolment code
	Foreign                    // the code is of a registry that the door is not for
	Joining                    // a code was held to the camera, and will be used unless another one follows
)

const (
	// another is how long a refused code must be away from the camera before it is tried again.
	another = 5 * time.Second
	// hesitate is how long a code that was held to the camera waits, while the screen says whose
	// registry it is. Whoever is near can show a code.
	hesitate = 10 * time.Second
	// look is how often a Task checks whether the door was enrolled at the command line.
	look = 2 * time.Second
)

// Task enrols a door with the code on its card or the code shown to its camera.
type Task struct {
	enroller *Enroller
	first    string // code on the card, "": no code
	progress func(Progress, Code, error)
	log      *slog.Logger
	codes    *latest.Slot[string]

	// Owned by Run.
	text string    // of the latest code
	seen time.Time // when the code was last in front of the camera
	busy bool      // an attempt with it is running
}

// NewTask returns a task that first tries the code of an attempt that a power cut ended, or else
// the card's code. It calls progress from its own goroutines, one at a
// time, with the code if there is one.
func NewTask(e *Enroller, card string, progress func(Progress, Code, error), log *slog.Logger) *Task {
	return &Task{enroller: e, first: card, progress: progress, log: log, codes: latest.New[string]()}
}

// String names the task.
func (t *Task) String() string { return "enrolment" }

// Ready is closed from the start: such a door only waits for a code.
func (t *Task) Ready() <-chan struct{} { return ready }

var ready = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Present receives what the camera has read. It copies the text and never blocks.
func (t *Task) Present(text []byte) { t.codes.Put(string(text)) }

// Run waits for codes and tries them until ctx ends, or returns ErrEnrolled when the door is
// enrolled.
func (t *Task) Run(ctx context.Context) error {
	var attempt trying
	defer func() { attempt.stop() }()
	begin := func(text string, pause time.Duration) {
		attempt.stop()
		text = strings.TrimSpace(text) // a file may end with a line break
		attempt, t.text, t.busy = trying{}, text, false
		code, err := Parse(text)
		if err != nil {
			t.log.Warn("cannot read the enrolment code", "error", err)
			t.progress(Refused, Code{}, err)
			return
		}
		t.busy = true
		attempt = t.try(ctx, code, pause)
	}
	t.progress(Waiting, Code{}, nil)
	if pending := t.enroller.Pending(); pending != "" {
		begin(pending, 0)
	} else if t.first != "" {
		begin(t.first, 0)
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
				begin(text, hesitate)
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

// trying is a running attempt.
type trying struct {
	cancel context.CancelFunc
	done   chan error // one slot: nil or the registry's refusal
	ended  chan struct{}
}

func (a trying) stop() {
	if a.cancel != nil {
		a.cancel()
		<-a.ended
	}
}

// try keeps trying until the registry accepts or refuses the code, or the attempt is stopped.
func (t *Task) try(ctx context.Context, code Code, pause time.Duration) trying {
	ctx, cancel := context.WithCancel(ctx)
	a := trying{cancel: cancel, done: make(chan error, 1), ended: make(chan struct{})}
	t.log.Info("enrolling", "registry", code.URL)
	stage := Asking
	if pause > 0 {
		stage = Joining
	}
	if err := t.enroller.accepts(code); err != nil {
		t.refused(code, Foreign, err)
		a.done <- err
		close(a.ended)
		return a
	}
	t.progress(stage, code, nil)
	go func() {
		defer close(a.ended)
		defer cancel()
		if pause > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			t.progress(Asking, code, nil)
		}
		retry.Forever(ctx, t.log, "enrol", func(ctx context.Context) (time.Duration, error) {
			err := t.enroller.Enrol(ctx, code)
			if ctx.Err() != nil && err != nil {
				return 0, err // stopped
			}
			stage, over := classify(err)
			if !over {
				t.progress(stage, code, err)
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
	t.log.Error("the enrolment code is refused", "error", err)
	if err := t.enroller.Drop(code); err != nil {
		t.log.Error("drop the enrolment code", "error", err)
	}
	t.progress(stage, code, err)
}

// classify returns the stage after an attempt, and whether it is over: enrolled or refused.
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
	case errors.Is(err, ErrForeign):
		return Foreign, true
	case errors.Is(err, ErrAnswer):
		return Refused, true
	case errors.Is(err, ErrCard):
		return Broken, false
	}
	return NoNetwork, false
}
