package doorkeys

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"errors"
	"reflect"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

var t0 = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// registryKey is that of the test's registry.
var registryKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))

func registryPublic() ed25519.PublicKey { return registryKey.Public().(ed25519.PublicKey) }

func newDoor(t testing.TB) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sample are the keys of an envelope of a moment: six days from the day before, seven months.
func sample(issued time.Time, generations ...uint32) Keys {
	k := Keys{Issued: issued, PlaceKeys: PlaceKeys{FirstDay: pass.DayOf(issued) - 1, FirstMonth: pass.MonthOf(issued)}}
	for _, g := range generations {
		k.Lists = append(k.Lists, ListKey{Generation: g, Key: [32]byte{byte(g)}})
	}
	for i := range 6 {
		k.Days = append(k.Days, pass.PlaceKey{'d', byte(int(k.FirstDay) + i)})
	}
	for i := range 7 {
		k.Months = append(k.Months, pass.PlaceKey{'m', byte(int(k.FirstMonth) + i)})
	}
	return k
}

func seal(t testing.TB, door *ecdh.PrivateKey, k Keys) []byte {
	t.Helper()
	envelope, err := Seal(registryKey, door.PublicKey(), k)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func TestEnvelopeIsForOneDoor(t *testing.T) {
	door, want := newDoor(t), sample(t0, 7, 9)
	envelope := seal(t, door, want)
	got, err := Open(envelope, registryPublic(), door)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("opened %+v, %v\nwant %+v", got, err, want)
	}
	if len(envelope) > 700 {
		t.Errorf("an envelope has %d bytes", len(envelope))
	}
	for _, secret := range [][]byte{want.Lists[0].Key[:], want.Days[1][:], want.Months[0][:]} {
		if bytes.Contains(envelope, secret) {
			t.Error("an envelope shows a key")
		}
	}
	if _, err := Open(envelope, registryPublic(), newDoor(t)); !errors.Is(err, ErrOther) {
		t.Errorf("another door: %v", err)
	}
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	if _, err := Open(envelope, stranger.Public().(ed25519.PublicKey), door); !errors.Is(err, sign1.ErrSignature) {
		t.Errorf("another registry: %v", err)
	}
	if again := seal(t, door, want); bytes.Equal(again, envelope) {
		t.Error("two envelopes of the same keys are alike: whoever sees them learns that nothing is new")
	}
}

func TestChangedEnvelopesAreRefused(t *testing.T) {
	door := newDoor(t)
	envelope := seal(t, door, sample(t0, 7))
	for i := range envelope {
		spoilt := bytes.Clone(envelope)
		spoilt[i] ^= 1
		if _, err := Open(spoilt, registryPublic(), door); err == nil {
			t.Fatalf("accepted with another byte %d", i)
		}
		if _, err := Open(envelope[:i], registryPublic(), door); err == nil {
			t.Fatalf("accepted with %d bytes", i)
		}
	}
	for name, data := range map[string][]byte{
		"empty": nil, "one more byte": append(bytes.Clone(envelope), 0), "a web page": []byte("<!doctype html>"),
		"endless": make([]byte, MaxEnvelope+1),
	} {
		if _, err := Open(data, registryPublic(), door); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	manifest, err := sign1.Seal(registryKey, sign1.Header{Type: "application/ashyq-manifest+cwt"}, envelope)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(manifest, registryPublic(), door); err == nil {
		t.Error("a message of another type is an envelope")
	}
}

// What the registry itself signs and seals must have the right form, too.
func TestWrongContentsAreRefused(t *testing.T) {
	door := newDoor(t)
	for name, spoil := range map[string]func(*Keys){
		"no days":          func(k *Keys) { k.Days = nil },
		"41 days":          func(k *Keys) { k.Days = make([]pass.PlaceKey, 41) },
		"no months":        func(k *Keys) { k.Months = nil },
		"13 months":        func(k *Keys) { k.Months = make([]pass.PlaceKey, 13) },
		"three list keys":  func(k *Keys) { k.Lists = make([]ListKey, 3) },
		"one generation":   func(k *Keys) { k.Lists = []ListKey{{Generation: 7}, {Generation: 7}} },
		"beyond all days":  func(k *Keys) { k.FirstDay = 1<<16 - 5 },
		"before all times": func(k *Keys) { k.Issued = time.Unix(-1, 0) },
	} {
		k := sample(t0, 7)
		spoil(&k)
		if _, err := Seal(registryKey, door.PublicKey(), k); err == nil {
			t.Errorf("%s: sealed", name)
		}
		if _, err := Open(forge(t, door, k), registryPublic(), door); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// forge seals anything.
func forge(t testing.TB, door *ecdh.PrivateKey, k Keys) []byte {
	t.Helper()
	text, err := sign1.Marshal(plain{Lists: k.Lists, FirstDay: k.FirstDay, Days: k.Days, FirstMonth: k.FirstMonth, Months: k.Months})
	if err != nil {
		t.Fatal(err)
	}
	return forgeText(t, door, k.Issued.Unix(), text)
}

func forgeText(t testing.TB, door *ecdh.PrivateKey, issued int64, text []byte) []byte {
	t.Helper()
	public, err := hpke.NewDHKEMPublicKey(door.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		t.Fatal(err)
	}
	ciphertext, err := sender.Seal(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := sign1.Marshal(sealed{Issued: issued, Enc: [32]byte(enc), Ciphertext: ciphertext})
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := sign1.Seal(registryKey, sign1.Header{Type: Type}, payload)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func TestDaysAndMonths(t *testing.T) {
	k := sample(t0).PlaceKeys
	for _, c := range []struct {
		day pass.Day
		ok  bool
	}{{k.FirstDay - 1, false}, {k.FirstDay, true}, {k.FirstDay + 5, true}, {k.FirstDay + 6, false}, {0, false}, {1<<16 - 1, false}} {
		if key, ok := k.Day(c.day); ok != c.ok || ok && key != (pass.PlaceKey{'d', byte(c.day)}) {
			t.Errorf("day %d: %v, %v", c.day, key, ok)
		}
	}
	if key, ok := k.Month(k.FirstMonth + 6); !ok || key != (pass.PlaceKey{'m', byte(k.FirstMonth + 6)}) {
		t.Errorf("the last month: %v, %v", key, ok)
	}
	place := pass.Place{Index: 7, Since: statuslist.Edition{Version: 1}}
	for _, c := range []struct {
		day pass.Day
		ok  bool
	}{{k.FirstDay - 1, false}, {k.FirstDay, true}, {k.FirstDay + 5, true}, {k.FirstDay + 6, false}} {
		block, err := k.Ciphers().SealDay(c.day, place)
		alone, aloneErr := pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{c.day: {'d', byte(c.day)}}, nil).SealDay(c.day, place)
		if aloneErr != nil || (err == nil) != c.ok || c.ok && block != alone {
			t.Errorf("day %v is sealed as %x, %v, want %x", c.day, block, err, alone)
		}
	}
	if _, err := k.Ciphers().SealMonth(k.FirstMonth+6, place); err != nil {
		t.Error(err)
	}
	few := k.From(k.FirstDay+2, 2, k.FirstMonth+5, 9)
	if len(few.Days) != 2 || few.Days[0] != k.Days[2] || few.FirstDay != k.FirstDay+2 || len(few.Months) != 2 || few.FirstMonth != k.FirstMonth+5 {
		t.Errorf("a part: %+v", few)
	}
	if early := k.From(k.FirstDay-10, 12, k.FirstMonth, 1); early.FirstDay != k.FirstDay || len(early.Days) != 2 {
		t.Errorf("from a day before the first: %+v", early)
	}
	if late := k.From(k.FirstDay+50, 2, k.FirstMonth+50, 1); len(late.Days)+len(late.Months) != 0 {
		t.Errorf("after the last day: %+v", late)
	}
}

func FuzzOpen(f *testing.F) {
	door := newDoor(f)
	envelope := seal(f, door, sample(t0, 7))
	f.Add(envelope)
	f.Add(envelope[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := Open(data, registryPublic(), door)
		if err == nil && !bytes.Equal(data, envelope) {
			t.Fatalf("opened what nobody sealed: %+v", k)
		}
	})
}

// FuzzContents reads whatever a registry seals.
func FuzzContents(f *testing.F) {
	door := newDoor(f)
	for _, k := range []Keys{sample(t0, 7), sample(t0)} {
		text, err := sign1.Marshal(plain{Lists: k.Lists, FirstDay: k.FirstDay, Days: k.Days, FirstMonth: k.FirstMonth, Months: k.Months})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(int64(1), text)
	}
	f.Fuzz(func(t *testing.T, issued int64, text []byte) {
		envelope := forgeText(t, door, issued, text)
		k, err := Open(envelope, registryPublic(), door)
		if err != nil {
			return
		}
		if _, err := Seal(registryKey, door.PublicKey(), k); err != nil {
			t.Fatalf("opened %+v, which cannot be sealed: %v", k, err)
		}
		again, err := sign1.Marshal(plain{Lists: k.Lists, FirstDay: k.FirstDay, Days: k.Days, FirstMonth: k.FirstMonth, Months: k.Months})
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%x is a second encoding of %x: %v", text, again, err)
		}
	})
}
