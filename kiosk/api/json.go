package api

import "time"

// Times in JSON are RFC 3339, bytes are base64url without padding, statuses are statuslist.Status
// names.

// CheckRequest asks for one person's standing at a door.
type CheckRequest struct {
	List  string `json:"list"`
	Index uint64 `json:"index"`
	// The edition since which the list holds the index, as the pass says.
	Epoch   uint32 `json:"epoch,omitempty"`
	Version uint64 `json:"version"`
}

// CheckAnswer is the standing. An index that is not in use gets 404.
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
