package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/registry/store"
)

// slowGateway takes some seconds for each message.
type slowGateway struct{ gateway }

func (g *slowGateway) Send(ctx context.Context, number, text string) error {
	time.Sleep(5 * time.Second)
	return g.gateway.Send(ctx, number, text)
}

// How fast the own requests find room again does not tell whether the others' IINs are registered,
// however long their messages take.
func TestQueueTellsNothing(t *testing.T) {
	var registered, unknown []store.Resident
	for n := range 20 {
		registered = append(registered, store.Resident{IIN: madeIIN(t, n), Phone: fmt.Sprintf("+770100000%02d", n)})
		unknown = append(unknown, store.Resident{IIN: madeIIN(t, 100+n)})
	}
	room := func(people []store.Resident) (n int) {
		synctest.Test(t, func(t *testing.T) {
			g := &slowGateway{}
			r := newRigThat(t, func(o *Options) { o.Messages = g })
			r.register(registered...)
			for _, p := range people {
				r.askCode("192.0.2.1", string(p.IIN))
			}
			fill := func() (n int) {
				for r.from("192.0.2.1", PathSignIn, CitizenRequest{IIN: iinA}).Code == http.StatusOK {
					n++
				}
				return n
			}
			synctest.Wait()
			fill()
			time.Sleep(1010 * time.Millisecond) // fake; between two look-ups
			synctest.Wait()
			n = fill()
		})
		return n
	}
	if known, other := room(registered), room(unknown); known != other || other < wishesPerSecond {
		t.Errorf("after a second there is room for %d, where nobody is registered for %d", known, other)
	}
}

// madeIIN is one of somebody born on the same day.
func madeIIN(t *testing.T, n int) store.IIN {
	t.Helper()
	for end := range 10 {
		if iin, err := store.ParseIIN(fmt.Sprintf("0101015%04d%d", 2*n, end)); err == nil {
			return iin
		}
	}
	return madeIIN(t, n+1000)
}

// A code that would come when it is not valid any more is not sent: it costs money and helps
// nobody.
func TestLateMessagesAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{}
		r := newRigThat(t, func(o *Options) { o.Messages, o.MessagesHourly = g, 60 })
		var people []store.Resident
		for n := range messagesBurst + 20 {
			people = append(people, store.Resident{IIN: madeIIN(t, n), Phone: fmt.Sprintf("+770100000%02d", n)})
		}
		r.register(people...)
		for _, p := range people {
			r.askCode("192.0.2.1", string(p.IIN))
		}
		time.Sleep(2 * store.SignInLasts)         // fake
		lasts := int(store.SignInLasts.Minutes()) // with 60 an hour
		if sent := len(g.take()); sent < messagesBurst+lasts-1 || sent > messagesBurst+lasts {
			t.Errorf("%d messages were sent", sent)
		}
		if want := `messages_total{result="dropped"} 1`; !strings.Contains(r.figures(), want) {
			t.Errorf("no %s in the figures", want)
		}
	})
}
