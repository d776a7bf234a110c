package server

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// How citizens' codes are looked up. Guessing needs no other limit than the first, as the package
// comment works out; the others keep a flood of tries from delaying people and other requests.
const (
	lookUpsPerSecond = 20_000
	lookUpsTogether  = 100 // that may follow each other at once
	lookUpsAtOnce    = 4   // half of the database's readers; staff and doors have the rest

	inLine      = 500             // tries from one address, behind which there may be a town
	longestLine = 5 * time.Second // a look-up takes some 0.1 ms, so only a flood lasts that long
)

// shares are whose tries take turns: first those of one address, then the addresses of one block,
// then the blocks of one provider. A flood therefore delays its own address most, and one try from
// elsewhere waits for one or two tries of each other block at most, right or wrong.
var shares = [...]struct {
	ipv4, ipv6 int   // bits
	atOnce     int64 // look-ups
}{
	{32, 64, 1},
	{24, 48, 2},
	{16, 32, 3},
}

// lookUps lets tries of codes look at the database in turn. Whether a code is right makes no
// difference, so nobody learns anything from waiting.
type lookUps struct {
	pace *rate.Limiter
	all  *semaphore.Weighted

	mu    sync.Mutex // guards lines
	lines map[share]*line
}

// share is a network at a level of shares.
type share struct {
	level int
	of    netip.Prefix
}

// line is where the tries of one share wait, the first come first. It is there as long as somebody
// is in it.
type line struct {
	*semaphore.Weighted
	inside int // waiting or being looked up
}

func newLookUps() *lookUps {
	return &lookUps{
		pace:  rate.NewLimiter(lookUpsPerSecond, lookUpsTogether),
		all:   semaphore.NewWeighted(lookUpsAtOnce),
		lines: map[share]*line{},
	}
}

var errBusy = &failure{http.StatusTooManyRequests, "too many codes are being tried", "try again in a minute", nil}

// try calls lookUp when it is the address's turn, or returns errBusy.
func (l *lookUps) try(ctx context.Context, from netip.Addr, lookUp func() error) error {
	waits, cancel := context.WithTimeout(ctx, longestLine)
	defer cancel()
	for level := range shares {
		own := shareOf(level, from)
		turns := l.join(own)
		if turns == nil {
			return errBusy
		}
		defer l.leave(own)
		if turns.Acquire(waits, 1) != nil {
			return errBusy
		}
		defer turns.Release(1)
	}
	if l.all.Acquire(waits, 1) != nil {
		return errBusy
	}
	defer l.all.Release(1)
	if l.pace.Wait(waits) != nil {
		return errBusy
	}
	return lookUp()
}

func shareOf(level int, from netip.Addr) share {
	bits := shares[level].ipv4
	if from.Is6() {
		bits = shares[level].ipv6
	}
	of, err := from.Prefix(bits)
	if err != nil { // it is no address: all of those have one share
		of = netip.Prefix{}
	}
	return share{level, of}
}

// join enters a line; nil: it is too long. The lines of blocks are as long as they have addresses.
func (l *lookUps) join(s share) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.lines[s]
	if own == nil {
		own = &line{Weighted: semaphore.NewWeighted(shares[s.level].atOnce)}
		l.lines[s] = own
	}
	if s.level == 0 && own.inside == inLine {
		return nil
	}
	own.inside++
	return own
}

func (l *lookUps) leave(s share) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines[s].inside--; l.lines[s].inside == 0 {
		delete(l.lines, s)
	}
}
