package statuslist

import "fmt"

// Status is one entry of the list, four bits wide. The first three values are those of the IETF
// Token Status List (draft-ietf-oauth-status-list, section 7), 0x0C to 0x0F are its
// application-specific range.
type Status uint8

// The statuses. Valid means that nothing is known of the person: neither a PCR record nor a
// contact.
const (
	Valid     Status = 0x0 // blue
	Invalid   Status = 0x1 // the credential is revoked
	Suspended Status = 0x2 // the credential must not be used for now
	Red       Status = 0xC // positive PCR
	Yellow    Status = 0xD // contact of a case
	Green     Status = 0xE // negative PCR, not older than its rule says
)

var statusNames = map[Status]string{
	Valid: "valid", Invalid: "invalid", Suspended: "suspended", Red: "red", Yellow: "yellow", Green: "green",
}

// String is the status's name in lower case, or its number if it has no name.
func (s Status) String() string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("status 0x%X", uint8(s))
}

// Known reports whether the status has a meaning here. Lists with other statuses are rejected.
func (s Status) Known() bool {
	_, ok := statusNames[s]
	return ok
}
