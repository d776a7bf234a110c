package server

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/store"
)

// enrolledBox is a door that has just enrolled.
func (r *rig) enrolledBox(network *pipes, name, device string) *box {
	r.Helper()
	b := r.newBox(network, device)
	if code, said := b.enrol(codesFor(r, name)[0]); code != http.StatusOK {
		r.Fatalf("enrol: %d %s", code, said)
	}
	return b
}

// keysOf opens an answer with a door's own key.
func (r *rig) keysOf(b *box, envelope []byte) (doorkeys.Keys, error) {
	return doorkeys.Open(envelope, r.opt.RegistryKey.Public().(ed25519.PublicKey), b.door)
}

// stickOf is a door's envelope as an administrator gets it.
func (r *rig) stickOf(path, key string) []byte {
	r.Helper()
	var a StickKeysAnswer
	if err := json.Unmarshal(r.call(http.MethodGet, path, key, "").Body.Bytes(), &a); err != nil {
		r.Fatal(err)
	}
	envelope, err := base64.RawURLEncoding.DecodeString(a.Envelope)
	if err != nil || len(a.File) != 16 {
		r.Fatalf("file %q, %v", a.File, err)
	}
	return envelope
}

func (r *rig) idOf(name string) int64 {
	r.Helper()
	d, ok := overviewOf(r.TB.(*testing.T), r)[name]
	if !ok {
		r.Fatalf("there is no door %q", name)
	}
	return d.ID
}

func TestDoorsOnlyGetKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		door, other := r.enrolledBox(network, "door", boardA), r.enrolledBox(network, "other", boardB)
		get := func(b *box) []byte {
			t.Helper()
			w := r.callAs(b, http.MethodGet, api.PathDoorKeys, nil)
			if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %s, to be cached: %q", w.Code, w.Body, w.Header().Get("Cache-Control"))
			}
			return w.Body.Bytes()
		}
		envelope := get(door)
		keys, err := r.keysOf(door, envelope)
		if err != nil {
			t.Fatal(err)
		}
		today, month := pass.DayOf(now()), pass.MonthOf(now())
		if keys.FirstDay != today-1 || len(keys.Days) != 6 || keys.FirstMonth != month || len(keys.Months) != 7 || !keys.Issued.Equal(now()) {
			t.Errorf("keys from day %d (%d) and month %d (%d), of %v", keys.FirstDay, len(keys.Days), keys.FirstMonth, len(keys.Months), keys.Issued)
		}
		if _, err := r.keysOf(other, envelope); !errors.Is(err, doorkeys.ErrOther) {
			t.Errorf("another door opens it: %v", err)
		}
		theirs, err := r.keysOf(other, get(other))
		if err != nil || theirs.Days[1] != keys.Days[1] || theirs.Months[0] != keys.Months[0] {
			t.Errorf("two doors have different keys: %v", err)
		}

		// A stick: whoever carries it can fetch it and not read it.
		path := fmt.Sprintf("%s/%d/keys", PathDoors, r.idOf("door"))
		stick := r.stickOf(path, adminKey)
		if same, err := r.keysOf(door, stick); err != nil || same.Days[0] != keys.Days[0] {
			t.Errorf("for a stick: %v", err)
		}
		for _, key := range keys.Days {
			if bytes.Contains(stick, key[:]) {
				t.Error("the administrator sees a key")
			}
		}
		for what, want := range map[string]int{
			PathDoors + "/x/keys": http.StatusBadRequest, PathDoors + "/999/keys": http.StatusNotFound, path: http.StatusOK,
		} {
			if w := r.call(http.MethodGet, what, adminKey, ""); w.Code != want {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
		}
		for _, key := range []string{"", strangeKey} {
			if w := r.call(http.MethodGet, path, key, ""); w.Code != http.StatusUnauthorized {
				t.Errorf("a stranger gets %d", w.Code)
			}
		}

		// A day later the keys have moved on.
		r.pass(24 * time.Hour)
		later, err := r.keysOf(door, get(door))
		if err != nil || later.FirstDay != today || later.Days[0] != keys.Days[1] {
			t.Errorf("a day later: from day %d, %v", later.FirstDay, err)
		}

		// While a turnover is announced a door gets the next list key, too.
		r.post(PathRevokeDoor, adminKey, RevokeDoorRequest{Name: "other"}, nil)
		time.Sleep(time.Minute) // fake
		live, got := r.listKeys(), keyring{}
		announced, err := r.keysOf(door, get(door))
		for _, list := range announced.Lists {
			got[list.Generation] = list.Key
		}
		if err != nil || len(live) != 2 || !maps.Equal(got, live) {
			t.Errorf("%d list keys, %v, want the %d of the registry", len(got), err, len(live))
		}
	})
}

func TestDoorsOnlyWhileTheyAreNotRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		door := r.enrolledBox(network, "door", boardA)
		codesFor(r, "waiting")
		path := fmt.Sprintf("%s/%d/keys", PathDoors, r.idOf("door"))
		if w := r.call(http.MethodGet, fmt.Sprintf("%s/%d/keys", PathDoors, r.idOf("waiting")), adminKey, ""); w.Code != http.StatusConflict {
			t.Errorf("a door that is not enrolled: %d %s", w.Code, w.Body)
		}
		r.post(PathRevokeDoor, adminKey, RevokeDoorRequest{Name: "door"}, nil)
		refused := func(what string, code int, body []byte) {
			t.Helper()
			var said api.Error
			if err := json.Unmarshal(body, &said); err != nil || code != http.StatusForbidden || said.Code != api.CodeRevoked {
				t.Errorf("%s: %d %s", what, code, body)
			}
		}
		w := r.callAs(door, http.MethodGet, api.PathDoorKeys, nil)
		refused("a revoked door", w.Code, w.Body.Bytes())
		w = r.call(http.MethodGet, path, adminKey, "")
		refused("a stick for a revoked door", w.Code, w.Body.Bytes())

		// Enrolled again it has another key. What is sealed from now on, the old one does not open.
		again := r.enrolledBox(network, "door", boardB)
		w = r.callAs(again, http.MethodGet, api.PathDoorKeys, nil)
		if _, err := r.keysOf(again, w.Body.Bytes()); err != nil {
			t.Errorf("enrolled again: %d %v", w.Code, err)
		}
		if _, err := r.keysOf(door, w.Body.Bytes()); !errors.Is(err, doorkeys.ErrOther) {
			t.Errorf("the card of before: %v", err)
		}
	})
}

// An administrator of a region gets sticks for the doors of that region.
func TestDoorsOnlyOfARegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		shop, cinema := r.places()
		r.enrolledBox(network, "of no venue", boardA)
		own := r.doorOf(network, "own", shop)
		r.doorOf(network, "another's", cinema)
		regional := r.account(adminKey, AccountRequest{Name: "Aru", Role: store.Regional, Region: "KZ-75"})
		for name, want := range map[string]int{"own": http.StatusOK, "another's": http.StatusForbidden, "of no venue": http.StatusForbidden} {
			path := fmt.Sprintf("%s/%d/keys", PathDoors, r.idOf(name))
			w := r.call(http.MethodGet, path, regional.Key, "")
			if w.Code != want {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
			if w.Code == http.StatusOK {
				if _, err := r.keysOf(own, r.stickOf(path, regional.Key)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}
