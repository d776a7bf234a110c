package pass_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

// A credential goes from the registry to the phone to the door.
func Example() {
	issuer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	phone := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	now := time.Date(2026, time.March, 1, 9, 0, 0, 0, time.UTC)

	today := pass.DayOf(now)
	keys := pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{today: {3}}, nil)

	// The registry, for each day that the phone asks for.
	block, err := keys.SealDay(today, pass.Place{Index: 4711, Since: statuslist.Edition{Version: 1}})
	if err != nil {
		panic(err)
	}
	credential, err := pass.Issue(issuer, today, block, phone.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}

	// The phone, every 15 seconds.
	text, err := pass.Rotate(phone, credential, now)
	if err != nil {
		panic(err)
	}

	// The door.
	issuers := pass.NewIssuers([]ed25519.PublicKey{issuer.Public().(ed25519.PublicKey)})
	guard := pass.NewGuard(1000)
	enter := func(now time.Time) error {
		code, err := pass.Parse([]byte(text))
		if err != nil {
			return err
		}
		if err := code.Verify(issuers, now); err != nil {
			return err
		}
		place, err := code.Open(keys)
		if err != nil {
			return err
		}
		if err := guard.Check(code, now, 10*time.Second); err != nil {
			return err
		}
		guard.Used(code, now)
		guard.Admitted(code, now)
		fmt.Println("index", place.Index)
		return nil
	}
	fmt.Println(enter(now.Add(3 * time.Second)))
	fmt.Println(enter(now.Add(5 * time.Second)))
	fmt.Println(enter(now.Add(2 * time.Minute)))
	// Output:
	// index 4711
	// <nil>
	// code was used before
	// code is too old
}
