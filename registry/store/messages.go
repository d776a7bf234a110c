package store

import (
	"time"

	"ashyq-kiosk/kiosk/api"
)

// Overview is what the administrator's page shows.
type Overview struct {
	Version       uint64           `json:"version"` // of the manifest
	Issued        time.Time        `json:"issued"`
	Backup        time.Time        `json:"backup,omitzero"` // as Store.Backup
	Citizens      int              `json:"citizens"`
	Credentials   int              `json:"credentials"`
	Statuses      map[string]int   `json:"statuses"`      // citizens by colour; of "invalid" and "suspended", passes
	Doors         []DoorState      `json:"doors"`         // by name
	Sources       []SourceState    `json:"sources"`       // by name
	Waiting       []WaitingRecord  `json:"waiting"`       // the newest first, at most 100
	Disagreements []Disagreement   `json:"disagreements"` // the newest first, at most 100
	Releases      []ReleaseRequest `json:"releases"`      // at most one for each rollout ring
}

// DoorState is one door as the registry knows it.
type DoorState struct {
	Name          string            `json:"name"`
	Venue         string            `json:"venue"`
	Seen          time.Time         `json:"seen,omitzero"` // last authenticated request
	Enrolled      bool              `json:"enrolled"`      // has a valid certificate
	CertUntil     time.Time         `json:"cert_until,omitzero"`
	Revoked       bool              `json:"revoked,omitempty"`
	Copied        bool              `json:"copied,omitempty"`          // two boards have shown this door's identity: a card was copied
	CodeUsedTwice bool              `json:"code_used_twice,omitempty"` // a second device tried the one-time code
	Strays        int               `json:"strays,omitempty"`          // how often a wrong board or a replaced certificate was shown
	Asks          time.Time         `json:"asks,omitzero"`             // since when it asks to renew an expired certificate, which needs approval
	Approved      bool              `json:"approved,omitempty"`        // the administrator has approved that
	Differs       bool              `json:"differs,omitempty"`         // it decides as another venue, in another zone or another way than the registry has set
	SaidVenue     string            `json:"said_venue,omitempty"`      // as what it decides, as the door last said
	SaidZone      string            `json:"said_zone,omitempty"`
	SaidWay       string            `json:"said_way,omitempty"`
	Config        string            `json:"config,omitempty"`      // hash of its effective configuration
	ConfigSince   time.Time         `json:"config_since,omitzero"` // when that changed last, other than with the version
	Zone          string            `json:"zone"`                  // as enrolled
	Way           string            `json:"way"`                   // kiosk.Way; so venue, zone and ring
	Ring          string            `json:"ring"`                  // rollout ring
	Running       string            `json:"running,omitempty"`     // version, as the door last said
	Counts        map[string]uint64 `json:"counts"`                // of the last 24 hours, as in Counts
	Health        *DoorHealth       `json:"health,omitempty"`      // as the door last said
}

// DoorHealth is how a door's board is.
type DoorHealth struct {
	api.Health
	At       time.Time     `json:"at"`
	Troubles []api.Trouble `json:"troubles,omitempty"`
}

// SourceState is one source of records.
type SourceState struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Region  string    `json:"region,omitempty"` // code; empty: the whole country
	Records int       `json:"records"`
	Last    time.Time `json:"last,omitzero"`

	Hourly       int       `json:"hourly"` // positive results and contacts that count at once in an hour; as many recovered and vaccinated people
	Suspended    bool      `json:"suspended,omitempty"`
	Revoked      bool      `json:"revoked,omitempty"` // its key is
	Waiting      int       `json:"waiting"`           // records that wait for the administrator
	WaitingSince time.Time `json:"waiting_since,omitzero"`
	WaitingLast  int64     `json:"waiting_last"` // the newest of them, for server.DecideRequest
}

// WaitingRecord is beyond its source's hourly limit. It counts for nobody until it is approved.
type WaitingRecord struct {
	Source string    `json:"source"`
	IIN    string    `json:"iin"`
	Kind   Kind      `json:"kind"`
	At     time.Time `json:"at"`
	Came   time.Time `json:"came"`
}

// Disagreement is a citizen about whom two records say different things at the same time. The
// stricter one counts until a person has looked at it.
type Disagreement struct {
	IIN    string    `json:"iin"`
	Counts string    `json:"counts"` // the status that counts
	Other  string    `json:"other"`  // the status that the other record would give
	Since  time.Time `json:"since"`
}

// ReleaseRequest gives the doors of a rollout ring a bundle. An empty bundle takes the release
// back.
type ReleaseRequest struct {
	Ring    string `json:"ring"`
	Bundle  string `json:"bundle"` // file name in the registry's directory of bundles
	Version string `json:"version"`
}
