package server

import (
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"ashyq-kiosk/registry/store"
)

// How often one door's certificate may be shown by a wrong board. A board's number has 32 bits of
// entropy, and nothing else keeps a stolen card from working in another board. The honest door is
// at another address than the thief, so it is refused only after wrong ones from many.
const (
	boardsAtOnce   = 10 // from one address block
	boardsEvery    = 10 * time.Second
	allBoardsRoom  = 60 // from everywhere
	allBoardsEvery = time.Minute
	maxBoards      = 4096 // allowances that are kept; beyond that the full ones are forgotten
)

// boards limits wrong boards.
type boards struct {
	mu    sync.Mutex // guards wrong, and that no allowance is forgotten while it is held
	wrong map[boardsKey]*allowance
}

type boardsKey struct {
	door int64
	from netip.Prefix // of no matter if all
	all  bool
}

func newBoards() *boards { return &boards{wrong: map[boardsKey]*allowance{}} }

var errTooManyBoards = &failure{http.StatusTooManyRequests, "too many boards have shown this door's certificate",
	"this card is a copy or is in another board: make a new code for this door", nil}

// try judges the board of a request unless there were too many wrong ones. Then it refuses the
// right board, too: otherwise whoever tries them would learn it. A place in the limits is held from
// before the database is asked, so that tries at the same moment do not get around them. Only a
// wrong board uses it up.
func (b *boards) try(door int64, r *http.Request, judge func() error) error {
	wrong := false
	for _, key := range [...]boardsKey{{door: door, from: BlockOf(remote(r).Addr())}, {door: door, all: true}} {
		limit := b.hold(key)
		if limit == nil {
			return errTooManyBoards
		}
		defer func() { limit.release(wrong) }()
	}
	err := judge()
	wrong = errors.Is(err, store.ErrCopied)
	return err
}

// hold takes a place, to be released; nil: there is no place.
func (b *boards) hold(key boardsKey) *allowance {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.wrong[key]
	if limit == nil {
		if len(b.wrong) >= maxBoards {
			maps.DeleteFunc(b.wrong, func(_ boardsKey, a *allowance) bool { return a.unused() })
		}
		limit = newAllowance(rate.Every(boardsEvery), boardsAtOnce)
		if key.all {
			limit = newAllowance(rate.Every(allBoardsEvery), allBoardsRoom)
		}
		b.wrong[key] = limit
	}
	if !limit.hold() {
		return nil
	}
	return limit
}

// allowance is a limit whose places are held while a board is judged.
type allowance struct {
	mu    sync.Mutex // guards held, and that spent has a token for each
	held  int
	spent *rate.Limiter
}

func newAllowance(perSecond rate.Limit, atOnce int) *allowance {
	return &allowance{spent: rate.NewLimiter(perSecond, atOnce)}
}

// hold takes a place until release.
func (a *allowance) hold() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spent.Tokens() < float64(a.held+1) {
		return false
	}
	a.held++
	return true
}

// release gives the place back, or uses it up.
func (a *allowance) release(use bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held--
	if use {
		a.spent.Allow() // there is a token: hold has seen to it
	}
}

// unused reports that nothing is held or used up.
func (a *allowance) unused() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held == 0 && a.spent.Tokens() >= float64(a.spent.Burst())
}
