// Package places keeps a door's share of the places of its venue: it lets people in only into
// places that the registry has reserved for this door (docs/adr/0014).
package places

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// Lasts is how long a door uses its share after it last heard the registry, which keeps the share
// for an hour longer.
const Lasts = 12 * time.Hour

// Ledger is what a door has done with its places since it began to count. It is pure. Whoever keeps
// it over a restart keeps it before each use, see Memory.
type Ledger struct {
	Number string        `json:"number"`
	Seq    int64         `json:"seq"`   // of the last request
	In     int64         `json:"in"`    // people let in
	Day    int64         `json:"day"`   // of the last answer
	Out    int64         `json:"out"`   // people who left
	Limit  int64         `json:"limit"` // how many people may be let in altogether
	Heard  time.Duration `json:"heard"` // since the machine's start: when the last request that was answered was sent
}

// NewLedger begins to count, without any places.
func NewLedger() Ledger {
	var number [16]byte
	if _, err := rand.Read(number[:]); err != nil {
		panic("places: no random numbers: " + err.Error()) // crypto/rand documents that it does not happen
	}
	return Ledger{Number: hex.EncodeToString(number[:])}
}

// Spend takes a place, if the door has one.
func (l *Ledger) Spend(running time.Duration) bool {
	if l.In >= l.Limit || l.over(running) {
		return false
	}
	l.In++
	return true
}

// over tells that the share is too old to be used.
func (l *Ledger) over(running time.Duration) bool {
	return l.Limit > 0 && running-l.Heard > Lasts
}

// Request is the next one. A share that is too old ends with its ledger: the registry has counted
// its places, or will, when it hears of the next ledger.
func (l *Ledger) Request(want int64, running time.Duration) api.PlacesRequest {
	if l.over(running) {
		*l = NewLedger()
	}
	l.Seq++
	return api.PlacesRequest{Ledger: l.Number, Seq: l.Seq, Day: l.Day, In: l.In, Out: l.Out, Limit: l.Limit, Want: want}
}

var errAnswer = errors.New("the registry's answer about places is not usable")

// Answer takes over the answer to the newest request, which was sent at the given time. Places that
// the door may not keep are given back with the next request.
func (l *Ledger) Answer(q api.PlacesRequest, a api.PlacesAnswer, sent time.Duration) error {
	if a.Limit < q.Limit || a.Capacity < 0 || a.Keep < 0 || a.Limit > q.Limit+a.Capacity {
		return errAnswer
	}
	if q.Ledger != l.Number || q.Seq != l.Seq {
		return nil // it is not the newest one
	}
	if a.Day != l.Day {
		l.Day, l.Out = a.Day, q.Out // who has left since may have left before the number began anew
	}
	l.Limit, l.Heard = min(a.Limit, l.In+a.Keep), sent
	return nil
}
