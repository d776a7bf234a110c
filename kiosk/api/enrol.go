package api

import "time"

// How doors come in, stay in, and are brought up to date. Certificates are X.509 in PEM, requests PKCS #10 in PEM, as in EST
// (RFC 7030), whose simpleenroll and simplereenroll PathEnrol and PathRenew are, in JSON.
const (
	// PathEnrol: POST EnrolRequest -> EnrolAnswer. The one-time token is the authorisation. The same token with the same key
	// gets the same kind of answer again, so that a lost answer loses no door; with another key it is 409.
	PathEnrol = "/v1/enrol"
	// PathRenew: POST RenewRequest -> RenewAnswer. TLS: the door's certificate, for RenewGrace after its end, too.
	PathRenew = "/v1/renew"
	// PathUpdate: GET -> UpdateAnswer, or 204 where the door's rollout ring has no release. TLS: the door's certificate.
	// HeaderVersion says which version it runs.
	PathUpdate = "/v1/update"
	// PathBundle + "/" + name: GET, with ranges: a signed update bundle. It holds no secret, so everybody may have it.
	PathBundle = "/v1/bundle"
)

// Headers that a door sends with each request for which it identifies itself.
const (
	// HeaderDevice: 16 hex digits that stay with the board and not with the card: the start of SHA-256 of its serial number.
	// Two boards with one card's identity show up as a copied card.
	HeaderDevice = "Ashyq-Device"
	// HeaderVersion: the version of the image, or of the package, that is running.
	HeaderVersion = "Ashyq-Version"
)

// RenewGrace is for how long a certificate that ended can still be renewed: a door that was switched off over a season
// comes back by itself. For everything else it is good no more.
const RenewGrace = 90 * 24 * time.Hour

// Codes of refusals (Error.Code) on which a door acts by itself.
const (
	CodeRevoked = "revoked" // the door's certificate was withdrawn; it is to forget it
	CodeUsed    = "used"    // the one-time code has been used by another device
	CodeExpired = "expired" // the one-time code, or the certificate, is too old
)

// WiFi is the venue's network.
type WiFi struct {
	SSID       string `json:"ssid"`
	Passphrase string `json:"passphrase,omitempty"`
	Country    string `json:"country,omitempty"` // ISO 3166, as "KZ"; the radio's rules
}

// EnrolRequest exchanges a one-time token and the door's own key for a certificate.
type EnrolRequest struct {
	Token  string `json:"token"` // base64url
	CSR    string `json:"csr"`
	Device string `json:"device"` // as in HeaderDevice
}

// EnrolAnswer is all that a door has to know.
type EnrolAnswer struct {
	Certificate string `json:"certificate"`
	CA          string `json:"ca"` // whose hash the code has
	Name        string `json:"name"`
	Venue       string `json:"venue"`
	Zone        string `json:"zone"`
	RegistryKey string `json:"registry_key"` // Ed25519, as FormatKey writes it
}

// RenewRequest asks for a new certificate, best with a new key.
type RenewRequest struct {
	CSR string `json:"csr"`
}

// RenewAnswer is the new certificate. The one before is good until the new one is used for the first time.
type RenewAnswer struct {
	Certificate string `json:"certificate"`
	CA          string `json:"ca"` // the current one, and the next where it is about to change
}

// Rings in the order in which a release goes through them.
var Rings = []string{"test", "early", "all"}

// UpdateAnswer is what the door should be running.
type UpdateAnswer struct {
	Version string `json:"version"`
	Bundle  string `json:"bundle"` // path below the registry's URL
}
