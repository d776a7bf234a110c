package api

import "time"

// How doors enrol, renew and update. Certificates are X.509 in PEM, requests PKCS #10 in PEM.
// PathEnrol and PathRenew are simpleenroll and simplereenroll of EST (RFC 7030), in JSON.
const (
	// PathEnrol: POST EnrolRequest -> EnrolAnswer. The one-time token is the authorisation. The
	// same token with the same key gets another answer, so that a lost answer loses no door; with
	// another key it gets 409.
	PathEnrol = "/v1/enrol"
	// PathRenew: POST RenewRequest -> RenewAnswer. TLS with the door's certificate, which may have
	// expired up to RenewGrace ago. Once it has expired, the registry's administrator has to
	// approve the renewal: until then the answer is 403 with CodeUnapproved, and the door asks
	// again.
	PathRenew = "/v1/renew"
	// PathUpdate: GET -> UpdateAnswer, or 204 if the door's rollout ring has no release. TLS with
	// the door's certificate. HeaderVersion says which version it runs.
	PathUpdate = "/v1/update"
	// PathDoorKeys: GET -> an envelope (package doorkeys) for this door. TLS with the door's
	// certificate. Never cached.
	PathDoorKeys = "/v1/door-keys"
	// PathHello: POST Health -> 204: the door is there, and this is how its board is. TLS with the
	// door's certificate.
	PathHello = "/v1/hello"
	// PathBundle + "/" + name: GET, with ranges: a signed update bundle. It holds no secret, so
	// anybody may download it.
	PathBundle = "/v1/bundle"
)

// Headers that a door sends with each request in which it identifies itself.
const (
	// HeaderDevice: 16 hex digits that belong to the board and not to the card: the start of
	// SHA-256 of its serial number. Two boards with the identity of one card show that the card was
	// copied.
	HeaderDevice = "Ashyq-Device"
	// HeaderVersion: the running version of the image or of the package.
	HeaderVersion = "Ashyq-Version"
	// HeaderVenue, HeaderZone and HeaderWay: the kind of venue, the zone and the way (entry or
	// exit) by which the door decides. The registry shows where they are not what it has set.
	HeaderVenue = "Ashyq-Venue"
	HeaderZone  = "Ashyq-Zone"
	HeaderWay   = "Ashyq-Way"
	// HeaderConfig: 16 hex digits that change with the door's effective configuration.
	HeaderConfig = "Ashyq-Config"
)

// RenewGrace is how long an expired certificate can still be renewed, with the administrator's
// approval: a door that was switched off over a season needs no new code. It is not valid for
// anything else.
const RenewGrace = 90 * 24 * time.Hour

// Codes of refusals (Error.Code) that a door reacts to.
const (
	CodeRevoked = "revoked" // the door was revoked and must forget its certificate
	CodeUsed    = "used"    // another device has used the one-time code
	CodeExpired = "expired" // the one-time code or the certificate has expired
	// CodeUnapproved: the certificate has expired and the administrator has not approved its
	// renewal.
	CodeUnapproved = "approval"
)

// WiFi is the venue's network.
type WiFi struct {
	SSID       string `json:"ssid"`
	Passphrase string `json:"passphrase,omitempty"`
	Country    string `json:"country,omitempty"` // ISO 3166, such as "KZ"; sets the radio's rules
}

// EnrolRequest exchanges a one-time token and the door's own key for a certificate.
type EnrolRequest struct {
	Token  string `json:"token"` // base64url
	CSR    string `json:"csr"`
	Device string `json:"device"` // as in HeaderDevice
	// SealKey is the door's X25519 public key, as FormatKey writes it: the registry seals to it
	// what only this door may read. Only another enrolment changes it.
	SealKey string `json:"seal_key"`
}

// EnrolAnswer is everything that a door has to know.
type EnrolAnswer struct {
	Certificate string `json:"certificate"`
	CA          string `json:"ca"` // whose hash is in the code
	Name        string `json:"name"`
	Venue       string `json:"venue"`
	Zone        string `json:"zone"`
	Way         string `json:"way"`
	RegistryKey string `json:"registry_key"` // Ed25519, as FormatKey writes it
}

// RenewRequest asks for a new certificate, preferably with a new key.
type RenewRequest struct {
	CSR string `json:"csr"`
}

// RenewAnswer is the new certificate. The old one stays valid until the new one is first used.
type RenewAnswer struct {
	Certificate string `json:"certificate"`
	CA          string `json:"ca"` // the current authority, and the next if it is about to change
}

// Rings are the rollout rings in the order in which a release goes through them.
var Rings = []string{"test", "early", "all"}

// UpdateAnswer is the version that the door should run.
type UpdateAnswer struct {
	Version string `json:"version"`
	Bundle  string `json:"bundle"` // path below the registry's URL
}
