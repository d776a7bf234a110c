package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// wrongAt is what the tests look for.
func wrongAt(now time.Time) Wrong {
	return Wrong{Silent: "silent", Before: now.Add(-30 * time.Minute), Copied: "copied", Renewal: "renewal",
		Troubles: map[string]string{"tamper": "tamper"}}
}

// enrolled makes a door that was seen at t0.
func enrolled(t *testing.T, s *Store, name string, place int64) Certificate {
	t.Helper()
	ctx, token := t.Context(), SecretOf(name)
	must(t, s.PutTokens(ctx, []Door{{Name: name, Place: place, Venue: "shop", Zone: "green", Ring: "all"}},
		[]Secret{token}, t0.Add(time.Hour)))
	var c Certificate
	must(t, s.Enrol(ctx, token, Enrollee{Device: "board " + name, Key: token, SealKey: sealKeyOf("board " + name)}, t0, func(d Door) (Certificate, error) {
		c = Certificate{Door: d.ID, Print: token, Until: t0.Add(1000 * time.Hour)}
		return c, nil
	}))
	_, err := s.DoorBy(ctx, c, "board "+name, Said{}, t0)
	must(t, err)
	return c
}

func testAlarms(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	must(t, s.PutVenues(ctx, []Venue{{BIN: "990140000007", Name: "Shop", Kind: "shop", Region: "KZ-75",
		Zone: "green", Address: "Abay 1", Phone: "+77010000000"}}))
	list, err := s.Venues(ctx, "", nil, 1)
	must(t, err)
	door := enrolled(t, s, "north", list[0].ID)
	enrolled(t, s, "south", 0)
	to, err := s.AddRecipient(ctx, Recipient{Name: "duty", Kinds: []string{"silent", "tamper"}, Language: "ru",
		Mail: "a@b.kz"})
	must(t, err)

	// look gives the alarms as they are told; with say, they are.
	at := t0
	look := func(say, all bool, keep ...string) string {
		t.Helper()
		var seen []string
		must(t, s.Alarms(ctx, wrongAt(at), keep, func(alarms []Alarm, recipients []Recipient) ([]Telling, error) {
			seen = nil
			for _, a := range alarms {
				seen = append(seen, fmt.Sprint(a.Kind, " ", a.Name, " ", a.Began.Sub(t0), " ended:",
					!a.Ended.IsZero(), " told:", !a.Told.IsZero()))
			}
			if len(recipients) != 1 || recipients[0].ID != to {
				t.Errorf("recipients: %+v", recipients)
			}
			if !say {
				return nil, nil
			}
			return []Telling{{Kind: "silent", All: all, Messages: map[int64][]byte{to: []byte(`"x"`)}}}, nil
		}, at))
		return strings.Join(seen, "; ")
	}
	is := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	is("all is well", look(false, false), "")
	at = t0.Add(31 * time.Minute)
	is("kept as it was", look(false, false, "silent"), "")
	is("silent", look(false, false),
		"silent north 31m0s ended:false told:false; silent south 31m0s ended:false told:false")
	_, err = s.DoorBy(ctx, door, "board north", Said{}, at)
	must(t, err)
	is("one came back before anybody knew", look(false, false), "silent south 31m0s ended:false told:false")
	is("told", look(true, false), "silent south 31m0s ended:false told:false")
	is("and known", look(false, false), "silent south 31m0s ended:false told:true")
	if now, err := s.AlarmsNow(ctx, "KZ-75", 10); err != nil || len(now) != 0 {
		t.Errorf("in a region without alarms: %+v, %v", now, err)
	}
	must(t, s.PutHealth(ctx, door.Door, api.Health{Faults: []api.Fault{api.CaseOpen}}, at))
	is("opened", look(false, false),
		"silent south 31m0s ended:false told:true; tamper north 31m0s ended:false told:false")
	if now, err := s.AlarmsNow(ctx, "KZ-75", 10); err != nil || len(now) != 1 ||
		now[0].Phone != "+77010000000" || now[0].Venue != "Shop" {
		t.Errorf("in the region: %+v, %v", now, err)
	}
	must(t, s.PutHealth(ctx, door.Door, api.Health{}, at))
	must(t, s.RevokeDoor(ctx, "south", at))
	is("revoked", look(false, false), "silent south 31m0s ended:true told:true")
	is("its end is told", look(true, false), "silent south 31m0s ended:true told:true")
	is("and forgotten", look(false, false), "")
	waits := claimAll(t, s, 10, at)
	if len(waits) != 2 || waits[0].To.Name != "duty" || string(waits[0].Body) != `"x"` || waits[0].Tries != 1 {
		t.Errorf("messages: %+v", waits)
	}
}

// claimAll claims so many messages, one after the other.
func claimAll(t *testing.T, s *Store, most int, at time.Time) (all []WaitingMessage) {
	t.Helper()
	for len(all) < most {
		some, err := s.ClaimMessages(t.Context(), 1, time.Minute, at)
		must(t, err)
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
	}
	return all
}

func testMessages(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	_, err := s.AddRecipient(ctx, Recipient{Name: "x", Region: "KZ-00"})
	wants(t, "no region", err, ErrNotFound)
	to, err := s.AddRecipient(ctx, Recipient{Name: "duty", Region: "KZ-75", Kinds: []string{"silent"},
		Language: "ru", Mail: "a@b.kz"})
	must(t, err)
	_, err = s.AddRecipient(ctx, Recipient{Name: "duty"})
	wants(t, "a name twice", err, ErrExists)
	wants(t, "a region with a recipient", s.RemoveRegion(ctx, "KZ-75"), ErrInUse)
	enrolled(t, s, "door", 0)
	at := t0.Add(time.Hour)
	say := func() {
		t.Helper()
		must(t, s.Alarms(ctx, wrongAt(at), nil, func([]Alarm, []Recipient) ([]Telling, error) {
			return []Telling{{Kind: "silent", Messages: map[int64][]byte{to: fmt.Append(nil, at.Unix())}}}, nil
		}, at))
	}
	for range maxWaitingMessages + 7 {
		at = at.Add(time.Second)
		say()
	}
	var ids []int64
	claimed := func(n int, at time.Time) []WaitingMessage {
		t.Helper()
		list := claimAll(t, s, n, at)
		for _, w := range list {
			ids = append(ids, w.ID)
		}
		return list
	}
	first := claimed(10, at)
	if len(first) != 10 || first[0].Made.Sub(t0) != time.Hour+8*time.Second {
		t.Errorf("the first ones: %+v", first)
	}
	// Others do not wait for one's many messages.
	other, err := s.AddRecipient(ctx, Recipient{Name: "other"})
	must(t, err)
	must(t, s.Alarms(ctx, wrongAt(at), nil, func([]Alarm, []Recipient) ([]Telling, error) {
		return []Telling{{Kind: "silent", Messages: map[int64][]byte{other: []byte("x")}}}, nil
	}, at))
	both, err := s.ClaimMessages(ctx, 2, time.Minute, at)
	must(t, err)
	if len(both) != 2 || both[0].To.Name == both[1].To.Name {
		t.Errorf("two messages: %+v", both)
	}
	for _, w := range both {
		if w.To.ID == other {
			must(t, s.MessageSent(ctx, w, at))
		} else {
			ids = append(ids, w.ID)
		}
	}
	must(t, s.RemoveRecipient(ctx, other, ""))
	if rest := claimed(1000, at); len(rest) != maxWaitingMessages-11 {
		t.Errorf("%d others", len(rest))
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != maxWaitingMessages {
		t.Error("a message was given to two senders")
	}
	must(t, s.MessageSent(ctx, first[0], at))
	must(t, s.MessageDropped(ctx, first[1], "no such address"))
	must(t, s.MessageFailed(ctx, first[2], "busy", at.Add(time.Hour)))
	if again := claimed(1000, at.Add(61*time.Second)); len(again) != maxWaitingMessages-3 || again[0].Tries != 2 {
		t.Errorf("after the lease %d", len(again))
	}
	list, err := s.Recipients(ctx, "KZ-75")
	if err != nil || len(list) != 1 || list[0].Waiting != maxWaitingMessages-2 || !list[0].Sent.Equal(at) ||
		list[0].Trouble != "busy" {
		t.Errorf("recipients: %+v, %v", list, err)
	}
	if list, err := s.Recipients(ctx, "KZ-71"); err != nil || len(list) != 0 {
		t.Errorf("of another region: %+v, %v", list, err)
	}
	_, err = s.RecipientOf(ctx, to, "KZ-71")
	wants(t, "looked up from another region", err, ErrNotFound)
	wants(t, "removed from another region", s.RemoveRecipient(ctx, to, "KZ-71"), ErrNotFound)
	for n := range recipientsOfRegion - 1 {
		_, err := s.AddRecipient(ctx, Recipient{Name: fmt.Sprint("more ", n), Region: "KZ-75"})
		must(t, err)
	}
	_, err = s.AddRecipient(ctx, Recipient{Name: "too many", Region: "KZ-75"})
	wants(t, "too many of a region", err, ErrManyRecipients)
	_, err = s.AddRecipient(ctx, Recipient{Name: "of the country"})
	must(t, err)
	must(t, s.RemoveRecipient(ctx, to, "KZ-75"))
	if left := claimed(1000, at.Add(99*time.Hour)); len(left) != 0 {
		t.Errorf("%d messages for nobody", len(left))
	}
}
