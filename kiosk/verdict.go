package kiosk

import (
	"fmt"
	"time"
)

// Signal is a row of the door's table: what lamp, buzzer, relay and screen say together. A steady
// light is always about the person, a blinking light always about the door or the code.
type Signal uint8

// The rows. Idle is the zero value: all dark, relay closed.
const (
	Idle         Signal = iota // nobody is there
	Working                    // a code was read, the door asks the registry
	Admitted                   // welcome
	AdmittedHere               // yellow in a shop or a pharmacy
	TurnedBack                 // this person may not enter here
	Full                       // the person may enter, and the venue has no free place
	Left                       // an exit door opens
	AskStaff                   // the door cannot decide: data too old, unknown index
	CodeProblem                // not a pass, too old, or the phone's clock is wrong
	CodeRefused                // forged, foreign key, replay, revoked
	OutOfOrder                 // camera, clock or data: no verdicts
)

// Signals lists all rows.
var Signals = []Signal{Idle, Working, Admitted, AdmittedHere, TurnedBack, Full, Left, AskStaff, CodeProblem, CodeRefused, OutOfOrder}

var signalNames = [...]string{
	"idle", "working", "admitted", "admitted-here", "turned-back", "full", "left", "ask-staff", "code-problem", "code-refused", "out-of-order",
}

// String is the row's name in lower case with hyphens, as in metrics, logs and configuration.
func (s Signal) String() string {
	if int(s) < len(signalNames) {
		return signalNames[s]
	}
	return fmt.Sprintf("signal %d", uint8(s))
}

// MarshalText writes the signal by name.
func (s Signal) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a signal by name.
func (s *Signal) UnmarshalText(text []byte) error {
	for i, name := range signalNames {
		if name == string(text) {
			*s = Signal(i)
			return nil
		}
	}
	return fmt.Errorf("unknown signal %q", text)
}

// Reason is why a verdict is what it is, for screen, log and metrics: a fixed word, never text from
// outside.
type Reason string

// The reasons, by signal.
const (
	NoReason Reason = ""

	// CodeProblem; at an exit, which opens all the same, why nobody was counted. So the next group
	NotAPass   Reason = "not-a-pass"  // the QR code is something else
	Expired    Reason = "expired"     // the credential has expired
	Stale      Reason = "stale"       // the code is too old: a screenshot, or the phone's clock is behind
	PhoneClock Reason = "phone-clock" // the code is from the future: the phone's clock is ahead

	// CodeRefused
	Forged        Reason = "forged"         // a signature does not verify
	UnknownIssuer Reason = "unknown-issuer" // signed with an unknown key
	Revoked       Reason = "revoked"        // the credential was revoked
	Replayed      Reason = "replayed"       // this code was used here before
	PassedAlready Reason = "passed-already" // this person was admitted here a moment ago
	PaperRefused  Reason = "paper-refused"  // this venue does not accept printed passes

	// AskStaff
	DataOld       Reason = "data-old"       // too old for this colour
	UnknownPerson Reason = "unknown-person" // the door's lists do not have this index
	NoKey         Reason = "no-key"         // the door has no key that opens this code
	PassSuspended Reason = "suspended"      // the credential is on hold
	NoRule        Reason = "no-rule"        // no rule covers this situation
	NoPlaces      Reason = "no-places"      // the registry does not say whether there is a free place

	// OutOfOrder
	Starting    Reason = "starting"     // the parts are still starting
	CameraFault Reason = "camera"       // no pictures, or the picture is frozen
	ClockFault  Reason = "clock"        // the door does not know what time it is
	NoData      Reason = "no-data"      // no status list yet
	DataLimit   Reason = "data-limit"   // the data is older than the limit
	OutputFault Reason = "output-fault" // a lamp, the buzzer or the relay cannot be driven
	TamperFault Reason = "tamper"       // the kiosk's case is open
	Unapproved  Reason = "unapproved"   // the door's certificate has expired, and nobody has approved the next one

	// OutOfOrder, before the door is enrolled
	NotEnrolled  Reason = "not-enrolled"  // the door waits for the enrolment code
	Enrolling    Reason = "enrolling"     // the door asks the registry
	EnrolNetwork Reason = "enrol-network" // the registry cannot be reached
	EnrolClock   Reason = "enrol-clock"   // by the door's clock the registry's certificate is not valid
	EnrolUsed    Reason = "enrol-used"    // another device has used the enrolment code
	EnrolExpired Reason = "enrol-expired" // the enrolment code has expired
	EnrolRefused Reason = "enrol-refused" // not an enrolment code, or the registry refused it
	EnrolForeign Reason = "enrol-foreign" // the enrolment code is of a registry that the door is not for
	EnrolJoining Reason = "enrol-joining" // the screen says whose registry the door is about to join
	EnrolBroken  Reason = "enrol-broken"  // the enrolment cannot be written to the card
)

// Verdict is what the door shows. It does not identify the person, so it may be logged, counted and
// sent to a screen.
type Verdict struct {
	Signal Signal        `json:"signal"`
	Colour Colour        `json:"colour"`           // NoColour unless a status was looked up
	Reason Reason        `json:"reason,omitempty"` // set if no rule decided
	Rule   string        `json:"rule,omitempty"`   // name of the rule that decided
	Text   Text          `json:"text,omitzero"`    // the rule in plain words
	Until  time.Time     `json:"until,omitzero"`   // end of the status or of the admission, if known
	Age    time.Duration `json:"age"`              // age of the status data, ns; 0: no data was asked
	Aged   bool          `json:"aged,omitempty"`   // the screen must show the age
	Paper  bool          `json:"paper,omitempty"`  // decided on a printed pass
	Hold   time.Duration `json:"hold"`             // how long it is shown, ns; 0: until the next one
	Taken  time.Time     `json:"-"`                // when the camera took the frame; zero: no frame
	Seq    uint64        `json:"seq"`              // grows by one with each verdict of this process
}

// Text is a sentence in the door's three languages.
type Text struct {
	KK string `json:"kk"`
	RU string `json:"ru"`
	EN string `json:"en"`
}

// Outlet shows verdicts: panel, screen, counters. Show must return immediately; a slow outlet keeps
// the newest verdict and drops the rest.
type Outlet interface {
	Show(Verdict)
}
