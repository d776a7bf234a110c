package display

import (
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/setup"
)

// screen is one event: everything that the page needs, in words and names, so that the page decides
// nothing.
type screen struct {
	Build  string         `json:"build,omitempty"` // of this daemon's page
	Signal kiosk.Signal   `json:"signal"`
	Ground kiosk.Colour   `json:"ground"` // colour of the whole screen, about the person; "none": dark
	Symbol string         `json:"symbol"` // id of a drawing in page.html
	Lamps  []kiosk.Colour `json:"lamps"`  // lit ones; with alternate the first one begins
	Blink  string         `json:"blink"`  // steady, slow, fast, alternate, heartbeat
	Lines  []line         `json:"lines"`  // main language first
	Mirror bool           `json:"mirror"` // the camera's picture may be fetched
	Hold   int64          `json:"hold"`   // ms left to show it; 0: until the next one
	Seq    uint64         `json:"seq"`
}

// line is the text in one language.
type line struct {
	Lang  string `json:"lang"`
	Head  string `json:"head"`
	Body  string `json:"body,omitempty"`
	Until string `json:"until,omitempty"`
	Age   string `json:"age,omitempty"`

	Checks  []check `json:"checks,omitempty"`  // while the door is being set up
	Missing string  `json:"missing,omitempty"` // about the first failed check
}

// row is how a signal looks. Rows about the person have the status colour all over the screen and
// one steady lamp; rows about the door or the code stay dark and blink, so that nobody confuses
// them.
type row struct {
	symbol string
	person bool
	lamps  []kiosk.Colour // of a row that is not about the person
	blink  string
	mirror bool
}

var rows = map[kiosk.Signal]row{
	kiosk.Idle:         {symbol: "phone", blink: "heartbeat", lamps: []kiosk.Colour{kiosk.Blue}, mirror: true},
	kiosk.Working:      {symbol: "progress", blink: "steady", mirror: true},
	kiosk.Admitted:     {symbol: "tick", blink: "steady", person: true},
	kiosk.AdmittedHere: {symbol: "tick", blink: "steady", person: true},
	kiosk.TurnedBack:   {symbol: "cross", blink: "steady", person: true},
	kiosk.Full:         {symbol: "full", blink: "slow", lamps: []kiosk.Colour{kiosk.Blue}},
	kiosk.Left:         {symbol: "exit", blink: "steady"},
	kiosk.AskStaff:     {symbol: "question", blink: "alternate", lamps: []kiosk.Colour{kiosk.Blue, kiosk.Yellow}},
	kiosk.CodeProblem:  {symbol: "code", blink: "fast", lamps: []kiosk.Colour{kiosk.Blue}},
	kiosk.CodeRefused:  {symbol: "hand", blink: "fast", lamps: []kiosk.Colour{kiosk.Red}},
	kiosk.OutOfOrder:   {symbol: "wrench", blink: "slow", lamps: []kiosk.Colour{kiosk.Yellow}},
}

// awaited are the reasons of a door that waits for an enrolment code at its camera.
var awaited = map[kiosk.Reason]bool{
	kiosk.NotEnrolled: true, kiosk.EnrolUsed: true, kiosk.EnrolExpired: true, kiosk.EnrolRefused: true,
	kiosk.EnrolForeign: true, kiosk.EnrolJoining: true,
}

// mirrors reports whether the camera's picture may be shown with this verdict: only while the
// screen has no message for a person, or while somebody has to aim an enrolment code at the camera.
func mirrors(v kiosk.Verdict) bool {
	return rows[v.Signal].mirror || v.Signal == kiosk.OutOfOrder && awaited[v.Reason]
}

// screen is what a page shows of a verdict that has been shown for the given time, with checks.
func (h *Hub) screen(v kiosk.Verdict, since time.Duration, checks []setup.Check) screen {
	if v.Hold > 0 && since >= v.Hold+grace {
		v = kiosk.Verdict{Seq: v.Seq} // the door did not end it; it is not for the next person
	}
	r, known := rows[v.Signal]
	if !known || r.person && v.Colour == kiosk.NoColour { // no door makes these: never show an admission
		v = kiosk.Verdict{Signal: kiosk.OutOfOrder, Seq: v.Seq}
		r = rows[v.Signal]
	}
	s := screen{
		Build: h.build, Signal: v.Signal, Symbol: r.symbol, Lamps: r.lamps, Blink: r.blink,
		Mirror: mirrors(v), Seq: v.Seq,
	}
	if s.Mirror && !r.mirror {
		s.Symbol = rows[kiosk.Idle].symbol
	}
	if r.person {
		s.Ground, s.Lamps = v.Colour, []kiosk.Colour{v.Colour}
	}
	if s.Lamps == nil {
		s.Lamps = []kiosk.Colour{}
	}
	if v.Hold > 0 {
		s.Hold = max(v.Hold-since, time.Millisecond).Milliseconds()
	}
	now := time.Now()
	for _, lang := range h.options.Languages {
		l := lineOf(v, lang, now)
		if v.Signal == kiosk.OutOfOrder {
			l.tell(checks)
		}
		s.Lines = append(s.Lines, l)
	}
	return s
}

// lost is what the page shows by itself when it hears nothing from the daemon.
func (h *Hub) lost() screen {
	s := h.screen(kiosk.Verdict{Signal: kiosk.OutOfOrder}, 0, nil)
	for i := range s.Lines {
		s.Lines[i].Body = lostWords.body[s.Lines[i].Lang]
	}
	return s
}
