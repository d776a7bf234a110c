package store

import (
	"time"

	"ashyq-kiosk/kiosk/api"
)

// Overview is the country, a region or a venue on one page.
type Overview struct {
	Version       uint64         `json:"version"` // of the manifest
	Issued        time.Time      `json:"issued"`
	Backup        time.Time      `json:"backup,omitzero"` // as Store.Backup
	SilentMinutes int            `json:"silent_minutes"`  // after which a door counts as silent
	Venue         *Venue         `json:"venue,omitempty"` // which it is about
	People        map[string]int `json:"people"`          // by colour; null of a venue
	Doors         DoorTotals     `json:"doors"`
	Counts        map[string]int `json:"counts"`            // of the last 24 hours, by name
	Hours         []Hour         `json:"hours"`             // of them; those without a count are left out
	Regions       []RegionState  `json:"regions,omitempty"` // by code, or the one it is about

	// Of a venue alone.
	Hall        *Hall             `json:"hall,omitempty"`
	StaffChecks map[string]uint64 `json:"staff_checks,omitempty"` // by the staff's phones, as Counts

	// Of the country alone.
	Suspended     int `json:"suspended"` // passes; so the next one
	Revoked       int `json:"revoked"`
	Waiting       int `json:"waiting"`       // records that wait for the administrator
	Disagreements int `json:"disagreements"` // people about whom records disagree
}

// RegionState is a region in the overview.
type RegionState struct {
	Code   string         `json:"code"` // empty: not known
	Venues int            `json:"venues"`
	People map[string]int `json:"people"`
	Doors  DoorTotals     `json:"doors"`
	Counts map[string]int `json:"counts"`
}

// DoorState is one door as the registry knows it.
type DoorState struct {
	ID            int64             `json:"id"`
	Place         *DoorPlace        `json:"place,omitempty"` // whose door it is; nil: of no venue that is known here
	Wrong         []string          `json:"wrong,omitempty"` // Wrongs
	Name          string            `json:"name"`
	Venue         string            `json:"venue"`
	Seen          time.Time         `json:"seen,omitzero"` // last authenticated request
	Enrolled      bool              `json:"enrolled"`      // has a valid certificate
	CertUntil     time.Time         `json:"cert_until,omitzero"`
	Revoked       bool              `json:"revoked,omitempty"`
	Copied        bool              `json:"copied,omitempty"`          // two boards have shown its identity
	CodeUsedTwice bool              `json:"code_used_twice,omitempty"` // a second device tried the one-time code
	Strays        int               `json:"strays,omitempty"`          // wrong boards and replaced certificates shown
	Asks          time.Time         `json:"asks,omitzero"`             // since when its renewal waits for approval
	Approved      bool              `json:"approved,omitempty"`        // the administrator has approved that
	Differs       bool              `json:"differs,omitempty"`         // venue, zone or way are not as set here
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

// DoorPlace is where a door is, and whom to call.
type DoorPlace struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Region  string `json:"region"`
	Address string `json:"address,omitempty"`
	Phone   string `json:"phone,omitempty"`
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

	// Hourly is how many positive results and contacts count at once in an hour, and as many
	// recovered and vaccinated people.
	Hourly       int       `json:"hourly"`
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

// ReleaseRequest gives the doors of a rollout ring a bundle. An empty bundle takes the release
// back.
type ReleaseRequest struct {
	Ring    string `json:"ring"`
	Bundle  string `json:"bundle"` // file name in the registry's directory of bundles
	Version string `json:"version"`
}
