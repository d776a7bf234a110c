package api

import (
	"errors"
	"regexp"
)

// PathPlaces: POST PlacesRequest -> PlacesAnswer. TLS: the door's certificate. It gives a door
// places of a venue that has a capacity, and takes back what the door does not need
// (docs/adr/0014). A request that comes too late gets 409, and one of an ended ledger 409 with
// CodeLedger.
const PathPlaces = "/v1/places"

// CodeLedger tells a door to begin another ledger: the registry has ended this one.
const CodeLedger = "ledger"

// PlacesRequest is a door's ledger: totals since it began, so that a repeated or a lost message
// changes nothing. Nobody is named in it.
type PlacesRequest struct {
	Ledger string `json:"ledger"`        // 32 hex digits: its number, random
	Seq    int64  `json:"seq"`           // grows with each request; the door uses no answer to an older one
	In     int64  `json:"in"`            // people let in, at most Limit
	Day    int64  `json:"day"`           // as in the last answer
	Out    int64  `json:"out"`           // people who left
	Limit  int64  `json:"limit"`         // how many people the door may let in altogether
	Want   int64  `json:"want"`          // people who stand at the door now
	Off    bool   `json:"off,omitempty"` // the door is about to be switched off and wants no places for later
}

// PlacesAnswer gives places. Without a capacity nothing else counts.
type PlacesAnswer struct {
	Capacity int64 `json:"capacity"` // people; 0: not limited
	Day      int64 `json:"day"`      // grows when the number inside begins anew; who left before does not count
	Inside   int64 `json:"inside"`   // people, as doors have reported them
	Limit    int64 `json:"limit"`    // never below that of the request
	Keep     int64 `json:"keep"`     // how many places that are not taken the door may keep
}

const mostPlaces = 1 << 50 // nobody counts so far, and sums stay exact

// Check says what no door can say.
func (q PlacesRequest) Check() error {
	for _, n := range []int64{q.Seq, q.Day, q.In, q.Out, q.Limit, q.Want} {
		if n < 0 || n > mostPlaces {
			return errors.New("a number is below 0, or too large")
		}
	}
	if q.In > q.Limit {
		return errors.New("more people came in than places were given")
	}
	if !ledgerForm.MatchString(q.Ledger) {
		return errors.New("the ledger's number is not 32 hex digits")
	}
	return nil
}

var ledgerForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
