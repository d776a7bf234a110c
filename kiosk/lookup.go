package kiosk

import (
	"context"
	"errors"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

// Person is all that a door ever knows about somebody: a random index in the registry's status
// list.
type Person struct {
	Index uint64
	// Since is the first edition of the list that held the index. An index that was not yet in use
	// reads as Valid, so an earlier edition says nothing about the person, and neither does one
	// that continues from before it (statuslist.Epochs).
	Since statuslist.Edition
}

// Standing is a person's status and how old that knowledge is.
type Standing struct {
	Status statuslist.Status
	AsOf   time.Time // when the registry vouched for this status
	Until  time.Time // when the status will change by itself; zero: unknown
}

// ErrUnknownPerson says that this list does not hold the person: it is older than the person's
// pass, or the index is beyond its end.
var ErrUnknownPerson = errors.New("no such index in the status list")

// ErrNoData says that there is no list yet.
var ErrNoData = errors.New("no status list yet")

// errNoPlace says that the door cannot open the code's block: it has no key of that day, or another
// one.
var errNoPlace = errors.New("no key opens the code's place in the status list")

// Lookup returns a person's standing from a status list.
type Lookup interface {
	Status(ctx context.Context, p Person) (Standing, error)
}

// Checker returns the standing of whoever shows this code, as the registry knows it. It learns who
// is at which door, so it is asked last. ErrUnknownPerson: it says nothing about this code.
type Checker interface {
	Check(ctx context.Context, code string) (Standing, error)
}

// personOf is the person of an opened code.
func personOf(c *pass.Code) (Person, error) {
	p, ok := c.Place()
	if !ok {
		return Person{}, errNoPlace
	}
	return Person{Index: uint64(p.Index), Since: p.Since}, nil
}
