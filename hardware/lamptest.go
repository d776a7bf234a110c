package hardware

import (
	"context"
	"errors"
	"time"
)

const (
	testLamp = 700 * ms
	testBeep = 100 * ms
)

// LampTest switches on one lamp after the other, in the order of the wall, and then the buzzer for
// a moment; never the relay. It calls tell before each part, such as "red". It ends in the safe
// state, even if ctx ends early. No Panel may use the lines meanwhile.
func LampTest(ctx context.Context, pins *Pins, tell func(part string)) (err error) {
	defer func() { err = errors.Join(err, pins.Safe()) }()
	if err := pins.Safe(); err != nil {
		return err
	}
	for i, pin := range pins.list() {
		i, lasting := line(i), testLamp
		switch i {
		case relay:
			continue
		case buzzer:
			lasting = testBeep
		}
		tell(lineNames[i])
		if err := switchTo(i, pin, true); err != nil {
			return err
		}
		if err := sleep(ctx, lasting); err != nil {
			return err
		}
		if err := switchTo(i, pin, false); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
