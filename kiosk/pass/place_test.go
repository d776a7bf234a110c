package pass_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

// A block is the AES block of the standard, and only its own key opens it.
func TestPlaceKeys(t *testing.T) {
	other := pass.PlaceKey{1}
	keys := pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{nowOnDay: dayKey, nowOnDay + 1: other},
		map[pass.Month]pass.PlaceKey{paperMonth: monthKey, paperMonth + 1: other})
	for _, p := range []pass.Place{goodPlace, {Since: statuslist.Edition{Version: 1}},
		{Index: math.MaxUint32, Since: statuslist.Edition{Epoch: math.MaxUint32, Version: math.MaxUint32}}} {
		day, err := keys.SealDay(nowOnDay, p)
		if err != nil || !bytes.Equal(day[:], blockByHand(dayKey, p)) {
			t.Errorf("%+v is sealed as %x, %v", p, day, err)
		}
		month, err := keys.SealMonth(paperMonth, p)
		if err != nil || !bytes.Equal(month[:], blockByHand(monthKey, p)) {
			t.Errorf("%+v is sealed as %x, %v", p, month, err)
		}
		phone, paper := goodCredential(), paperCredential()
		phone.Block, paper.Block = day, month
		for _, c := range []pass.Credential{phone, paper} {
			if got, err := keys.Open(c); err != nil || got != p {
				t.Errorf("%+v is opened as %+v, %v", p, got, err)
			}
			c.Day, c.Month = c.Day+1, c.Month+1
			if got, err := keys.Open(c); !errors.Is(err, pass.ErrBlock) {
				t.Errorf("another key opens %+v as %+v, %v", p, got, err)
			}
			c.Day, c.Month = c.Day+1, c.Month+1
			if got, err := keys.Open(c); !errors.Is(err, pass.ErrNoKey) {
				t.Errorf("no key opens %+v as %+v, %v", p, got, err)
			}
			if got, err := (*pass.PlaceKeys)(nil).Open(c); !errors.Is(err, pass.ErrNoKey) {
				t.Errorf("a door without keys opens %+v as %+v, %v", p, got, err)
			}
		}
	}
	if _, err := keys.SealDay(nowOnDay+2, goodPlace); !errors.Is(err, pass.ErrNoKey) {
		t.Errorf("sealed without a key of the day: %v", err)
	}
	if _, err := keys.SealMonth(paperMonth+2, goodPlace); !errors.Is(err, pass.ErrNoKey) {
		t.Errorf("sealed without a key of the month: %v", err)
	}
	for _, version := range []uint64{0, math.MaxUint32 + 1} {
		if _, err := keys.SealDay(nowOnDay, pass.Place{Since: statuslist.Edition{Version: version}}); err == nil {
			t.Errorf("sealed version %d", version)
		}
	}
}

// What the key opens is refused where it is no place: the zeros are not zero, or there is no
// version.
func TestBlockWithoutAPlace(t *testing.T) {
	keys := pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{nowOnDay: dayKey}, nil)
	for i := range 32 {
		plain := goodPlace
		plain.Since.Version = 0
		c := goodCredential()
		if i > 0 {
			plain = goodPlace
			c.Block[i%16] ^= 1 << (i / 16)
		} else {
			c.Block = pass.Block(blockByHand(dayKey, plain))
		}
		if got, err := keys.Open(c); !errors.Is(err, pass.ErrBlock) {
			t.Errorf("block %d is opened as %+v, %v", i, got, err)
		}
	}
}
