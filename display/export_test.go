package display

import (
	"time"

	"ashyq-kiosk/kiosk"
)

// NewImpatientHub is a hub whose pages wait less.
func NewImpatientHub(o Options, silence, grace time.Duration) *Hub { return newHub(o, silence, grace) }

// Watching counts the open event streams and mirrors.
func (h *Hub) Watching() (screens, mirrors int) { return len(h.screens), len(h.mirrors) }

// Words is what a verdict says in one language at the time now: head, body, until, age.
func Words(v kiosk.Verdict, lang string, now time.Time) [4]string {
	l := lineOf(v, lang, now)
	return [4]string{l.Head, l.Body, l.Until, l.Age}
}

const (
	MaxScreens = maxScreens
	MaxMirrors = maxMirrors
	BeatEvery  = beatEvery
)

var (
	Files     = files
	Languages = defaultLanguages
)
