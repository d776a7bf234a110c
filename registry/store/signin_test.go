package store

import (
	"fmt"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

const annsNumber = "+77010000001"

func loadPeople(t *testing.T, s *Store, people ...Resident) {
	t.Helper()
	must(t, s.LoadPeople(t.Context(), File{}, people, len(people)))
}

// request asks for a code for somebody, like short-1 and long-1, in session-1.
func request(t *testing.T, s *Store, iin IIN, n int, asker string, at time.Time) (number string, short bool) {
	t.Helper()
	q := SignInRequest{
		Session: SecretOf(fmt.Sprint("session-", n)), IIN: iin, Asker: SecretOf(asker), AllowShort: true,
		Short: SecretOf(fmt.Sprint("short-", n)), Long: SecretOf(fmt.Sprint("long-", n)),
	}
	number, short, err := s.RequestSignIn(t.Context(), q, at)
	must(t, err)
	return number, short
}

// signInAs tells, too, whether the code was counted as a wrong one.
func signInAs(t *testing.T, s *Store, n int, code string, phone byte, at time.Time) (got Credential, wrong bool, err error) {
	t.Helper()
	all := Limit{Name: "wrong codes", Every: time.Second, AtOnce: 1e6}
	before, err := unused(t.Context(), s.read, all, at)
	must(t, err)
	got, refused := s.SignIn(t.Context(), SecretOf(fmt.Sprint("session-", n)), SecretOf(code), true, credential(phoneKey(phone)), all, at)
	after, err := unused(t.Context(), s.read, all, at)
	must(t, err)
	return got, after != before, refused
}

func testSignIn(t *testing.T, s *Store) {
	publish(t, s, 1, 1)
	loadPeople(t, s, Resident{IIN: ann, Name: "Ann", Phone: annsNumber})
	number, short := request(t, s, ann, 1, "home", t0)
	if number != annsNumber || !short {
		t.Errorf("the code goes to %q, short: %v", number, short)
	}
	_, _, err := signInAs(t, s, 1, "long-1", 1, t0)
	wants(t, "the longer code", err, ErrWrongCode)
	_, _, err = signInAs(t, s, 2, "short-1", 1, t0)
	wants(t, "another session", err, ErrWrongCode)
	first, _, err := signInAs(t, s, 1, "short-1", 1, t0)
	must(t, err)
	again, _, err := signInAs(t, s, 1, "short-1", 1, t0)
	must(t, err)
	if again.Index != first.Index {
		t.Error("the same phone got another pass")
	}
	_, _, err = signInAs(t, s, 1, "short-1", 2, t0)
	wants(t, "another phone with the same code", err, ErrWrongCode)

	request(t, s, ann, 2, "home", t0)
	_, _, err = signInAs(t, s, 2, "short-2", 2, t0.Add(SignInLasts))
	wants(t, "an old code", err, ErrWrongCode)

	request(t, s, ann, 3, "elsewhere", t0)
	must(t, s.Revoke(t.Context(), ann, t0))
	_, _, err = signInAs(t, s, 3, "short-3", 3, t0)
	wants(t, "a code from before the revocation", err, ErrWrongCode)

	// Somebody without a number, and somebody who is not registered: nothing is sent, and each code
	// is refused like a wrong one, as often.
	loadPeople(t, s, Resident{IIN: bob, Name: "Bob"})
	for n, iin := range map[int]IIN{10: bob, 11: "011399500206"} {
		if number, short := request(t, s, iin, n, "home", t0); number != "" || !short {
			t.Errorf("%d: %q, short: %v", n, number, short)
		}
		for range 7 {
			_, wrong, err := signInAs(t, s, n, fmt.Sprint("short-", n), 1, t0)
			wants(t, "somebody without a number", err, ErrWrongCode)
			if wrong {
				t.Error("a code that nobody got counts as a wrong one")
			}
		}
		if known, err := s.HasSignIn(t.Context(), SecretOf(fmt.Sprint("session-", n)), t0); !known || err != nil {
			t.Errorf("the session is known: %v, %v", known, err)
		}
	}
}

func testSignInLimits(t *testing.T, s *Store) {
	loadPeople(t, s, Resident{IIN: ann, Phone: annsNumber}, Resident{IIN: bob, Phone: annsNumber},
		Resident{IIN: "011399500206", Phone: annsNumber})
	n := 0
	sent := func(iin IIN, asker string, at time.Time) bool {
		n++
		number, _ := request(t, s, iin, n, asker, at)
		return number != ""
	}
	many := func(iin IIN, asker string, tries int, at time.Time) (all int) {
		for range tries {
			if sent(iin, asker, at) {
				all++
			}
		}
		return all
	}
	if got := many(ann, "a", 9, t0); got != SentTo {
		t.Errorf("%d messages for one asker, want %d", got, SentTo)
	}
	got := SentTo
	for asker := range 9 {
		got += many(ann, fmt.Sprint("other", asker), 3, t0)
	}
	if got != SentDaily {
		t.Errorf("%d messages to one person, want %d", got, SentDaily)
	}
	for asker := range 9 {
		got += many(bob, fmt.Sprint("b", asker), 3, t0) + many("011399500206", fmt.Sprint("c", asker), 3, t0)
	}
	if got != 2*SentDaily {
		t.Errorf("%d messages to one number, want %d", got, 2*SentDaily)
	}
	if day := t0.Add(24 * time.Hour); sent(ann, "new", day.Add(-time.Second)) || !sent(ann, "new", day) {
		t.Error("a day later there is no message, or one too early")
	}
}

// Wrong codes make later ones longer, and keep nobody out.
func testWrongCodes(t *testing.T, s *Store) {
	publish(t, s, 1, 1)
	loadPeople(t, s, Resident{IIN: ann, Phone: annsNumber})
	n, wrongs := 0, 0
	for day := t0; wrongs < ShortWrong; day = day.Add(25 * time.Hour) {
		n++
		if _, short := request(t, s, ann, n, "thief", day); !short {
			t.Fatalf("after %d wrong codes they are long", wrongs)
		}
		for try := range SignInTries + 2 {
			_, wrong, err := signInAs(t, s, n, "guess", 1, day)
			wants(t, "a guess", err, ErrWrongCode)
			if wrong != (try < SignInTries) {
				t.Errorf("try %d counts: %v", try, wrong)
			}
			if wrong {
				wrongs++
			}
		}
		_, _, err := signInAs(t, s, n, fmt.Sprint("short-", n), 1, day)
		wants(t, "the right code after too many tries", err, ErrWrongCode)
	}
	later := t0.Add(30 * 24 * time.Hour)
	if _, short := request(t, s, ann, 100, "home", later); short {
		t.Error("codes stay short")
	}
	_, _, err := signInAs(t, s, 100, "short-100", 2, later)
	wants(t, "the beginning of the long code", err, ErrWrongCode)
	_, _, err = signInAs(t, s, 100, "long-100", 2, later)
	must(t, err)
	if _, short := request(t, s, ann, 101, "home", t0.Add(366*24*time.Hour)); !short {
		t.Error("after a year codes stay long")
	}
	// A short code that was sent before there were too many wrong ones.
	request(t, s, ann, 102, "home", t0.Add(400*24*time.Hour))
	_, err = s.write.ExecContext(t.Context(), `UPDATE wrong_codes SET n = $1, since = $2`, ShortWrong,
		t0.Add(400*24*time.Hour).Unix())
	must(t, err)
	_, _, err = signInAs(t, s, 102, "short-102", 3, t0.Add(400*24*time.Hour))
	wants(t, "a short code", err, ErrWrongCode)
}

func testPhones(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	add := func(iin IIN, n byte, at time.Time) {
		t.Helper()
		code := fmt.Sprint("code", n)
		must(t, s.PutCode(ctx, iin, SecretOf(code), at.Add(time.Hour)))
		_, err := s.Activate(ctx, SecretOf(code), Credential{Phone: phoneKey(n), Name: fmt.Sprint("phone ", n)}, at)
		must(t, err)
	}
	add(ann, 1, t0)
	add(ann, 2, t0.Add(time.Minute))
	add(bob, 9, t0)
	one, two, strange := phoneKey(1), phoneKey(2), phoneKey(9)
	phones := func() []Phone {
		t.Helper()
		got, err := s.PhonesOf(ctx, one)
		must(t, err)
		return got
	}
	day := pass.DayOf(t0)
	for _, last := range []pass.Day{day + 30, day + 7} { // asked for less, and still has the rest
		_, err := s.TopUp(ctx, one, last, t0)
		must(t, err)
	}
	got := phones()
	if len(got) != 2 || got[0].Name != "phone 2" || got[0].Own || !got[1].Own || !got[1].Used.Equal(day.Start()) ||
		!got[1].Until.Equal((day + 31).Start()) || !got[0].Until.IsZero() || !got[1].Added.Equal(t0) {
		t.Errorf("phones: %+v", got)
	}
	wants(t, "somebody else's phone", s.RevokePhone(ctx, strange, got[0].ID, t0), ErrNotFound)
	must(t, s.RevokePhone(ctx, one, got[0].ID, t0))
	wants(t, "twice", s.RevokePhone(ctx, one, got[0].ID, t0), ErrNotFound)
	_, err := s.PhonesOf(ctx, two)
	wants(t, "a revoked phone lists phones", err, ErrNotFound)
	_, err = s.OwnHistory(ctx, two)
	wants(t, "a revoked phone reads the history", err, ErrNotFound)
	wants(t, "a revoked phone disputes", s.Dispute(ctx, two, "no", t0), ErrNotFound)
	must(t, s.PutCodeOf(ctx, one, SecretOf("moved"), t0.Add(time.Hour), t0))
	_, err = s.Activate(ctx, SecretOf("moved"), credential(phoneKey(3)), t0.Add(time.Hour/2))
	must(t, err)
	if got := phones(); len(got) != 2 {
		t.Errorf("after a move: %+v", got)
	}
	// The third and the fourth. The one that was not used for longest makes room.
	_, err = s.TopUp(ctx, one, day+32, t0.Add(48*time.Hour))
	must(t, err)
	add(ann, 4, t0.Add(time.Hour))
	add(ann, 5, t0.Add(2*time.Hour))
	var names []string
	for _, p := range phones() {
		names = append(names, p.Name)
	}
	if fmt.Sprint(names) != "[phone 5 phone 4 phone 1]" {
		t.Errorf("phones: %q", names)
	}
}

func testTopUp(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	must(t, s.PutCode(ctx, ann, SecretOf("1"), t0.Add(time.Hour)))
	c, err := s.Activate(ctx, SecretOf("1"), credential(phoneKey(1)), t0)
	must(t, err)
	day := pass.DayOf(t0)
	topUp := func(phone byte, at time.Time) (Credential, error) { return s.TopUp(ctx, phoneKey(phone), day, at) }

	got, err := topUp(1, t0)
	if err != nil || got.Index != c.Index || got.Since.Version != 0 {
		t.Errorf("before a list holds it: %+v, %v, want the index %d", got, err, c.Index)
	}
	since := list(t, s)
	for range TopUpsDaily - 1 {
		if got, err := topUp(1, t0); err != nil || got.Index != c.Index || got.Since != since {
			t.Errorf("%+v, %v, want the index %d since %v", got, err, c.Index, since)
		}
	}
	_, err = topUp(1, t0)
	wants(t, "too often", err, ErrTopUps)
	must(t, s.Suspend(ctx, ann, t0))
	_, err = topUp(1, t0.Add(24*time.Hour))
	must(t, err) // on the next day, and suspended
	_, err = topUp(2, t0)
	wants(t, "a phone without a pass", err, ErrNotFound)
	must(t, s.Revoke(ctx, ann, t0))
	_, err = topUp(1, t0.Add(48*time.Hour))
	wants(t, "revoked", err, ErrPassRevoked)
}

// A phone's key is one pass's. The phone whose answer was lost may come back with another code.
func testPhoneKeys(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	activate := func(iin IIN, code string, phone byte) (Credential, error) {
		t.Helper()
		must(t, s.PutCode(ctx, iin, SecretOf(code), t0.Add(time.Hour)))
		return s.Activate(ctx, SecretOf(code), credential(phoneKey(phone)), t0)
	}
	first, err := activate(ann, "1", 1)
	must(t, err)
	if again, err := activate(ann, "2", 1); err != nil || again.Index != first.Index {
		t.Errorf("another code of the same person: index %d, %v, want %d", again.Index, err, first.Index)
	}
	_, err = activate(bob, "3", 1)
	wants(t, "another person's code", err, ErrKeyUsed)
	_, err = s.Activate(ctx, SecretOf("3"), credential(phoneKey(2)), t0)
	must(t, err) // and that code is still unused
	must(t, s.Revoke(ctx, ann, t0))
	_, err = activate(ann, "4", 1)
	wants(t, "a revoked key", err, ErrKeyUsed)
}
