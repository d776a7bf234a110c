package api

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// PathVisits: POST VisitsRequest -> VisitsAnswer. TLS: the door's certificate. The doors of a venue
// tell each other by it whom they have let in (docs/adr/0017).
const PathVisits = "/v1/visits"

// VisitHash is the length of a visit's hash, bytes.
const VisitHash = 8

// Limits of a VisitsRequest. They keep it below 16 KiB.
const (
	MaxVisits         = 100
	MaxVisitEnvelopes = 32
	MaxVisitEnvelope  = 96 // bytes: HPKE's encapsulated key, 32 bytes and a tag
)

// Visit is somebody whom a door has let in: a hash under a key that only the venue's doors have,
// good for one day.
type Visit struct {
	Hash string `json:"hash"` // base64url of VisitHash bytes
	At   int64  `json:"at"`   // Unix s
}

// VisitEnvelope is the venue's key of a day, sealed to one door.
type VisitEnvelope struct {
	Door   int64  `json:"door"`
	Sealed string `json:"sealed"` // base64url
}

// VisitDoor is a door of the venue that has no envelope yet.
type VisitDoor struct {
	Door int64  `json:"door"`
	Key  string `json:"key"` // as EnrolRequest.SealKey
}

// VisitsRequest brings what happened at this door, and asks for what happened at the others.
type VisitsRequest struct {
	Day       int64           `json:"day"`                 // since 1970-01-01, UTC
	After     int64           `json:"after"`               // as in the last answer of that day; 0: from the start
	Visits    []Visit         `json:"visits,omitempty"`    // at this door
	Envelopes []VisitEnvelope `json:"envelopes,omitempty"` // for doors that the last answer has named
}

// VisitsAnswer is about the other doors of the venue.
type VisitsAnswer struct {
	Alone    bool        `json:"alone,omitempty"`    // there is no other entry door; nothing else is set then
	Made     bool        `json:"made,omitempty"`     // a door has made the key of that day
	Envelope string      `json:"envelope,omitempty"` // the key, sealed to this door; empty: nobody has sealed it yet
	Missing  []VisitDoor `json:"missing,omitempty"`  // doors that have no envelope, perhaps with this one
	Visits   []Visit     `json:"visits,omitempty"`   // at the others, since After
	After    int64       `json:"after"`
}

// Check says what no door can say.
func (q VisitsRequest) Check() error {
	switch {
	case q.Day < 0 || q.After < 0:
		return errors.New("a number is below 0")
	case len(q.Visits) > MaxVisits || len(q.Envelopes) > MaxVisitEnvelopes:
		return errors.New("too many visits or envelopes at once")
	}
	for _, v := range q.Visits {
		if raw, err := base64.RawURLEncoding.Strict().DecodeString(v.Hash); err != nil || len(raw) != VisitHash {
			return fmt.Errorf("a hash is not %d bytes in base64url", VisitHash)
		}
	}
	for _, e := range q.Envelopes {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(e.Sealed)
		if err != nil || len(raw) == 0 || len(raw) > MaxVisitEnvelope {
			return fmt.Errorf("an envelope is not up to %d bytes in base64url", MaxVisitEnvelope)
		}
	}
	return nil
}
