package provision

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"ashyq-kiosk/kiosk/api"
)

// network is a Wi-Fi that the door may join.
type network struct {
	ssid     string // 1 to 32 bytes
	secret   string // passphrase of 8 to 63 characters, or the key as 64 hex digits; "": open
	hidden   bool
	enrolled bool // from an enrolment code, not from the card
}

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

func (w *wishes) askCountry(country string) {
	country = strings.ToUpper(country)
	switch {
	case country == "":
	case !countryForm.MatchString(country):
		w.fail(fmt.Errorf("Wi-Fi country %q, want two letters as KZ", country))
	default:
		w.country = country
	}
}

func (w *wishes) askNetwork(n network) {
	if err := n.check(); err != nil {
		w.fail(fmt.Errorf("network %q: %w", n.ssid, err))
		return
	}
	w.networks = append(w.networks, n)
}

// check reports what is invalid, and never repeats the secret.
func (n network) check() error {
	switch {
	case n.ssid == "" || len(n.ssid) > 32:
		return fmt.Errorf("its name has %d bytes, want 1 to 32", len(n.ssid))
	case n.secret == "" || n.key() != nil:
		return nil
	case len(n.secret) < 8 || len(n.secret) > 63:
		return fmt.Errorf("its passphrase has %d characters, want 8 to 63", len(n.secret))
	case strings.ContainsFunc(n.secret, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("its passphrase contains a control character")
	}
	return nil
}

// key is the secret as a 256-bit key; nil if it is a passphrase.
func (n network) key() []byte {
	key, err := hex.DecodeString(n.secret)
	if err != nil || len(key) != 32 {
		return nil
	}
	return key
}

// derived is the key of a passphrase (IEEE 802.11-2020, J.4.1).
func (n network) derived() []byte {
	key, err := pbkdf2.Key(sha1.New, n.secret, []byte(n.ssid), 4096, 32)
	if err != nil {
		panic("provision: derive a network's key: " + err.Error()) // only a wrong length or count is refused
	}
	return key
}

// enrolledPriority and cardPriority make wpa_supplicant try the card's networks first.
const (
	enrolledPriority = 1
	cardPriority     = 2
)

// block is the network in wpa_supplicant's format. Values from outside are written as hex digits,
// because no quoting is safe: a quoted passphrase with both '"' and '#' would be cut and make the
// whole file invalid.
func (n network) block() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nnetwork={\n\tssid=%x\n", n.ssid)
	if n.hidden || n.enrolled { // an enrolment code does not tell whether its network is hidden
		b.WriteString("\tscan_ssid=1\n")
	}
	switch key := n.key(); {
	case n.secret == "":
		b.WriteString("\tkey_mgmt=NONE\n")
	case key != nil: // WPA2 only: WPA3 needs the passphrase
		fmt.Fprintf(&b, "\tkey_mgmt=WPA-PSK\n\tpsk=%x\n", key)
	default:
		fmt.Fprintf(&b, "\tkey_mgmt=WPA-PSK SAE\n\tieee80211w=1\n\tpsk=%x\n\tsae_password=%x\n", n.derived(), n.secret)
	}
	priority := cardPriority
	if n.enrolled {
		priority = enrolledPriority
	}
	fmt.Fprintf(&b, "\tpriority=%d\n}\n", priority)
	return b.String()
}

// wpaFile is what wpa_supplicant@wlan0.service reads.
const wpaFile = "etc/wpa_supplicant/wpa_supplicant-wlan0.conf"

func (o Options) setWiFi(w wishes) error {
	if len(w.networks) == 0 {
		return nil
	}
	if err := o.place(wpaFile, w.supplicant(), 0o600, keepGroup); err != nil {
		return err
	}
	o.Log.Info("set up the Wi-Fi", "networks", len(w.networks), "country", w.country)
	return nil
}

// supplicant is wpa_supplicant's configuration.
func (w wishes) supplicant() []byte {
	var b bytes.Buffer
	b.WriteString("ctrl_interface=/run/wpa_supplicant\nupdate_config=0\n")
	if w.country != "" {
		fmt.Fprintf(&b, "country=%s\n", w.country)
	}
	for _, n := range w.networks {
		b.WriteString(n.block())
	}
	return b.Bytes()
}

// readEnrolled reads the network of an enrolment code.
func readEnrolled(data []byte) (w wishes) {
	var wifi api.WiFi
	if err := json.Unmarshal(data, &wifi); err != nil {
		w.fail(errors.New("it is not the JSON that the daemon writes"))
		return w
	}
	w.askCountry(wifi.Country)
	if wifi.SSID != "" {
		w.askNetwork(network{ssid: wifi.SSID, secret: wifi.Passphrase, enrolled: true})
	}
	return w
}
