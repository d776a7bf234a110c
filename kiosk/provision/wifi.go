package provision

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// network is one that the door may join.
type network struct {
	ssid     string // 1 to 32 bytes
	secret   string // passphrase of 8 to 63 characters, or 64 hex digits of the key itself; "": open
	hidden   bool
	enrolled bool // came with an enrolment code, not on the card
}

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

func (w *wishes) askCountry(country string) {
	country = strings.ToUpper(country)
	switch {
	case country == "":
	case !countryForm.MatchString(country):
		w.fail(fmt.Errorf("country %q of the radio's rules, want two letters", country))
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

// check never says the secret.
func (n network) check() error {
	switch {
	case n.ssid == "" || len(n.ssid) > 32:
		return fmt.Errorf("its name has %d bytes, want 1 to 32", len(n.ssid))
	case n.secret == "" || n.key() != nil:
		return nil
	case len(n.secret) < 8 || len(n.secret) > 63:
		return fmt.Errorf("its passphrase has %d characters, want 8 to 63", len(n.secret))
	case strings.ContainsFunc(n.secret, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("a control character in its passphrase")
	}
	return nil
}

// key is the 256-bit key where the secret is one; nil: it is a passphrase.
func (n network) key() []byte {
	key, err := hex.DecodeString(n.secret)
	if err != nil || len(key) != 32 {
		return nil
	}
	return key
}

// derived is the key that a passphrase stands for (IEEE 802.11-2020, J.4.1).
func (n network) derived() []byte {
	key, err := pbkdf2.Key(sha1.New, n.secret, []byte(n.ssid), 4096, 32)
	if err != nil {
		panic("card: derive a network's key: " + err.Error()) // it refuses other lengths and rounds only
	}
	return key
}

// enrolledPriority and cardPriority make wpa_supplicant try the card's networks first.
const (
	enrolledPriority = 1
	cardPriority     = 2
)

// block is the network in wpa_supplicant's words. All that came from outside is hex digits, so that nothing in it means
// anything: in quotes a passphrase with both '"' and '#' would be cut, and take all networks with it.
func (n network) block() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nnetwork={\n\tssid=%x\n", n.ssid)
	if n.hidden || n.enrolled { // a code does not say whether its network is hidden
		b.WriteString("\tscan_ssid=1\n")
	}
	switch key := n.key(); {
	case n.secret == "":
		b.WriteString("\tkey_mgmt=NONE\n")
	case key != nil: // of WPA2; WPA3 needs the passphrase
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
	if len(w.networks) == 0 && w.wpa == nil {
		return nil
	}
	if err := o.place(wpaFile, w.supplicant(), 0o600, keepGroup); err != nil {
		return err
	}
	o.Log.Info("set up the Wi-Fi", "networks", len(w.networks), "country", w.country, "own file", w.wpa != nil)
	return nil
}

// supplicant is the configuration: the administrator's own, or a head of ours, then the networks of the other files.
func (w wishes) supplicant() []byte {
	var b bytes.Buffer
	if w.wpa != nil {
		b.Write(bytes.TrimRight(w.wpa, "\n"))
		b.WriteByte('\n')
	} else {
		b.WriteString("ctrl_interface=/run/wpa_supplicant\nupdate_config=0\n")
		if w.country != "" {
			fmt.Fprintf(&b, "country=%s\n", w.country)
		}
	}
	for _, n := range w.networks {
		b.WriteString(n.block())
	}
	return b.Bytes()
}

var blockStart = regexp.MustCompile(`^[a-z0-9_-]+=\{$`)

// readWPA looks only whether the file is text and each block of it ends, so that networks can be added behind it.
func readWPA(data []byte) (w wishes) {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		w.fail(errors.New("not a text"))
		return w
	}
	inside, networks := false, 0
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case blockStart.MatchString(line) && !inside:
			inside = true
			if line == "network={" {
				networks++
			}
		case line == "}" && inside:
			inside = false
		case blockStart.MatchString(line), line == "}":
			w.fail(errors.New("a block in a block, or an end without a block"))
			return w
		}
	}
	switch {
	case inside:
		w.fail(errors.New("its last block has no end"))
	case networks == 0:
		w.fail(errors.New("no network in it"))
	default:
		w.wpa = []byte(text)
	}
	return w
}
