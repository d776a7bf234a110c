package api

import "time"

// Times in JSON are RFC 3339, bytes are base64url without padding, statuses are statuslist.Status names.

// CheckRequest asks for one person's standing at a door.
type CheckRequest struct {
	List  string `json:"list"`
	Index uint64 `json:"index"`
}

// CheckAnswer is the standing. An index that was never given out is 404.
type CheckAnswer struct {
	Status string    `json:"status"`
	AsOf   time.Time `json:"as_of"`
	Until  time.Time `json:"until,omitzero"`
}

// Counts are one door's checks of a period: numbers, never identities. ID makes a repeated delivery harmless.
type Counts struct {
	ID    string            `json:"id"` // unique for each report of a door
	From  time.Time         `json:"from"`
	To    time.Time         `json:"to"`
	Count map[string]uint64 `json:"count"` // by signal and colour, as "admitted/green"
}

// ActivateRequest exchanges a one-time code and the phone's public key for a credential.
type ActivateRequest struct {
	Code string `json:"code"`
	Key  string `json:"key"` // base64url, 32 bytes, Ed25519
}

// ActivateAnswer carries the credential: a sealed message as in package pass.
type ActivateAnswer struct {
	Credential string    `json:"credential"` // base64url
	Expires    time.Time `json:"expires"`
}

// SelfRequest asks for the own standing, authorised by a rotating code made a moment ago.
type SelfRequest struct {
	Code string `json:"code"` // "AQ1:..."
}

// SelfAnswer is the own standing in words that a page can show.
type SelfAnswer struct {
	Status string    `json:"status"`
	Colour string    `json:"colour"` // red, yellow, blue, green; empty for a withdrawn pass
	AsOf   time.Time `json:"as_of"`
	Until  time.Time `json:"until,omitzero"`
}

// CitizenRequest names a citizen by the individual identification number. It never leaves the registry.
type CitizenRequest struct {
	IIN string `json:"iin"` // 12 digits with a valid check digit
}

// CitizenAnswer hands out what the citizen needs to activate a phone.
type CitizenAnswer struct {
	Code    string    `json:"code"` // one-time
	URL     string    `json:"url"`  // the citizen's page with the code behind '#'
	Expires time.Time `json:"expires"`
}

// PaperAnswer is a printed pass.
type PaperAnswer struct {
	Code    string    `json:"code"` // "AQ1:..."
	Expires time.Time `json:"expires"`
}

// ResultRequest is one PCR result. The same sample posted again changes nothing.
type ResultRequest struct {
	IIN    string    `json:"iin"`
	Sample string    `json:"sample"` // the laboratory's own number
	Result string    `json:"result"` // "positive" or "negative"
	Taken  time.Time `json:"taken"`
}

// ContactRequest is one contact of a case, as found by the control centre.
type ContactRequest struct {
	IIN   string    `json:"iin"`
	Since time.Time `json:"since"`
}

// KioskRequest creates a door.
type KioskRequest struct {
	Name  string `json:"name"`
	Venue string `json:"venue"` // kind of venue, as in package kiosk
}

// KioskAnswer is what the door's configuration needs.
type KioskAnswer struct {
	Token       string `json:"token"`
	RegistryKey string `json:"registry_key"` // base64url, 32 bytes, Ed25519
	List        string `json:"list"`
}

// SourceRequest creates a source of records.
type SourceRequest struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "laboratory" or "control-centre"
}

// SourceAnswer is the source's key, shown once.
type SourceAnswer struct {
	Key string `json:"key"`
}

// Error is the body of every answer from 400 on.
type Error struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
	Code  string `json:"code,omitempty"` // where a machine acts on it: one of the Code constants
}

// PathOverview: GET -> Overview. Bearer: the administrator's key.
const PathOverview = "/v1/overview"

// Overview is what the control room sees.
type Overview struct {
	Version       uint64           `json:"version"` // of the manifest
	Issued        time.Time        `json:"issued"`
	Citizens      int              `json:"citizens"`
	Credentials   int              `json:"credentials"`
	Statuses      map[string]int   `json:"statuses"`      // citizens by status
	Kiosks        []KioskState     `json:"kiosks"`        // by name
	Sources       []SourceState    `json:"sources"`       // by name
	Disagreements []Disagreement   `json:"disagreements"` // the newest first, at most 100
	Releases      []ReleaseRequest `json:"releases"`      // one for each ring that has one
}

// KioskState is one door as the registry knows it.
type KioskState struct {
	Name          string            `json:"name"`
	Venue         string            `json:"venue"`
	Seen          time.Time         `json:"seen,omitzero"` // last authenticated request
	Enrolled      bool              `json:"enrolled"`      // has a certificate that is good
	CertUntil     time.Time         `json:"cert_until,omitzero"`
	Revoked       bool              `json:"revoked,omitempty"`
	Copied        bool              `json:"copied,omitempty"`          // two boards have shown this door's identity: a card was copied
	CodeUsedTwice bool              `json:"code_used_twice,omitempty"` // a second device tried the one-time code: who has the door's identity?
	Zone          string            `json:"zone"`                      // as it was enrolled
	Ring          string            `json:"ring"`
	Running       string            `json:"running,omitempty"` // version, as last said
	Counts        map[string]uint64 `json:"counts"`            // of the last 24 hours, as in Counts
}

// SourceState is one source of records.
type SourceState struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Records int       `json:"records"`
	Last    time.Time `json:"last,omitzero"`
}

// Disagreement is a citizen about whom two records say different things at the same time; the stricter one counts until
// a person has looked at it.
type Disagreement struct {
	IIN    string    `json:"iin"`
	Counts string    `json:"counts"` // the status that counts
	Other  string    `json:"other"`  // the status that the other record would give
	Since  time.Time `json:"since"`
}
