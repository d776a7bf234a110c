// Package alert tells people what is wrong with doors: by mail, and by a webhook. It says what
// happened and where, in Kazakh, Russian or English, and never anything about a person.
//
// A webhook is one POST over HTTPS with a Message in JSON. Its headers are
//
//	Ashyq-Timestamp  Unix seconds
//	Ashyq-Signature  v1=HEX: HMAC-SHA256 of timestamp, "." and the body, with the recipient's secret
//
// A receiver refuses a wrong signature and a timestamp that is minutes old. A message may come
// twice, when the registry was stopped before it had noted the answer: its id is the same then.
package alert

import (
	"slices"
	"time"
)

// Kind is what can be wrong.
type Kind string

// The kinds.
const (
	Silent     Kind = "silent"       // the door has not been heard of for a while
	Tamper     Kind = "tamper"       // its case is open, or was
	Copied     Kind = "copied"       // a second device shows its identity
	Power      Kind = "undervoltage" // of its supply
	Heat       Kind = "hot"
	OutOfOrder Kind = "out-of-order" // camera, clock, lamps or relay
	Renewal    Kind = "renewal"      // its certificate has expired, and somebody has to approve the next one
	Publisher  Kind = "publisher"    // the registry itself has stopped publishing
)

// Kinds lists them.
var Kinds = []Kind{Silent, Tamper, Copied, Power, Heat, OutOfOrder, Renewal, Publisher}

// IsKind tells whether a text is one of them.
func IsKind(text string) bool { return slices.Contains(Kinds, Kind(text)) }

// Gather is how long news of a kind is collected into one message. The doors of a region that loses
// its network fall silent over the five minutes between two hellos, and come back so.
func (k Kind) Gather() time.Duration {
	if k == Silent {
		return 6 * time.Minute
	}
	return time.Minute
}

// Settle is how long something has to be over before that is told. Contacts and supplies come and
// go, and doors say so every five minutes: what comes again meanwhile was not over.
func (k Kind) Settle() time.Duration {
	if k == Silent || k == Publisher {
		return k.Gather()
	}
	return 15 * time.Minute
}

// Listed is how many doors a message names; it counts the others.
const Listed = 20

// Message is what one recipient is told about one kind.
type Message struct {
	ID    string    `json:"id"` // the same when it is sent again
	Kind  Kind      `json:"kind"`
	At    time.Time `json:"at"`
	Begun Doors     `json:"begun,omitzero"`
	Ended Doors     `json:"ended,omitzero"`
	Still Doors     `json:"still,omitzero"` // once a day
	Test  bool      `json:"test,omitempty"` // somebody tries whether it arrives
}

// Doors are those of a message. Of Publisher there is one without a name.
type Doors struct {
	Number int            `json:"number"`
	ByArea map[string]int `json:"by_region,omitempty"` // by the code of the region; empty: doors of no venue
	Doors  []Door         `json:"doors,omitempty"`     // the first Listed
}

// Door is one of them.
type Door struct {
	Name    string    `json:"name,omitempty"`
	Venue   string    `json:"venue,omitempty"`
	Region  string    `json:"region,omitempty"` // code
	Address string    `json:"address,omitempty"`
	Phone   string    `json:"phone,omitempty"` // of the venue
	Since   time.Time `json:"since"`
}

// Add counts a door, and lists it while there is room.
func (d *Doors) Add(door Door) {
	d.Number++
	if door.Name == "" {
		return
	}
	if d.ByArea == nil {
		d.ByArea = map[string]int{}
	}
	d.ByArea[door.Region]++
	if len(d.Doors) < Listed {
		d.Doors = append(d.Doors, door)
	}
}

// IsZero tells whether no door is in it.
func (d Doors) IsZero() bool { return d.Number == 0 }
