package server

import (
	"context"
	"net/netip"
	"sync"
)

// How much waits for its turn.
const (
	turnsOfBlock = 200   // behind which there may be a town
	turnsOfAll   = 5_000 // each has some 300 bytes
)

// turns are lines of what waits, one for each address block. Blocks take turns, so that a crowd
// delays itself first.
type turns[T any] struct {
	mu     sync.Mutex // guards the rest
	lines  map[netip.Prefix][]T
	blocks []netip.Prefix // those with a line, the next one first
	n      int
	some   chan struct{} // one slot; full: it is known already that something may wait
}

func newTurns[T any]() *turns[T] {
	return &turns[T]{lines: map[netip.Prefix][]T{}, some: make(chan struct{}, 1)}
}

// put adds to the line of a block, unless too much waits. Where all lines are full together, the
// last one of the longest line is lost in favour of a shorter one: a crowd from a few blocks keeps
// nobody else out.
func (q *turns[T]) put(block netip.Prefix, one T) (taken, lost bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := q.lines[block]
	if len(line) >= turnsOfBlock {
		return false, false
	}
	if q.n >= turnsOfAll {
		if lost = q.lose(len(line) + 1); !lost {
			return false, false
		}
	}
	if len(line) == 0 {
		q.blocks = append(q.blocks, block)
	}
	q.lines[block] = append(line, one)
	q.n++
	select {
	case q.some <- struct{}{}:
	default:
	}
	return true, lost
}

// lose takes the last one out of the longest line, if that is longer than so many.
func (q *turns[T]) lose(than int) bool {
	var longest netip.Prefix
	most := than
	for block, line := range q.lines {
		if len(line) > most {
			longest, most = block, len(line)
		}
	}
	if most == than {
		return false
	}
	q.lines[longest] = q.lines[longest][:most-1]
	q.n--
	return true
}

// next waits for the first of the block whose turn it is. Its errors are those of ctx.
func (q *turns[T]) next(ctx context.Context) (block netip.Prefix, one T, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return block, one, err
		}
		if block, one, ok := q.take(); ok {
			return block, one, nil
		}
		select {
		case <-q.some:
		case <-ctx.Done():
		}
	}
}

func (q *turns[T]) take() (block netip.Prefix, one T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		return block, one, false
	}
	block = q.blocks[0]
	line := q.lines[block]
	one, q.blocks, q.n = line[0], q.blocks[1:], q.n-1
	if len(line) == 1 {
		delete(q.lines, block)
	} else {
		q.lines[block], q.blocks = line[1:], append(q.blocks, block)
	}
	return block, one, true
}
