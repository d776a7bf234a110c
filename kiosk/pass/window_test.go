package pass_test

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// accepted reports whether a door accepts a code when it sees it. A phone made the code at second 0
// by true time, with its clock ahead by so much.
func accepted(t *testing.T, ahead, seen time.Duration) bool {
	t.Helper()
	text, err := pass.Rotate(holderKey, issue(t, goodCredential()), at(0).Add(ahead))
	if err != nil {
		t.Fatal(err)
	}
	code, err := pass.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	err = code.Verify(pass.NewIssuers([]ed25519.PublicKey{publicOf(issuerKey)}), at(0).Add(seen))
	if err != nil && !errors.Is(err, pass.ErrStale) && !errors.Is(err, pass.ErrFuture) {
		t.Fatal(err)
	}
	return err == nil
}

// lastAccepted returns how long after it was made a code is last accepted.
func lastAccepted(t *testing.T, ahead time.Duration) time.Duration {
	t.Helper()
	for seen := 200 * time.Second; seen >= 0; seen -= time.Second {
		if accepted(t, ahead, seen) {
			return seen
		}
	}
	return -1
}

// TestLastAcceptance checks the figures of docs/pass.md: a page that is online has corrected its
// phone's clock to 4 s, so its codes are worthless after 30 s. An offline phone may be ahead, and
// its codes last that much longer.
func TestLastAcceptance(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{
		0:                25 * time.Second,
		4 * time.Second:  29 * time.Second, // online
		-4 * time.Second: 21 * time.Second,
		10 * time.Second: 35 * time.Second, // offline
		time.Minute:      85 * time.Second, // refused before second 50
	} {
		if got := lastAccepted(t, ahead); got != want {
			t.Errorf("a phone %v ahead: its code is taken until %v after it was made, want %v", ahead, got, want)
		}
	}
	if accepted(t, time.Minute, 49*time.Second) || accepted(t, 11*time.Second, 0) {
		t.Error("a code that is more than 10 s ahead is taken")
	}
}

// TestWindowIsWideEnough: a code is shown for a Period, and a person needs a moment to hold it up.
func TestWindowIsWideEnough(t *testing.T) {
	const aim = 4 * time.Second
	for _, ahead := range []time.Duration{-6 * time.Second, -4 * time.Second, 0, 4 * time.Second, 10 * time.Second} {
		for _, seen := range []time.Duration{0, pass.Period, pass.Period + aim} {
			if !accepted(t, ahead, seen) {
				t.Errorf("a phone %v ahead: its code is not taken %v after it was made", ahead, seen)
			}
		}
	}
}
