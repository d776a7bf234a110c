package kiosk

import (
	"context"
	"errors"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// Person is all that a door ever knows about somebody: a random index in a status list.
type Person struct {
	List  string // URI of the status list, as in the credential
	Index uint64
	// Since is the first edition of the list that held the index. An index that was not yet in use
	// reads as Valid, so an earlier edition says nothing about the person, and neither does one that
	// continues from before it (statuslist.Epochs).
	Since statuslist.Edition
}

// Standing is a person's status and how old that knowledge is.
type Standing struct {
	Status statuslist.Status
	AsOf   time.Time // when the registry vouched for this status
	Until  time.Time // when the status will change by itself; zero: unknown
}

// ErrUnknownPerson says that this list does not hold the person: it is another list, it is older than
// the person's pass, or the index is beyond its end.
var ErrUnknownPerson = errors.New("no such index in the status list")

// ErrNoData says that there is no list yet.
var ErrNoData = errors.New("no status list yet")

// Lookup returns a person's standing: from the cache, from the registry, or from both in turn.
type Lookup interface {
	Status(ctx context.Context, p Person) (Standing, error)
}
