package server

import (
	"cmp"
	"crypto/ed25519"
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// linker links the codes of one day with those of another, given all bytes of all codes and no
// keys. It collects everything that two codes can have in common, and believes in what few others
// have.
type linker struct {
	common []common
	seed   maphash.Seed
}

// common is something that a code has.
type common struct {
	what uint64
	day  uint8
	code int32
}

// rare is how many codes of a day may have something that tells two of them from the others.
const rare = 20

func (l *linker) add(day int, code int, kind byte, what []byte) {
	h := maphash.Bytes(l.seed, append([]byte{kind}, what...))
	l.common = append(l.common, common{h, uint8(day), int32(code)})
}

// read takes a code apart. What is no pass, because it leaks, is read by its bytes alone.
func (l *linker) read(t *testing.T, day, i int, text string) {
	t.Helper()
	message, err := pass.DecodeBase45(strings.TrimPrefix(text, pass.Prefix))
	if err != nil {
		t.Fatal(err)
	}
	for at := range len(message) - 3 {
		l.add(day, i, 0, message[at:at+4])
	}
	l.add(day, i, 1, binary.BigEndian.AppendUint32(nil, uint32(len(message))))
	l.add(day, i, 2, message[len(message)-64:][:8]) // how the phone's signature begins
	code, err := pass.Parse([]byte(text))
	if err != nil {
		return
	}
	c := code.Credential
	l.add(day, i, 3, c.Issuer[:])
	l.add(day, i, 4, c.Holder)
	l.add(day, i, 5, c.Block[:])
	l.add(day, i, 6, c.Block[:8])
	l.add(day, i, 7, c.Block[8:])
}

// links gives a code of the second day for each of the first.
func (l *linker) links(n int) []int {
	slices.SortFunc(l.common, func(a, b common) int { return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.day, b.day)) })
	score := make([]map[int32]float64, n)
	for len(l.common) > 0 {
		end := slices.IndexFunc(l.common, func(c common) bool { return c.what != l.common[0].what })
		if end < 0 {
			end = len(l.common)
		}
		group := l.common[:end]
		l.common = l.common[end:]
		split := slices.IndexFunc(group, func(c common) bool { return c.day == 1 })
		if split <= 0 || split > rare || len(group)-split > rare {
			continue
		}
		for _, a := range group[:split] {
			for _, b := range group[split:] {
				if score[a.code] == nil {
					score[a.code] = map[int32]float64{}
				}
				score[a.code][b.code] += 1 / float64(split*(len(group)-split))
			}
		}
	}
	guess := make([]int, n)
	for a := range guess {
		guess[a] = a // nothing in common: anybody
		best := 0.0
		for b, s := range score[a] {
			if s > best || s == best && int(b) < guess[a] {
				guess[a], best = int(b), s
			}
		}
	}
	return guess
}

// A town has phones whose codes of two days somebody collects. Everything is made from seeds, so
// that the linker's luck is the same in each run.
type linkedTown struct {
	*rig
	random *rand.Rand
}

// leak changes how a code is made: it says what two days have in common.
type leak func(w *linkedTown, phone, day int, sealed []byte, holder ed25519.PrivateKey, at time.Time) string

// linked counts the phones whose codes of two days the linker puts together.
func (w *linkedTown) linked(t *testing.T, phones int, leaks leak) (right int) {
	t.Helper()
	l := &linker{seed: maphash.MakeSeed()}
	codes := [2][]string{make([]string, phones), make([]string, phones)}
	order := [2][]int{w.random.Perm(phones), w.random.Perm(phones)}
	for phone := range phones {
		c := store.Credential{Index: uint64(w.random.Uint32()), Since: statuslist.Edition{Version: 1 + uint64(w.random.IntN(1000))}}
		var days []pass.DayKey
		var holders []ed25519.PrivateKey
		for day := range 2 {
			holders = append(holders, w.newKey())
			days = append(days, pass.DayKey{Day: pass.DayOf(now()) + pass.Day(day), Holder: holders[day].Public().(ed25519.PublicKey)})
		}
		sealed, err := w.issue(w.Context(), c, days) // as a top-up does
		w.must(err)
		for day := range 2 {
			at := days[day].Day.Start().Add(time.Duration(w.random.IntN(12*3600)) * time.Second)
			code := ""
			if leaks != nil {
				code = leaks(w, phone, day, sealed[day], holders[day], at)
			} else {
				code, err = pass.Rotate(holders[day], sealed[day], at)
				w.must(err)
			}
			codes[day][order[day][phone]] = code
		}
	}
	for day := range 2 {
		for i, code := range codes[day] {
			l.read(t, day, i, code)
		}
	}
	guess := l.links(phones)
	for phone := range phones {
		if guess[order[0][phone]] == order[1][phone] {
			right++
		}
	}
	return right
}

func (w *linkedTown) newKey() ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(w.random.Uint32())
	}
	return ed25519.NewKeyFromSeed(seed)
}

func newLinkedTown(t *testing.T) *linkedTown {
	w := &linkedTown{newRig(t), rand.New(rand.NewPCG(17, 1))}
	days := map[pass.Day]pass.PlaceKey{}
	for day := range pass.Day(3) {
		days[pass.DayOf(now())+day] = pass.PlaceKey{byte(day), 1}
	}
	w.keys = daysKeys{day: pass.DayOf(now()), keys: pass.NewPlaceKeys(days, nil)}
	return w
}

// TestUnlinkable: whoever collects the codes of 10,000 phones on two days, and has no keys, puts no
// more of them together than by luck.
func TestUnlinkable(t *testing.T) {
	const most = 5
	phones := 10_000
	if testing.Short() {
		phones = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		right := newLinkedTown(t).linked(t, phones, nil)
		t.Logf("%d of %d phones linked", right, phones)
		if right > most {
			t.Errorf("%d of %d phones linked, want at most %d", right, phones, most)
		}
	})
}

// TestUnlinkableCatchesLeaks: the same linker finds nearly all phones where a code has something of
// its phone.
func TestUnlinkableCatchesLeaks(t *testing.T) {
	phones := 2000
	if testing.Short() {
		phones = 200
	}
	least := phones * 99 / 100
	keys := map[int]ed25519.PrivateKey{}
	of := func(w *linkedTown, phone int) ed25519.PrivateKey {
		if keys[phone] == nil {
			keys[phone] = w.newKey()
		}
		return keys[phone]
	}
	for name, leaks := range map[string]leak{
		"kid by phone": func(w *linkedTown, phone, _ int, sealed []byte, holder ed25519.PrivateKey, at time.Time) string {
			c := w.opened(sealed)
			return w.code(of(w, phone), c, holder, at)
		},
		"expiry by phone": func(w *linkedTown, phone, _ int, sealed []byte, holder ed25519.PrivateKey, at time.Time) string {
			c := w.opened(sealed)
			expires := uint32(1_767_000_000 + phone*7919)
			payload, err := sign1.Marshal([]any{uint16(c.Day), c.Block[:], []byte(c.Holder), expires})
			w.must(err)
			return w.shown(w.opt.IssuerKey, payload, holder, at)
		},
		"reused key": func(w *linkedTown, phone, _ int, sealed []byte, _ ed25519.PrivateKey, at time.Time) string {
			return w.code(w.opt.IssuerKey, w.opened(sealed), of(w, phone), at)
		},
		"reused block": func(w *linkedTown, phone, _ int, sealed []byte, holder ed25519.PrivateKey, at time.Time) string {
			c := w.opened(sealed)
			c.Block = pass.Block(of(w, phone)[:16])
			return w.code(w.opt.IssuerKey, c, holder, at)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clear(keys)
				right := newLinkedTown(t).linked(t, phones, leaks)
				t.Logf("%d of %d phones linked", right, phones)
				if right < least {
					t.Errorf("%d of %d phones linked, want at least %d: the linker does not see the leak", right, phones, least)
				}
			})
		})
	}
}

func (w *linkedTown) opened(sealed []byte) pass.Credential {
	w.Helper()
	c, err := pass.OpenCredential(sealed)
	w.must(err)
	return c
}

// code is a rotating code of a credential that an issuer has sealed for a holder.
func (w *linkedTown) code(issuer ed25519.PrivateKey, c pass.Credential, holder ed25519.PrivateKey, at time.Time) string {
	w.Helper()
	sealed, err := pass.Issue(issuer, c.Day, c.Block, holder.Public().(ed25519.PublicKey))
	w.must(err)
	text, err := pass.Rotate(holder, sealed, at)
	w.must(err)
	return text
}

// shown is a rotating code whose credential has any payload.
func (w *linkedTown) shown(issuer ed25519.PrivateKey, payload []byte, holder ed25519.PrivateKey, at time.Time) string {
	w.Helper()
	id := sign1.IDOf(issuer.Public().(ed25519.PublicKey))
	credential, err := sign1.Seal(issuer, sign1.Header{KeyID: &id}, payload)
	w.must(err)
	presented, err := sign1.Marshal([]any{uint32(at.Unix()), credential})
	w.must(err)
	message, err := sign1.Seal(holder, sign1.Header{}, presented)
	w.must(err)
	return pass.Prefix + pass.EncodeBase45(message)
}
