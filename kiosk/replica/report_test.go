package replica_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/replica"
)

// nobody is an empty outbox, and a registry that counts who says hello.
type nobody struct {
	hellos int
	down   bool
}

func (*nobody) Next() (string, []byte, error) { return "", nil, nil }
func (*nobody) Done(string) error             { return nil }
func (*nobody) SendCounts(context.Context, []byte) error {
	return errors.New("there is nothing to send")
}
func (n *nobody) Hello(context.Context) error {
	if n.down {
		return errors.New("no route to host")
	}
	n.hellos++
	return nil
}

// A door where nobody comes is heard of at the start and every five minutes, and soon after the registry is back.
func TestHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := &nobody{}
		done := make(chan struct{})
		go func() { defer close(done); _ = replica.NewReporter(n, n, slog.New(slog.DiscardHandler)).Run(ctx) }()
		after := func(d time.Duration, from, to int) {
			t.Helper()
			before := n.hellos
			time.Sleep(d)
			synctest.Wait()
			if said := n.hellos - before; said < from || said > to {
				t.Errorf("%d times in %v, want %d to %d", said, d, from, to)
			}
		}
		after(time.Second, 1, 1)
		after(time.Hour, 10, 12)
		n.down = true
		after(time.Hour, 0, 0)
		n.down = false
		after(5*time.Minute, 1, 2)
		cancel()
		<-done
	})
}
