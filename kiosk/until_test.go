package kiosk_test

import (
	"crypto/ed25519"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
)

// TestUntilIsTheEarlierEnd: a status ends by itself, and so do the hours of the rule that let its
// holder in.
func TestUntilIsTheEarlierEnd(t *testing.T) {
	const hours = `{"name":"x","timezone":"UTC","ages":{"quiet":"15m","full":"24h","limit":"72h"},"rules":[{"name":"open",
		"colours":["green"],"hours":{"from":"00:00","until":"02:00"},"then":"admitted","text":{"kk":"a","ru":"b","en":"c"}}]}`
	for _, c := range []struct{ status, want time.Duration }{
		{0, 2 * time.Hour},
		{time.Hour, time.Hour},
		{3 * time.Hour, 2 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) { // midnight in UTC
			d := openDoor(t, nil)
			if c.status > 0 {
				d.register.until = time.Now().Add(c.status)
			}
			d.door.Follow(kiosk.Trust{Issuers: pass.NewIssuers([]ed25519.PublicKey{public(key(1))}), Rules: mustRules(t, hours), AsOf: time.Now()})
			d.present(newPhone(t, 4).code(time.Now()))
			if v := d.last(); v.Signal != kiosk.Admitted || !v.Until.Equal(time.Now().Add(c.want)) {
				t.Errorf("status for %v: %v until %v, want in %v", c.status, v.Signal, v.Until, c.want)
			}
		})
	}
}
