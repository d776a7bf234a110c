package server

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// A door whose certificate has expired gets a new one only with the administrator's approval.
func TestRenewAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		r.pass(doorLasts + time.Second)
		status, code := b.renew()
		is(t, "without approval", status, code, 403, "approval")
		asked := now()
		time.Sleep(time.Minute)
		b.renew()
		if k := overviewOf(t, r)["door"]; !k.Asks.Equal(asked) || k.Approved || k.Enrolled || k.Copied {
			t.Errorf("a door that asks: %+v", k)
		}
		status, code = b.copyTo(boardB).renew()
		is(t, "another board with this card", status, code, 403, "")

		r.post(PathApproveDoor, adminKey, ApproveRequest{Name: "door"}, nil)
		if k := overviewOf(t, r)["door"]; !k.Approved || k.Strays != 1 {
			t.Errorf("an approved door: %+v", k)
		}
		status, code = b.copyTo(boardB).renew()
		is(t, "another board, approved", status, code, 403, "")
		status, code = b.renew()
		is(t, "approved", status, code, 200, "")
		status, code = b.update()
		is(t, "the new certificate", status, code, 204, "")
		if k := overviewOf(t, r)["door"]; !k.Asks.IsZero() || k.Approved || !k.Enrolled {
			t.Errorf("a renewed door: %+v", k)
		}

		r.pass(doorLasts + time.Second)
		status, code = b.renew()
		is(t, "an approval is for one renewal", status, code, 403, "approval")
		r.post(PathApproveDoor, adminKey, ApproveRequest{Name: "door"}, nil)
		r.pass(24 * time.Hour)
		status, code = b.renew()
		is(t, "an approval that nobody used for a day", status, code, 403, "approval")
	})
}

// Whoever tries boards with a stolen card is stopped long before the right one, at each path that
// would tell.
func TestWrongBoardsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		for i := range 300 {
			thief := b.copyTo(fmt.Sprintf("%016x", i))
			if i%2 == 0 {
				thief.renew()
			} else {
				thief.update()
			}
		}
		if k := overviewOf(t, r)["door"]; !k.Copied || k.Strays != boardsAtOnce {
			t.Errorf("the administrator sees %+v", k)
		}
		if w := r.callAs(b, "POST", api.PathRenew, api.RenewRequest{CSR: b.csr()}); w.Code != 200 {
			t.Errorf("the door itself, at another address: %d %s", w.Code, w.Body)
		}
		thief := b.copyTo(boardA) // the right one, at last
		status, code := thief.renew()
		is(t, "renew with the right board after 300 wrong ones", status, code, 429, "")
		status, code = thief.update()
		is(t, "a request with the right board after 300 wrong ones", status, code, 429, "")
		time.Sleep(boardsEvery)
		status, code = thief.update()
		is(t, "later", status, code, 204, "")
	})
}

// Tries at the same moment do not get around the limit: a place is taken before the database is
// asked.
func TestWrongBoardsInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		csr := b.csr()
		codes := make([]int, 300)
		var all sync.WaitGroup
		for n := range codes {
			thief := b.copyTo(fmt.Sprintf("%016x", n))
			all.Go(func() {
				if n%2 == 0 {
					codes[n] = r.callAs(thief, "POST", api.PathRenew, api.RenewRequest{CSR: csr}).Code
				} else {
					codes[n] = r.callAs(thief, "GET", api.PathUpdate, nil).Code
				}
			})
		}
		all.Wait()
		evaluated := 0
		for n, code := range codes {
			switch code {
			case 403:
				evaluated++
			case 429:
			default:
				t.Errorf("try %d: %d", n, code)
			}
		}
		if strays := overviewOf(t, r)["door"].Strays; evaluated > boardsAtOnce || strays != evaluated {
			t.Errorf("%d of %d parallel wrong boards were evaluated and %d are shown, want at most %d", evaluated, len(codes), strays, boardsAtOnce)
		}
		w := r.callAs(b, "GET", api.PathUpdate, nil)
		is(t, "the right board after them", w.Code, "", 429, "")
	})
}

// However many addresses a thief has, the tries of one card are limited.
func TestWrongBoardsFromManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoards()
		tried := 0
		for i := range 10_000 {
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:1", i/256, i%256)
			if err := b.try(1, r, func() error { tried++; return store.ErrCopied }); i == 0 && !errors.Is(err, store.ErrCopied) {
				t.Errorf("the first wrong board: %v", err)
			}
			if i == 5_000 {
				time.Sleep(time.Hour)
			}
		}
		if tried != 2*allBoardsRoom {
			t.Errorf("%d tries within an hour, want %d", tried, 2*allBoardsRoom)
		}
		if err := b.try(2, httptest.NewRequest("POST", "/", nil), func() error { return nil }); err != nil {
			t.Errorf("another door: %v", err)
		}
	})
}

// Nor does it help to try from all of them at the same moment.
func TestWrongBoardsFromManyAddressesInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoards()
		var tried atomic.Int64
		answer := make(chan struct{})
		var all sync.WaitGroup
		for i := range 1000 {
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr = fmt.Sprintf("[2001:db8:%x::1]:1", i)
			all.Go(func() {
				_ = b.try(1, r, func() error { tried.Add(1); <-answer; return store.ErrCopied })
			})
		}
		synctest.Wait()
		close(answer)
		all.Wait()
		if tried.Load() != allBoardsRoom {
			t.Errorf("%d tries at the same moment, want %d", tried.Load(), allBoardsRoom)
		}
	})
}
