package kiosk_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

// dated turns blue back in cinemas from a moment on.
func dated(t *testing.T, from time.Time) *kiosk.Rules {
	t.Helper()
	const text = `"text": {"kk": "k", "ru": "r", "en": "e"}`
	return mustRules(t, fmt.Sprintf(`{"name": "x", "timezone": "Asia/Almaty", "ages": {"quiet": "15m", "full": "24h", "limit": "72h"}, "rules": [
		{"name": "from-then", "colours": ["blue"], "from": %q, "then": "turned-back", %s},
		{"name": "until-then", "colours": ["blue"], "then": "admitted", %s}]}`, from.Format(time.RFC3339), text, text))
}

// TestDatedRuleChangesAllDoors gives 500 doors rules of which one begins at a minute. A third of the
// doors hears nothing after that, and none hears anything at that minute: each changes by itself, in
// the second in which the rule begins.
func TestDatedRuleChangesAllDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Now().Add(5 * time.Minute)
		rules := dated(t, from)
		doors := make([]*doorway, 500)
		for i := range doors {
			doors[i] = openDoor(t, func(o *kiosk.Options) {
				o.Venue = kiosk.Venues[i%len(kiosk.Venues)]
				o.Zone = []kiosk.Zone{kiosk.RedZone, kiosk.YellowZone, kiosk.GreenZone}[i%3]
			})
			doors[i].follow(rules)
		}
		synctest.Wait()
		time.Sleep(time.Until(from.Add(-time.Minute)))
		for i, d := range doors {
			if i%3 != 0 { // these are online
				d.door.Vouch(time.Now())
			}
		}
		for turn, c := range []struct {
			at   time.Time
			want string
		}{
			{from.Add(-time.Second), "admitted blue until-then"},
			{from, "turned-back blue from-then"},
			{from.Add(5 * time.Minute), "turned-back blue from-then"},
		} {
			time.Sleep(time.Until(c.at))
			got := map[string]int{}
			for i, d := range doors {
				d.next()
				index := uint64(100 + turn*len(doors) + i)
				d.register.set(index, statuslist.Valid)
				d.door.Present(kiosk.Sighting{Text: []byte(newPerson(t, index).code(time.Now())), Taken: time.Now()})
			}
			synctest.Wait()
			for _, d := range doors {
				v := d.last()
				got[v.Signal.String()+" "+v.Colour.String()+" "+v.Rule]++
			}
			if got[c.want] != len(doors) {
				t.Errorf("%v from the change: %v, want %d times %q", c.at.Sub(from), got, len(doors), c.want)
			}
		}
	})
}

func (d *doorway) follow(rules *kiosk.Rules) {
	d.door.Follow(kiosk.Trust{Issuers: pass.NewIssuers([]ed25519.PublicKey{public(key(1))}), Rules: rules, AsOf: time.Now()})
}

// newPerson is somebody with a phone of their own at each door, with an index beyond newPhone's.
func newPerson(t *testing.T, index uint64) *phone {
	t.Helper()
	holder := key(byte(index))
	credential, err := pass.Issue(key(1), pass.Credential{
		Since: statuslist.Edition{Version: 1}, Expires: time.Now().Add(24 * time.Hour), Holder: public(holder), List: list, Index: index,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &phone{t, credential, holder}
}
