package api

import "time"

// Times in JSON are RFC 3339, bytes are base64url without padding, statuses are statuslist.Status
// names.

// CheckRequest asks for the standing of whoever shows this code, the text of the QR code, at a door
// just now. A door cannot ask about an index.
type CheckRequest struct {
	Code string `json:"code"`
}

// CheckAnswer is the standing. A pass that the registry does not know gets 404, a code that it does
// not take 422, and a door that asks too often 429.
type CheckAnswer struct {
	Status string    `json:"status"`
	AsOf   time.Time `json:"as_of"`
	Until  time.Time `json:"until,omitzero"`
}

// Counts are what one door decided in a period: numbers, never identities. ID makes a repeated
// delivery harmless.
type Counts struct {
	ID    string            `json:"id"` // unique for each report of a door
	From  time.Time         `json:"from"`
	To    time.Time         `json:"to"`
	Count map[string]uint64 `json:"count"` // by signal and colour, as "admitted/green"; IsCount knows them
}
