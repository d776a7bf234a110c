package kiosk

import (
	"context"
	"errors"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// Person is all that a door ever knows of somebody: a random index in a status list.
type Person struct {
	List  string // URI of the status list, as in the credential
	Index uint64
	// Since is when the credential was issued. An index that nobody had yet reads as Valid, so a list that is not newer
	// than this says nothing about the person. Zero: not known, any list will do.
	Since time.Time
}

// Standing is the answer to "what about this person": the status and how old the knowledge is.
type Standing struct {
	Status statuslist.Status
	AsOf   time.Time // when the registry vouched for this status
	Until  time.Time // when the status is going to change by itself; zero where unknown
}

// ErrUnknownPerson says that the list exists and the index is beyond it, or that the list is not known.
var ErrUnknownPerson = errors.New("no such index in the status list")

// ErrNoData says that there is no list yet.
var ErrNoData = errors.New("no status list yet")

// Lookup tells a person's standing: the cache, the registry itself, or one behind the other.
type Lookup interface {
	Status(ctx context.Context, p Person) (Standing, error)
}
