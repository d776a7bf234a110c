// Package phone is a citizen's phone without a screen: it makes what the citizen's page makes. The
// demonstration and the tests use it.
package phone

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// Phone holds the phone key and the credentials of days, each with a key of its own. It is not for
// several goroutines.
type Phone struct {
	key   ed25519.PrivateKey
	days  map[pass.Day]day
	asked []day // by the last TopUp
}

type day struct {
	pass.DayKey
	key        ed25519.PrivateKey
	credential []byte
}

// New is a phone with that phone key.
func New(key ed25519.PrivateKey) *Phone { return &Phone{key: key, days: map[pass.Day]day{}} }

// Key is the phone key's public half, as it is activated with: base64url.
func (p *Phone) Key() string {
	return base64.RawURLEncoding.EncodeToString(p.key.Public().(ed25519.PublicKey))
}

// TopUp makes the request for the credentials of so many days, from today on: base64url. Take takes
// the answer.
func (p *Phone) TopUp(now time.Time, days int) (string, error) {
	p.asked = nil
	keys := make([]pass.DayKey, days)
	for i := range keys {
		public, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return "", fmt.Errorf("make a day's key: %w", err)
		}
		keys[i] = pass.DayKey{Day: pass.DayOf(now) + pass.Day(i), Holder: public}
		p.asked = append(p.asked, day{DayKey: keys[i], key: key})
	}
	return encoded(pass.NewTopUp(p.key, keys, now))
}

// Take keeps the credentials that the registry gives for the last TopUp: base64url, in the order of
// the days.
func (p *Phone) Take(credentials []string) error {
	if len(credentials) != len(p.asked) {
		return fmt.Errorf("%d credentials for %d days", len(credentials), len(p.asked))
	}
	for i, d := range p.asked {
		sealed, err := base64.RawURLEncoding.DecodeString(credentials[i])
		if err != nil {
			return fmt.Errorf("read the credential of %v: %w", d.Day, err)
		}
		c, err := pass.OpenCredential(sealed)
		if err != nil {
			return fmt.Errorf("read the credential of %v: %w", d.Day, err)
		}
		if c.Day != d.Day || !c.Holder.Equal(d.Holder) {
			return fmt.Errorf("a credential of %v for the key of %v", c.Day, d.Day)
		}
		d.credential = sealed
		p.days[d.Day] = d
	}
	return nil
}

// Has reports whether there is a credential for the day.
func (p *Phone) Has(d pass.Day) bool { return p.days[d].credential != nil }

// Credential is that of a day; nil: the phone has no such credential.
func (p *Phone) Credential(d pass.Day) []byte { return p.days[d].credential }

// Code is what the phone shows now.
func (p *Phone) Code(now time.Time) (string, error) {
	today := p.days[pass.DayOf(now)]
	if today.credential == nil {
		return "", fmt.Errorf("the phone has no credential for %v", pass.DayOf(now))
	}
	return pass.Rotate(today.key, today.credential, now)
}

// Self makes a self-check: base64url.
func (p *Phone) Self(now time.Time) (string, error) { return encoded(pass.NewSelfCheck(p.key, now)) }

// Ask makes another request, with a path of the registry and what may follow it: base64url.
func (p *Phone) Ask(what string, now time.Time) (string, error) {
	return encoded(pass.NewAsk(p.key, what, now))
}

func encoded(sealed []byte, err error) (string, error) {
	return base64.RawURLEncoding.EncodeToString(sealed), err
}
