package api

import (
	"fmt"
	"net/http"
)

// Error is the body of every answer with a status of 400 or more.
type Error struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
	Code  string `json:"code,omitempty"` // if a door reacts to it: one of the Code constants
}

// CallError is a failed call to a registry or a mirror. It may wrap a *Refusal or a *ClockError.
type CallError struct {
	Doing string // such as "get the manifest"
	Host  string // with the port if the URL has one
	Means string // the cause in plain words; empty if Err says enough
	Hint  string // what the administrator can do; empty if only waiting helps
	Err   error

	Mirror bool // the host is a mirror, not a registry
}

// Error is one line.
func (e *CallError) Error() string {
	text := fmt.Sprintf("%s: registry %q: ", e.Doing, e.Host)
	if e.Mirror {
		text = fmt.Sprintf("%s: mirror %q: ", e.Doing, e.Host)
	}
	if e.Means != "" {
		text += e.Means + ": "
	}
	return text + e.Err.Error()
}

// Unwrap is the cause.
func (e *CallError) Unwrap() error { return e.Err }

// Refusal is an answer with an unexpected status code.
type Refusal struct {
	Status int   // HTTP status code
	Said   Error // the registry's words; empty if something else answered
}

// Error is one line.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("answer %d %s", r.Status, http.StatusText(r.Status))
	if r.Said.Error != "" {
		text += fmt.Sprintf(": %q", r.Said.Error)
	}
	return text
}

// IsFinal reports whether the registry itself said no. "Not now" (429 and 5xx) is not final, and
// neither is a status code without an explanation.
func (r *Refusal) IsFinal() bool {
	return r.Said.Error != "" && r.Status < http.StatusInternalServerError && r.Status != http.StatusTooManyRequests
}

// IsPermanent reports whether the same request will always be refused.
func (r *Refusal) IsPermanent() bool {
	switch r.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// ClockError is a certificate that is not valid by the door's clock.
type ClockError struct {
	Err error
}

// Error is one line.
func (e *ClockError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *ClockError) Unwrap() error { return e.Err }
