package server

import (
	"time"

	"ashyq-kiosk/registry/store"
)

// SignInKind tells how codes reach people.
type SignInKind struct {
	Messages bool `json:"messages"`        // one can sign in with an IIN
	Shown    bool `json:"shown,omitempty"` // a demonstration: the code is in the answer
}

// SignInAnswer says nothing about the IIN: it is the same for one that nobody has.
type SignInAnswer struct {
	Session string `json:"session"`        // to be sent with the code
	Lasts   int    `json:"lasts"`          // s
	Code    string `json:"code,omitempty"` // in a demonstration only
}

// SignInCodeRequest exchanges the code for a pass, as ActivateRequest does.
type SignInCodeRequest struct {
	Session string `json:"session"`
	Code    string `json:"code"`
	Key     string `json:"key"`
	Name    string `json:"name,omitempty"`
}

// AskRequest is what a phone has signed: the path, and an argument behind a space (pass.Ask).
type AskRequest struct {
	Ask string `json:"ask"` // base64url
}

// PhonesAnswer lists the own phones, the newest first.
type PhonesAnswer struct {
	Phones []store.Phone `json:"phones"`
}

// OwnHistoryAnswer has the records about oneself, the newest first, at most 200.
type OwnHistoryAnswer struct {
	Records []OwnRecord `json:"records"`
}

// OwnRecord is one of them. It names no person and no laboratory.
type OwnRecord struct {
	Kind    store.Kind `json:"kind"`
	At      time.Time  `json:"at"`
	Came    time.Time  `json:"came"`
	Source  string     `json:"source"` // the kind of source
	InForce bool       `json:"in_force"`
	Until   time.Time  `json:"until,omitzero"`   // in force: when it stops counting by itself
	Upheld  bool       `json:"upheld,omitempty"` // a person has looked, and it stands
	// Not in force: since when, how (as in store.Event.What) and why.
	Ended time.Time `json:"ended,omitzero"`
	How   string    `json:"how,omitempty"`
	Why   string    `json:"why,omitempty"`
}
