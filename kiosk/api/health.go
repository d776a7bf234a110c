package api

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Health is what a door's board says about itself. What a board does not tell is missing.
type Health struct {
	Board        string   `json:"board,omitempty"`        // model, as in the device tree
	Celsius      *int     `json:"celsius,omitempty"`      // its hottest sensor
	Undervoltage Occurred `json:"undervoltage,omitempty"` // of the supply
	Throttled    Occurred `json:"throttled,omitempty"`    // the firmware slows the processor down
	WiFi         *int     `json:"wifi_dbm,omitempty"`
	Free         uint64   `json:"free,omitempty"`      // bytes of the state partition
	Size         uint64   `json:"size,omitempty"`      // of all of it; 0: unknown
	Written      uint64   `json:"written,omitempty"`   // bytes, to the card, since the machine started
	Up           uint64   `json:"up,omitempty"`        // seconds since then
	LifeUsed     *int     `json:"life_used,omitempty"` // percent, in steps of 10, of an eMMC; may be more than 100
	Restart      Restart  `json:"restart,omitempty"`
	Faults       []Fault  `json:"faults,omitempty"` // that the door has or had since its last hello

	Mirrors []MirrorFault `json:"mirrors,omitempty"` // of the list, those from which the door does not take it
}

// MirrorFault is what a door says about a mirror.
type MirrorFault struct {
	Host string `json:"host"` // with the port if the door's configuration has one
	Kind string `json:"kind"` // one of MirrorFaults
}

// MirrorFaults are what can be wrong with a mirror, by the words of package mirror.
var MirrorFaults = []string{"fails", "slow", "lags", "incomplete", "lies", "huge"}

// MostMirrors is how many mirrors a door may have.
const MostMirrors = 8

// hostForm keeps a door from writing other text on the administrator's page.
var hostForm = regexp.MustCompile(`^[0-9A-Za-z.:\[\]-]{1,100}$`)

// Check says what no door can say.
func (m MirrorFault) Check() error {
	if !hostForm.MatchString(m.Host) || !slices.Contains(MirrorFaults, m.Kind) {
		return errors.New("mirrors has another host or kind than a mirror can have")
	}
	return nil
}

// Fault is what puts a door out of order, by the words of package kiosk.
type Fault string

// The faults that a registry hears of: a door that has them still reaches it.
const (
	CaseOpen   Fault = "tamper"
	NoOutput   Fault = "output-fault"
	NoCamera   Fault = "camera"
	NoClock    Fault = "clock"
	Unapproved Fault = "unapproved"
)

// Faults lists them.
var Faults = []Fault{CaseOpen, NoOutput, NoCamera, NoClock, Unapproved}

// Occurred tells whether something happens or has happened since the machine started; empty: the
// board does not tell.
type Occurred string

// Values of Occurred.
const (
	Never Occurred = "never"
	Past  Occurred = "past"
	Now   Occurred = "now"
)

// Restart is why the daemon started last; empty: it does not know.
type Restart string

// Values of Restart.
const (
	Ordered  Restart = "ordered"  // stopped in order: somebody restarted it or the machine
	Updated  Restart = "update"   // stopped in order, and another version started
	PowerCut Restart = "power"    // the machine stopped without a word: a power cut, or an unreported reset
	Watchdog Restart = "watchdog" // the hardware watchdog reset the machine
	Crash    Restart = "crash"    // the daemon crashed or hung; the machine went on
)

// Trouble is something that the administrator should look at.
type Trouble string

// Values of Trouble.
const (
	Hot       Trouble = "hot"          // HotAt or more
	LowPower  Trouble = "undervoltage" // now or since the start
	Slowed    Trouble = "throttled"    // now or since the start
	SpaceLow  Trouble = "space"        // less than a tenth is free, and less than EnoughSpace
	WornOut   Trouble = "worn"         // WornAt or more
	WeakRadio Trouble = "wifi"         // weaker than WeakAt
	Tampered  Trouble = "tamper"       // the case is open, or was
	Broken    Trouble = "out-of-order" // any other fault
	BadMirror Trouble = "mirror"       // the door does not take the list from one of its mirrors
)

// Troubles lists them all.
var Troubles = []Trouble{Hot, LowPower, Slowed, SpaceLow, WornOut, WeakRadio, Tampered, Broken, BadMirror}

// Limits of Troubles.
const (
	HotAt  = 80  // degrees Celsius: a Pi's firmware begins to slow down
	WornAt = 90  // percent of an eMMC's life
	WeakAt = -80 // dBm

	EnoughSpace = 1e9 // bytes
)

// Troubles lists what is wrong.
func (h Health) Troubles() []Trouble {
	var all []Trouble
	for _, one := range []struct {
		is bool
		t  Trouble
	}{
		{h.Celsius != nil && *h.Celsius >= HotAt, Hot},
		{h.Undervoltage == Past || h.Undervoltage == Now, LowPower},
		{h.Throttled == Past || h.Throttled == Now, Slowed},
		{h.Size > 0 && h.Free < min(h.Size/10, EnoughSpace), SpaceLow},
		{h.LifeUsed != nil && *h.LifeUsed >= WornAt, WornOut},
		{h.WiFi != nil && *h.WiFi < WeakAt, WeakRadio},
		{slices.Contains(h.Faults, CaseOpen), Tampered},
		{slices.ContainsFunc(h.Faults, func(f Fault) bool { return f != CaseOpen }), Broken},
		{len(h.Mirrors) > 0, BadMirror},
	} {
		if one.is {
			all = append(all, one.t)
		}
	}
	return all
}

// boardForm keeps a door from writing other text on the administrator's page.
var boardForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z .,+()/_-]{0,63}$`)

// IsBoard tells whether a text can be Health.Board.
func IsBoard(text string) bool { return boardForm.MatchString(text) }

// Check says what no board can say.
func (h Health) Check() error {
	const most = 1 << 53 // what a browser counts exactly
	within := func(v *int, least, most int) bool { return v == nil || *v >= least && *v <= most }
	switch {
	case h.Board != "" && !IsBoard(h.Board):
		return errors.New("board has other characters, or more than 64")
	case !within(h.Celsius, -60, 200):
		return fmt.Errorf("celsius is %d", *h.Celsius)
	case !within(h.WiFi, -200, 0):
		return fmt.Errorf("wifi_dbm is %d", *h.WiFi)
	case !within(h.LifeUsed, 0, 110):
		return fmt.Errorf("life_used is %d", *h.LifeUsed)
	case !slices.Contains([]Occurred{"", Never, Past, Now}, h.Undervoltage), !slices.Contains([]Occurred{"", Never, Past, Now}, h.Throttled):
		return errors.New("undervoltage or throttled is not one of never, past, now")
	case !slices.Contains([]Restart{"", Ordered, Updated, PowerCut, Watchdog, Crash}, h.Restart):
		return errors.New("restart has an unknown cause")
	case len(h.Faults) > len(Faults) || slices.ContainsFunc(h.Faults, func(f Fault) bool { return !slices.Contains(Faults, f) }):
		return errors.New("faults has an unknown one, or too many")
	case len(h.Mirrors) > MostMirrors:
		return errors.New("mirrors has too many")
	case h.Free > h.Size || h.Size > most || h.Written > most || h.Up > most:
		return errors.New("free, size, written or up is too large")
	}
	for _, m := range h.Mirrors {
		if err := m.Check(); err != nil {
			return err
		}
	}
	return nil
}
