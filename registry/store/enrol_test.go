package store

import (
	"errors"
	"sync"
	"testing"
	"time"
)

const board, otherBoard = "00112233aabbccdd", "ffffffffffffffff"

// card is a door's certificate by its name; each one ends an hour after the one before.
func card(door int64, name string, n int) Certificate {
	return Certificate{door, SecretOf(name), t0.Add(time.Duration(n) * time.Hour)}
}

// sealKeyOf is a board's own key.
func sealKeyOf(board string) []byte {
	sum := SecretOf("seal " + board)
	return sum[:]
}

func token(t *testing.T, s *Store, name, text string) {
	t.Helper()
	doors := []Door{{Name: name, Venue: "shop", Zone: "red", Way: "exit", Ring: "early"}}
	must(t, s.PutTokens(t.Context(), doors, []Secret{SecretOf(text)}, t0.Add(time.Hour)))
}

// enrol returns the certificate and the door as it was told itself.
func enrol(t *testing.T, s *Store, text, key, device, name string, n int) (Certificate, Door, error) {
	t.Helper()
	var c Certificate
	var told Door
	err := s.Enrol(t.Context(), SecretOf(text), Enrollee{Device: device, Key: SecretOf(key), SealKey: sealKeyOf(device)}, t0, func(d Door) (Certificate, error) {
		c, told = card(d.ID, name, n), d
		return c, nil
	})
	return c, told, err
}

func renew(t *testing.T, s *Store, with Certificate, device, name string, n int) (c Certificate, err error) {
	t.Helper()
	err = s.Renew(t.Context(), with, device, t0, func(d Door) (Certificate, error) {
		c = card(d.ID, name, n)
		return c, nil
	})
	return c, err
}

func state(t *testing.T, s *Store) DoorState {
	t.Helper()
	o, err := lookAt(t.Context(), s, t0)
	must(t, err)
	k := o.Doors[0]
	k.Counts = nil
	return k
}

func good(t *testing.T, s *Store, what string, c Certificate) {
	t.Helper()
	if _, err := s.DoorBy(t.Context(), c, board, Said{Version: "1.0"}, t0); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// refused checks at a time when a replaced certificate is no longer accepted.
func refused(t *testing.T, s *Store, what string, c Certificate, device string, want error) {
	t.Helper()
	_, err := s.DoorBy(t.Context(), c, device, Said{}, t0.Add(lingers))
	wants(t, what, err, want)
}

func testEnrol(t *testing.T, s *Store) {
	ctx := t.Context()
	token(t, s, "door", "replaced")
	token(t, s, "door", "1")
	_, _, err := enrol(t, s, "replaced", "key", board, "a", 1)
	wants(t, "replaced token", err, ErrNotFound)
	first, told, err := enrol(t, s, "1", "key", board, "a", 1)
	must(t, err)
	if told.Name != "door" || told.Venue != "shop" || told.Zone != "red" || told.Way != "exit" || told.Ring != "early" {
		t.Errorf("the door is told %+v", told)
	}
	// The answer was lost: the same again gives another certificate, and both are good until that
	// one is seen.
	second, _, err := enrol(t, s, "1", "key", board, "b", 2)
	must(t, err)
	good(t, s, "the first answer's certificate", first)
	good(t, s, "the second answer's certificate", second)
	_, _, err = enrol(t, s, "1", "thief's", otherBoard, "c", 3)
	wants(t, "another key", err, ErrTokenUsed)
	want := DoorState{Name: "door", Venue: "shop", Zone: "red", Way: "exit", Ring: "early", Seen: t0, Enrolled: true, CertUntil: second.Until,
		Running: "1.0", CodeUsedTwice: true}
	if got := state(t, s); got.Copied || !equalState(got, want) {
		t.Errorf("state %+v\nwant  %+v", got, want)
	}
	_, _, err = enrol(t, s, "1", "key", otherBoard, "d", 4)
	wants(t, "the same key on another board", err, ErrCopied)

	// A new code begins a new life.
	token(t, s, "door", "2")
	good(t, s, "until the new code is used", second)
	third, _, err := enrol(t, s, "2", "key 2", otherBoard, "e", 5)
	must(t, err)
	if got := state(t, s); got.Copied || got.CodeUsedTwice {
		t.Errorf("complaints of the past: %+v", got)
	}
	refused(t, s, "the old card", second, board, ErrRevoked)
	if _, err := s.DoorBy(ctx, third, otherBoard, Said{}, t0); err != nil {
		t.Errorf("the new card: %v", err)
	}

	doors := []Door{{Name: "new", Venue: "shop", Zone: "green", Ring: "all"}, {Name: "door", Venue: "shop", Zone: "green", Ring: "all"}}
	if err := s.PutTokens(ctx, doors, []Secret{SecretOf("3"), SecretOf("3")}, t0); err == nil {
		t.Error("one token for two doors")
	}
	if got := state(t, s); got.Ring != "early" {
		t.Error("half of a refused order was carried out")
	}
	must(t, s.PutTokens(ctx, doors, []Secret{SecretOf("3"), SecretOf("4")}, t0))
	_, _, err = enrol(t, s, "3", "key", board, "f", 6)
	wants(t, "old token", err, ErrTokenExpired)
}

func equalState(a, b DoorState) bool {
	return a.Seen.Equal(b.Seen) && a.CertUntil.Equal(b.CertUntil) && a.Name == b.Name && a.Venue == b.Venue && a.Zone == b.Zone &&
		a.Ring == b.Ring && a.Enrolled == b.Enrolled && a.Running == b.Running && a.Revoked == b.Revoked && a.CodeUsedTwice == b.CodeUsedTwice
}

func testRenew(t *testing.T, s *Store) {
	token(t, s, "door", "1")
	a, _, err := enrol(t, s, "1", "key", board, "a", 1)
	must(t, err)
	_, err = renew(t, s, a, board, "lost", 2)
	must(t, err)
	b, err := renew(t, s, a, board, "b", 3)
	must(t, err)
	good(t, s, "the old one until the new one is seen", a)
	good(t, s, "the new one", b)
	if got := state(t, s); got.Copied || !got.CertUntil.Equal(b.Until) {
		t.Errorf("after a renewal: %+v", got)
	}
	good(t, s, "a request with the old one that was under way", a)
	refused(t, s, "the old one afterwards", a, board, ErrCopied)
	if got := state(t, s); !got.Copied || !got.Enrolled {
		t.Errorf("a copied card: %+v", got)
	}
	good(t, s, "the right card beside the copied one", b)
	refused(t, s, "another board", b, otherBoard, ErrCopied)
	err = s.Renew(t.Context(), a, board, t0.Add(lingers), func(Door) (Certificate, error) { return card(a.Door, "x", 9), nil })
	wants(t, "renew a copied card", err, ErrCopied)
	c, err := renew(t, s, b, board, "c", 4)
	must(t, err)
	d, err := renew(t, s, c, board, "d", 5) // used for the first time for this
	must(t, err)
	refused(t, s, "renewed by the new one", b, board, ErrCopied)
	good(t, s, "unused so far", d)

	// The database was restored from a backup: the door has a newer one than it knows of.
	good(t, s, "newer than the backup", card(a.Door, "e", 7))
	refused(t, s, "on another board", card(a.Door, "f", 8), otherBoard, ErrCopied)
	refused(t, s, "no such door", card(a.Door+1, "g", 9), board, ErrNotFound)
	failed := errors.New("no signature")
	wants(t, "no signature", s.Renew(t.Context(), card(a.Door, "e", 7), board, t0, func(Door) (Certificate, error) { return Certificate{}, failed }), failed)
}

func testRevokeDoor(t *testing.T, s *Store) {
	ctx := t.Context()
	wants(t, "revoke an unknown door", s.RevokeDoor(ctx, "door", t0), ErrNotFound)
	token(t, s, "door", "0")
	refused(t, s, "a door that is not enrolled yet", card(1, "x", 1), board, ErrNotFound)
	if got := state(t, s); got.Copied || got.Enrolled {
		t.Errorf("not enrolled yet: %+v", got)
	}
	must(t, s.RevokeDoor(ctx, "door", t0))
	_, _, err := enrol(t, s, "0", "key", board, "a", 1)
	wants(t, "code of a revoked door", err, ErrNotFound)

	token(t, s, "door", "1")
	c, _, err := enrol(t, s, "1", "key", board, "a", 1)
	must(t, err)
	good(t, s, "enrolled anew", c)
	must(t, s.RevokeDoor(ctx, "door", t0))
	refused(t, s, "revoked", c, board, ErrRevoked)
	_, err = renew(t, s, c, board, "b", 2)
	wants(t, "renew, revoked", err, ErrRevoked)
	_, _, err = enrol(t, s, "1", "key", board, "b", 2)
	wants(t, "token of a revoked door", err, ErrNotFound)
	if got := state(t, s); !got.Revoked || got.Enrolled || got.Copied {
		t.Errorf("revoked: %+v", got)
	}
}

func testReleases(t *testing.T, s *Store) {
	ctx := t.Context()
	token(t, s, "door", "1")
	c, _, err := enrol(t, s, "1", "key", board, "a", 1)
	must(t, err)
	_, err = s.ReleaseFor(ctx, c.Door)
	wants(t, "no release", err, ErrNotFound)
	for _, r := range []ReleaseRequest{
		{Ring: "all", Bundle: "1.raucb", Version: "1"}, {Ring: "early", Bundle: "2.raucb", Version: "2"}, {Ring: "early", Bundle: "3.raucb", Version: "3"},
	} {
		must(t, s.PutRelease(ctx, r))
	}
	if r, err := s.ReleaseFor(ctx, c.Door); err != nil || r != (ReleaseRequest{Ring: "early", Bundle: "3.raucb", Version: "3"}) {
		t.Errorf("release %+v, %v", r, err)
	}
	must(t, s.PutRelease(ctx, ReleaseRequest{Ring: "early"}))
	_, err = s.ReleaseFor(ctx, c.Door)
	wants(t, "taken back", err, ErrNotFound)
	o, err := lookAt(ctx, s, t0)
	must(t, err)
	if len(o.Releases) != 1 || o.Releases[0].Version != "1" {
		t.Errorf("releases %+v", o.Releases)
	}
}

// testDoorRace lets many boards try one code: one gets in.
func testDoorRace(t *testing.T, s *Store) {
	token(t, s, "door", "1")
	errs := make([]error, 12)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			name := string(rune('a' + i))
			_, _, errs[i] = enrol(t, s, "1", name, board, name, i)
		})
	}
	all.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		} else {
			wants(t, "a second board", err, ErrTokenUsed)
		}
	}
	if in != 1 {
		t.Errorf("%d boards got in with one code", in)
	}
}
