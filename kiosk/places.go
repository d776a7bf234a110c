package kiosk

import (
	"context"
	"errors"
)

// ErrFull says that the venue has no free place.
var ErrFull = errors.New("the venue is full")

// Places are the places of a venue, which may have a capacity (docs/adr/0014).
type Places interface {
	// Occupancy is the share of places that are taken; negative: it is not known, or the number of
	// places is not limited. It may ask the registry.
	Occupancy(ctx context.Context) float64
	// Take takes a place for somebody who is about to enter. It calls asking before it asks the
	// registry. ErrFull: there is no free place. Any other error: nobody knows whether there is
	// one.
	Take(ctx context.Context, asking func()) error
	// Left notes that somebody has left. It never waits for the registry.
	Left()
}
