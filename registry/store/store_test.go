package store

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// moment zero of the tests, and two numbers with right check digits that nobody has.
var t0 = time.Date(2021, 4, 20, 12, 0, 0, 0, time.UTC)

const ann, bob = IIN("011399500018"), IIN("011399500107")

// TestContract holds both databases to the same behaviour.
func TestContract(t *testing.T) {
	addresses := map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "a b%?#.db") },
		"postgres": func(t *testing.T) string { return storetest.Postgres(t) },
	}
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			for _, test := range []struct {
				name string
				run  func(*testing.T, *Store)
			}{
				{"records", testRecords}, {"batches", testBatches}, {"corrections", testCorrections}, {"withdrawals", testWithdrawals}, {"limit of withdrawals", testTooManyEnds},
				{"all of a source", testBulk}, {"history", testHistory}, {"comparison", testComparison}, {"settle", testSettle}, {"everything at once", testEverythingAtOnce}, {"deadlock", testDeadlock}, {"two corrections at once", testCorrectionRace}, {"waiting", testWaiting}, {"counts", testCounts}, {"imports", testImports}, {"too many wait", testTooManyWait}, {"sources' keys", testKeys}, {"accounts", testAccounts}, {"tallies", testTallies}, {"rules", testRules}, {"checks", testChecks}, {"codes", testCodes}, {"a free index", testFreeIndex}, {"paper and revocation", testPaper}, {"sign in", testSignIn}, {"messages are limited", testSignInLimits}, {"wrong codes", testWrongCodes}, {"phones", testPhones}, {"top-ups", testTopUp}, {"phones' keys", testPhoneKeys}, {"doors", testDoors},
				{"publishing", testPublishing}, {"due", testDue}, {"derive again", testDeriveAgain}, {"overview", testOverview}, {"two phones at once", testRace},
				{"enrol", testEnrol}, {"renew", testRenew}, {"revoke a door", testRevokeDoor}, {"releases", testReleases}, {"two boards at once", testDoorRace},
				{"regions and venues", testPlaces}, {"one venue", testSaveVenue}, {"pages of venues", testVenuePages}, {"loading", testLoad}, {"occupancy", testOccupancy},
				{"alarms", testAlarms}, {"an owner", testOwner}, {"entrances", testEntrances}, {"list keys", testListKeys}, {"turnover", testTurnover}, {"list keys at once", testListKeysAtOnce}, {"list keys of a replaced door", testListKeysReplaced}, {"replacing a door", testReplace}, {"messages", testMessages}, {"a file of venues", testVenueImport},
				{"visits", testVisits}, {"visits after a revocation", testVisitsAfterRevocation}, {"visits at once", testVisitsRace}, {"keys of places", testPlaceKeys}, {"a clock that jumps", testRatchetClock}, {"two registries make one ratchet", testRatchetRace},
			} {
				t.Run(test.name, func(t *testing.T) {
					at := address(t)
					s := open(t, at)
					test.run(t, s)
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					if err := open(t, at).Close(); err != nil { // the schema is there already
						t.Fatal(err)
					}
				})
			}
		})
	}
}

func open(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// publish makes version n, whose sections changed in these versions, with blobs made up.
func publish(t *testing.T, s *Store, version uint64, sections ...uint64) api.Manifest {
	t.Helper()
	m := api.Manifest{Version: version, List: "ashyq:test", Generation: 1_500_000_000}
	rules, keys := []byte("rules"), []byte("keys")
	m.Rules, m.Keys = api.HashOf(rules), api.HashOf(keys)
	blobs := [][]byte{rules, keys}
	put := func(text string, args ...any) api.Hash {
		blobs = append(blobs, fmt.Appendf(nil, text, args...))
		return api.HashOf(blobs[len(blobs)-1])
	}
	for id, v := range sections {
		m.Sections = append(m.Sections, api.Section{Version: v, Changed: v, Size: 7, Blob: put("section %d %d", id, v)})
	}
	m.Deltas = make([][]api.Delta, Levels)
	for to := version; to > 1 && to+10 > version; to-- {
		m.Deltas[0] = append(m.Deltas[0], api.Delta{From: to - 1, To: to, Size: 3, Blob: put("delta to %d", to)})
		if to%2 == 0 {
			m.Deltas[1] = append(m.Deltas[1], api.Delta{From: max(to-2, 1), To: to, Size: 4, Blob: put("merged delta to %d", to)})
		}
	}
	must(t, s.Publish(t.Context(), leads(t, s), m, blobs, nil, t0))
	return m
}

// list makes the next version, which holds every new pass.
func list(t *testing.T, s *Store) statuslist.Edition {
	t.Helper()
	due, err := s.Due(t.Context(), t0, 1000)
	must(t, err)
	var derived []Derived
	for _, c := range due {
		derived = append(derived, Derived{Citizen: c})
	}
	next, err := s.Published(t.Context())
	must(t, err)
	next.Version++
	must(t, s.Publish(t.Context(), leads(t, s), next, nil, freshOf(derived), t0))
	must(t, s.PutDerived(t.Context(), leads(t, s), derived))
	return next.Edition()
}

// freshOf are the new passes of whom was derived.
func freshOf(derived []Derived) (fresh []uint64) {
	for _, one := range derived {
		for _, p := range one.Citizen.Passes {
			if p.New {
				fresh = append(fresh, p.Index)
			}
		}
	}
	return fresh
}

func credential(phone ed25519.PublicKey) Credential { return Credential{Phone: phone} }

func phoneKey(n byte) ed25519.PublicKey { return bytes.Repeat([]byte{n}, ed25519.PublicKeySize) }

func addSource(t *testing.T, s *Store, name string) int64 {
	t.Helper()
	must(t, s.AddSource(t.Context(), name, "laboratory", "", SecretOf(name), 100))
	source, err := s.SourceOf(t.Context(), SecretOf(name))
	must(t, err)
	return source.ID
}

// enter enters one record.
func enter(t *testing.T, s *Store, source int64, e Entry, at time.Time) (Outcome, error) {
	t.Helper()
	outcomes, err := s.Enter(t.Context(), source, []Entry{e}, "clerk", at)
	if err != nil {
		return Outcome{}, err
	}
	return outcomes[0], outcomes[0].Err
}

func addResult(t *testing.T, s *Store, source int64, iin IIN, sample string, r Record, at time.Time) (waits bool, err error) {
	t.Helper()
	to, err := enter(t, s, source, Entry{IIN: iin, Sample: sample, Kind: r.Kind, At: r.At}, at)
	return to.Waits, err
}

func addContact(t *testing.T, s *Store, source int64, iin IIN, since, at time.Time) (waits bool, err error) {
	t.Helper()
	return addResult(t, s, source, iin, "", Record{Kind: Contact, At: since}, at)
}

// stored wants a record to count at once.
func stored(t *testing.T) func(bool, error) {
	t.Helper()
	return func(waits bool, err error) {
		t.Helper()
		must(t, err)
		if waits {
			t.Fatal("the record waits")
		}
	}
}

func conflicts(t *testing.T, what string) func(bool, error) {
	t.Helper()
	return func(_ bool, err error) {
		t.Helper()
		wants(t, what, err, ErrConflict)
	}
}

func TestNewerSchema(t *testing.T) {
	file := filepath.Join(t.TempDir(), "registry.db")
	s := open(t, file)
	_, err := s.write.ExecContext(t.Context(), `UPDATE schema_version SET version = 99`)
	must(t, err)
	must(t, s.Close())
	if _, err := Open(t.Context(), file); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("opened a newer schema: %v", err)
	}
}
