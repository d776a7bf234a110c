package server

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often one door's certificate may be shown by a wrong board. A board's number has 32 bits of
// entropy, and nothing else keeps a stolen card from working in another board. The honest door is
// at another address than the thief, so it is refused only after wrong ones from many.
const (
	boardsAtOnce   = 10 // from one address block
	boardsEvery    = 10 * time.Second
	allBoardsRoom  = 60 // from everywhere
	allBoardsEvery = time.Minute
	maxBoards      = 4096 // limiters that are kept; beyond that the full ones are forgotten
)

// boards limits wrong boards.
type boards struct {
	mu    sync.Mutex // guards wrong
	wrong map[boardsKey]*rate.Limiter
}

type boardsKey struct {
	door int64
	from netip.Prefix // of no matter if all
	all  bool
}

func newBoards() *boards { return &boards{wrong: map[boardsKey]*rate.Limiter{}} }

func boardsKeys(door int64, r *http.Request) [2]boardsKey {
	return [2]boardsKey{{door: door, from: BlockOf(remote(r).Addr())}, {door: door, all: true}}
}

// check refuses a request after too many wrong boards. It refuses the right board, too: otherwise
// whoever tries them would learn it.
func (b *boards) check(door int64, r *http.Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range boardsKeys(door, r) {
		if l := b.wrong[key]; l != nil && l.Tokens() < 1 {
			return &failure{http.StatusTooManyRequests, "too many boards have shown this door's certificate",
				"this card is a copy or is in another board: make a new code for this door", nil}
		}
	}
	return nil
}

// note counts a wrong board.
func (b *boards) note(door int64, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wrong) >= maxBoards {
		for key, l := range b.wrong {
			if l.Tokens() >= float64(l.Burst()) {
				delete(b.wrong, key)
			}
		}
	}
	for _, key := range boardsKeys(door, r) {
		l := b.wrong[key]
		if l == nil {
			l = rate.NewLimiter(rate.Every(boardsEvery), boardsAtOnce)
			if key.all {
				l = rate.NewLimiter(rate.Every(allBoardsEvery), allBoardsRoom)
			}
			b.wrong[key] = l
		}
		l.Allow()
	}
}
