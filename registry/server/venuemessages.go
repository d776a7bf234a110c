package server

import (
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// What administrators and owners say about venues, their doors and alerts.
const (
	// PathVenueImport: POST, a CSV file with VenueColumns, ?preview=1 -> VenueImportAnswer. Bearer:
	// as PathVenues.
	PathVenueImport = "/v1/venues/import"
	// PathSaveVenue: POST store.Venue -> store.Venue: adds a venue without an id, or changes the
	// one of that id, also its name and BIN. Bearer: as PathVenues, or a regional administrator's
	// key for the region's venues.
	PathSaveVenue = "/v1/venues/save"
	// PathVenueDoors: GET ?venue=ID -> []store.VenueDoor. Bearer: as PathVenues; so the next two.
	PathVenueDoors = "/v1/venues/doors"
	// PathSheets: POST SheetsRequest -> SheetsAnswer.
	PathSheets = "/v1/venues/sheets"
	// PathReplaceDoor: POST ReplaceDoorRequest -> VenueSheet, with a code for the device that takes
	// the door's place. The device there stays valid until that one enrols.
	PathReplaceDoor = "/v1/doors/replace"
	// PathOwn: GET -> []store.OwnVenue: an owner's venues. Bearer: the key of an owner; so the next
	// one.
	PathOwn = "/v1/own"
	// PathOwnVenue: GET ?venue=ID -> OwnVenueAnswer.
	PathOwnVenue = "/v1/own/venue"
	// PathAlerts: GET -> AlertsAnswer; POST RecipientRequest -> RecipientAnswer. Bearer: the
	// administrator's key; so the next two.
	PathAlerts = "/v1/alerts"
	// PathRemoveRecipient: POST IDRequest -> 204.
	PathRemoveRecipient = "/v1/alerts/remove"
	// PathTestRecipient: POST IDRequest -> 204: sends a message at once.
	PathTestRecipient = "/v1/alerts/test"
)

// VenueImportAnswer tells what a file of venues did, or would do.
type VenueImportAnswer struct {
	New     int                `json:"new"`
	Changed int                `json:"changed"`
	Same    int                `json:"same"`
	Doors   int                `json:"doors"`   // of these venues, by their entrances and exits
	Regions map[string]int     `json:"regions"` // venues by region
	Refused []store.RowRefusal `json:"refused"` // by line, in the language of Accept-Language
}

// OwnVenueAnswer is a venue as its owner sees it.
type OwnVenueAnswer struct {
	Doors []store.VenueDoor `json:"doors"`
	Hours []store.Hour      `json:"hours"` // of the last 48 hours

	Hall        store.Hall        `json:"hall"`
	StaffChecks map[string]uint64 `json:"staff_checks"` // by the staff's phones, of the last 24 hours, as in api.Counts
}

// SheetsRequest makes the missing doors of a venue, or of the venues of a region, and codes for the
// doors that wait for their first device.
type SheetsRequest struct {
	Venue  int64     `json:"venue,omitempty"`  // id; or:
	Region string    `json:"region,omitempty"` // code; empty: the whole country
	After  int64     `json:"after,omitempty"`  // SheetsAnswer.Next of the answer before
	Again  bool      `json:"again,omitempty"`  // also where a code is valid still, which becomes void
	WiFi   *api.WiFi `json:"wifi,omitempty"`
	Days   int       `json:"days,omitempty"` // that the codes are valid for; 0: 14
}

// SheetsAnswer has the sheets of at most 25 venues.
type SheetsAnswer struct {
	Venues []VenueSheet `json:"venues"`
	Next   int64        `json:"next,omitempty"` // 0: there are no more
}

// VenueSheet is a venue and its doors.
type VenueSheet struct {
	Venue store.Venue `json:"venue"`
	Doors []SheetDoor `json:"doors"`
}

// SheetDoor is a door with its code, which is shown only once.
type SheetDoor struct {
	store.VenueDoor
	Code string `json:"code,omitempty"` // "AE1:..."; empty: the door has a device, or a valid code
}

// ReplaceDoorRequest names a door whose device is replaced.
type ReplaceDoorRequest struct {
	Name string    `json:"name"`
	WiFi *api.WiFi `json:"wifi,omitempty"`
	Days int       `json:"days,omitempty"`
}

// AlertsAnswer is who is told what, and what is wrong now.
type AlertsAnswer struct {
	Recipients    []store.Recipient `json:"recipients"`
	Alarms        []store.Alarm     `json:"alarms"` // the first 200
	Mail          bool              `json:"mail"`   // a mail server is set up
	SilentMinutes int               `json:"silent_minutes"`
}

// RecipientRequest is somebody who wants to be told, by mail or by webhook.
type RecipientRequest struct {
	Name     string   `json:"name"`
	Region   string   `json:"region,omitempty"` // code; empty: the whole country
	Kinds    []string `json:"kinds"`            // alert.Kind
	Language string   `json:"language"`         // kk, ru or en
	Mail     string   `json:"mail,omitempty"`   // address
	Hook     string   `json:"hook,omitempty"`   // https URL
}

// RecipientAnswer is the new recipient.
type RecipientAnswer struct {
	ID     int64  `json:"id"`
	Secret string `json:"secret,omitempty"` // with which a webhook's messages are signed, as package alert says
}

// IDRequest names a recipient.
type IDRequest struct {
	ID int64 `json:"id"`
}
