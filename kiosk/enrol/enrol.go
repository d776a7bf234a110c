package enrol

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ashyq-kiosk/kiosk/api"
)

var (
	// ErrAnswer says that the registry's answer is not usable.
	ErrAnswer = errors.New("the registry's answer is not usable")
	// ErrCard says that the state directory cannot be written.
	ErrCard = errors.New("the enrolment cannot be saved")
)

// Registry accepts enrolment codes (package client). Among its errors, an *api.Refusal is the
// registry's refusal of the code, and an *api.ClockError means that the door's clock is wrong.
type Registry interface {
	Enrol(ctx context.Context, request api.EnrolRequest) (api.EnrolAnswer, error)
}

// Enroller enrols a door. All fields but Accepts are required.
type Enroller struct {
	Dir    string                       // state directory
	Device string                       // as Device
	Dial   func(Code) (Registry, error) // a client that trusts only the code's authority
	Check  func(settings []byte) error  // checks enrolled.toml against the door's configuration
	// Accepts refuses codes of registries that the door is not for; its error is an ErrForeign.
	// nil: any registry may have the door.
	Accepts func(Code) error
}

// Trusts reports whether a certificate is that of the code's authority.
func (c Code) Trusts(authority *x509.Certificate) bool {
	pin := PinOf(authority)
	return string(pin[:]) == string(c.Pin)
}

// Enrol makes one attempt. Afterwards the door is either enrolled or not, and if not, the same code
// may be tried again: the key stays, and with the same key the registry accepts the same token
// again. A door that is enrolled already keeps its enrolment until the registry has answered.
func (e *Enroller) Enrol(ctx context.Context, code Code) error {
	if err := e.accepts(code); err != nil {
		return err
	}
	own, err := e.begin(code)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCard, err)
	}
	registry, err := e.Dial(code)
	if err != nil {
		return err
	}
	csr, err := request(own.key)
	if err != nil {
		return err
	}
	answer, err := registry.Enrol(ctx, api.EnrolRequest{
		Token: base64.RawURLEncoding.EncodeToString(code.Token), CSR: csr, Device: e.Device,
		SealKey: api.FormatKey(own.door.PublicKey().Bytes()),
	})
	if err != nil {
		return err
	}
	papers, err := e.check(answer, code, own)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if err := e.keep(papers); err != nil {
		return fmt.Errorf("%w: %w", ErrCard, err)
	}
	return nil
}

func (e *Enroller) accepts(code Code) error {
	if e.Accepts == nil {
		return nil
	}
	return e.Accepts(code)
}

// begin makes the keys, or finds those of an earlier attempt, and saves them with the code: after a
// power cut while the door waits for the network, nobody has to show the code again.
func (e *Enroller) begin(code Code) (*secrets, error) {
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return nil, err
	}
	own, before := e.readPending()
	same := before == code.String()
	if own == nil || !same && Enrolled(e.Dir) { // the keys belong to a finished enrolment
		var err error
		if own, err = newSecrets(); err != nil {
			return nil, err
		}
		same = false
	}
	if !same {
		text, err := own.marshal()
		if err != nil {
			return nil, err
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: codeBlock, Bytes: []byte(code.String())})...)
		if err := write(filepath.Join(e.Dir, pendingFile), text); err != nil {
			return nil, err
		}
	}
	return own, e.writeWiFi(code)
}

// readPending returns nil if there are no usable keys: the door then makes new ones.
func (e *Enroller) readPending() (own *secrets, code string) {
	data, err := os.ReadFile(filepath.Join(e.Dir, pendingFile))
	if err != nil {
		return nil, ""
	}
	parts := blocks(data)
	if own, err = parseSecrets(parts); err != nil {
		return nil, ""
	}
	if codes := parts[codeBlock]; len(codes) == 1 {
		code = string(codes[0])
	}
	return own, code
}

// Pending is the code of an unfinished attempt, "" if there is no such attempt.
func (e *Enroller) Pending() string {
	_, code := e.readPending()
	return code
}

// writeWiFi leaves the venue's network to the image, which may set it up: the door may need it to
// reach the registry.
func (e *Enroller) writeWiFi(code Code) error {
	if code.SSID == "" {
		return nil
	}
	data, err := json.Marshal(api.WiFi{SSID: code.SSID, Passphrase: code.Passphrase, Country: code.Country})
	if err != nil {
		return err
	}
	path := filepath.Join(e.Dir, wifiFile)
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil // the image watches the file
	}
	return write(path, data)
}

// papers are the contents of the files of an enrolled door.
type papers struct{ authorities, identity, settings []byte }

func (e *Enroller) check(answer api.EnrolAnswer, code Code, own *secrets) (papers, error) {
	var p papers
	authorities, err := parseAuthorities([]byte(answer.CA))
	if err != nil {
		return p, fmt.Errorf("its authority: %w", err)
	}
	if !slices.ContainsFunc(authorities, code.Trusts) {
		return p, errors.New("its authority is not the one in the code")
	}
	chain, err := certificateFor(own.key, []byte(answer.Certificate))
	if err != nil {
		return p, fmt.Errorf("its certificate for this door: %w", err)
	}
	keys, err := own.marshal()
	if err != nil {
		return p, err
	}
	p.authorities = marshalCertificates(authorities)
	p.identity = append(keys, marshalCertificates(chain)...)
	p.settings, err = e.settings(answer, code)
	if err != nil {
		return p, err
	}
	return p, e.Check(p.settings)
}

// settings is the text of enrolled.toml. A JSON string is also a TOML string, as long as it has no
// control characters.
func (e *Enroller) settings(answer api.EnrolAnswer, code Code) ([]byte, error) {
	var text strings.Builder
	text.WriteString("# Written by the enrolment. It counts where /etc/ashyq-kiosk/ashyq-kiosk.toml says something " +
		"else.\n")
	for _, row := range [][2]string{
		{"[door]", ""}, {"name", answer.Name}, {"venue", answer.Venue}, {"zone", answer.Zone}, {"way", answer.Way},
		{"[registry]", ""}, {"url", code.URL}, {"key", answer.RegistryKey},
		{"ca", filepath.Join(e.Dir, caFile)}, {"identity", filepath.Join(e.Dir, identityFile)},
	} {
		key, value := row[0], row[1]
		if key[0] == '[' {
			fmt.Fprintln(&text, key)
			continue
		}
		if value == "" {
			return nil, fmt.Errorf("it lacks the door's %s", key)
		}
		if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return nil, fmt.Errorf("the door's %s has control characters or is not UTF-8", key)
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "%s = %s\n", key, quoted)
	}
	return []byte(text.String()), nil
}

// keep writes the papers so that a power cut at any moment leaves a door that is enrolled, or one
// that is not and can ask again.
func (e *Enroller) keep(p papers) error {
	in := func(name string) string { return filepath.Join(e.Dir, name) }
	if err := remove(in(enrolledFile)); err != nil { // its settings belong to the old papers
		return err
	}
	if err := write(in(caFile), p.authorities); err != nil {
		return err
	}
	if err := write(in(identityFile), p.identity); err != nil {
		return err
	}
	if err := write(in(enrolledFile), p.settings); err != nil {
		return err
	}
	return remove(in(pendingFile))
}

// Drop forgets a code that the registry has refused. The keys stay: if an earlier answer was lost,
// the registry knows the door only by them.
func (e *Enroller) Drop(code Code) error {
	own, before := e.readPending()
	if own == nil || before != code.String() {
		return nil
	}
	text, err := own.marshal()
	if err != nil {
		return err
	}
	return write(filepath.Join(e.Dir, pendingFile), text)
}
