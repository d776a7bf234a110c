package store

import (
	"testing"
	"time"
)

func testAccounts(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	must(t, s.PutVenues(ctx, []Venue{
		{BIN: "990140000007", Name: "Shop", Kind: "shop", Region: "KZ-75", Zone: "green"},
		{BIN: "990140000017", Name: "Cinema", Kind: "cinema", Region: "KZ-75", Zone: "green"},
	}))
	venues, err := s.Venues(ctx, "", nil, 10)
	must(t, err)
	cinema, shop := venues[0], venues[1]
	add := func(a Account, key string, at time.Time) int64 {
		t.Helper()
		id, err := s.AddAccount(ctx, a, SecretOf(key), at)
		must(t, err)
		return id
	}
	refused := func(what string, a Account, want error) {
		t.Helper()
		_, err := s.AddAccount(ctx, a, SecretOf("refused"), t0)
		wants(t, what, err, want)
	}
	is := func(what, key string, at time.Time, want error) {
		t.Helper()
		_, err := s.AccountOf(ctx, SecretOf(key), at)
		wants(t, what, err, want)
	}
	late := t0.Add(time.Hour)
	regional := Account{Name: "Aru", Role: Regional, Region: "KZ-75"}
	guard := Account{Name: "Guard", Role: Staff, Venue: shop.ID, Expires: late}
	regional.ID, regional.Created = add(regional, "regional", t0), t0
	guard.ID, guard.Created = add(guard, "guard", t0), t0
	for key, want := range map[string]Account{"regional": regional, "guard": guard} {
		if got, err := s.AccountOf(ctx, SecretOf(key), t0); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", key, got, err, want)
		}
	}
	is("an unknown key", "x", t0, ErrNotFound)
	is("an expired key", "guard", late, ErrExpired)
	is("a key without an end", "regional", late.AddDate(10, 0, 0), nil)
	refused("a taken name", Account{Name: "Aru", Role: Owner, BIN: shop.BIN}, ErrExists)
	refused("an unknown region", Account{Name: "x", Role: Regional, Region: "KZ-00"}, ErrNotFound)
	refused("an unknown venue", Account{Name: "x", Role: Staff, Venue: shop.ID + cinema.ID, Expires: late}, ErrNotFound)
	refused("a guard twice in one venue", Account{Name: "Guard", Role: Staff, Venue: shop.ID, Expires: late}, ErrExists)
	other := add(Account{Name: "Guard", Role: Staff, Venue: cinema.ID, Expires: late}, "other guard", t0)
	wants(t, "a region of an account", s.RemoveRegion(ctx, "KZ-75"), ErrInUse)

	// The name of an expired or revoked account is free again.
	next := add(Account{Name: "Guard", Role: Staff, Venue: shop.ID, Expires: late.Add(time.Hour)}, "next guard", late)
	must(t, s.RevokeAccount(ctx, next, late))
	is("a revoked key", "next guard", late, ErrKeyRevoked)
	must(t, s.RevokeAccount(ctx, next, late.Add(time.Minute)))
	if a, err := s.AccountBy(ctx, next); err != nil || !a.Revoked.Equal(late) {
		t.Errorf("revoked twice: %+v, %v", a, err)
	}
	last := add(Account{Name: "Guard", Role: Staff, Venue: shop.ID, Expires: late.Add(time.Hour)}, "last guard", late)
	wants(t, "revoke nobody", s.RevokeAccount(ctx, last+1, late), ErrNotFound)
	_, err = s.AccountBy(ctx, last+1)
	wants(t, "nobody", err, ErrNotFound)

	ids := func(of AccountsOf, want ...int64) {
		t.Helper()
		list, err := s.Accounts(ctx, of)
		must(t, err)
		if len(list) != len(want) {
			t.Fatalf("%d accounts, want %d: %+v", len(list), len(want), list)
		}
		for i, a := range list {
			if a.ID != want[i] {
				t.Errorf("account %d is %d, want %d", i, a.ID, want[i])
			}
		}
	}
	before, all := late.Add(-time.Second), Account{Role: National}
	ids(AccountsOf{To: all, Ended: before, Limit: 10}, last, next, other, guard.ID, regional.ID)
	ids(AccountsOf{To: all, Ended: late, Limit: 10}, last, regional.ID)
	ids(AccountsOf{To: all, Ended: late, Limit: 1}, last)
	ids(AccountsOf{To: all, Ended: late, Limit: 1, Before: last}, regional.ID)
	ids(AccountsOf{To: all, Ended: late, Limit: 1, Role: Regional}, regional.ID)
	ids(AccountsOf{To: Account{Role: Owner, BIN: cinema.BIN}, Ended: before, Limit: 10}, other)
	ids(AccountsOf{To: Account{Role: Owner, BIN: cinema.BIN, Region: "KZ-71"}, Ended: before, Limit: 10})
	must(t, s.PutRegions(ctx, []Region{{"KZ-71", "Астана", "Астана", "Astana"}}))
	here := add(Account{Name: "Here", Role: Owner, BIN: shop.BIN, Region: "KZ-75"}, "here", late)
	add(Account{Name: "There", Role: Owner, BIN: shop.BIN, Region: "KZ-71"}, "there", late)
	add(Account{Name: "Everywhere", Role: Owner, BIN: shop.BIN}, "everywhere", late)
	ids(AccountsOf{To: Account{Role: Regional, Region: "KZ-75"}, Ended: before, Limit: 10}, here, last, next, other, guard.ID)
}
