package store

import (
	"fmt"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
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

func signInAs(t *testing.T, s *Store, n int, code string, phone byte, at time.Time) (Credential, bool, error) {
	t.Helper()
	return s.SignIn(t.Context(), SecretOf(fmt.Sprint("session-", n)), SecretOf(code), true, credential(holder(phone)), at)
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

	// Somebody without a number, and somebody who is not registered: nothing is sent, and each code is
	// refused like a wrong one, as often.
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
		if known, err := s.HasSignIn(t.Context(), SecretOf(fmt.Sprint("session-", n))); !known || err != nil {
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
	add := func(iin IIN, n byte, at time.Time) Credential {
		t.Helper()
		code := fmt.Sprint("code", n)
		must(t, s.PutCode(ctx, iin, SecretOf(code), at.Add(time.Hour)))
		want := Credential{Holder: holder(n), Expires: t0.Add(100 * time.Hour), Name: fmt.Sprint("phone ", n)}
		c, err := s.Activate(ctx, SecretOf(code), want, at)
		must(t, err)
		return c
	}
	one, two, strange := add(ann, 1, t0), add(ann, 2, t0.Add(time.Minute)), add(bob, 9, t0)
	since := list(t, s)
	phones := func(c Credential, since statuslist.Edition) []Phone {
		t.Helper()
		got, err := s.PhonesOf(ctx, c.Index, since, t0)
		must(t, err)
		return got
	}
	day := t0.Truncate(24 * time.Hour)
	must(t, s.NoteUsed(ctx, one.Index, day))
	must(t, s.NoteUsed(ctx, one.Index, day))
	got := phones(one, since)
	if len(got) != 2 || got[0].Name != "phone 2" || got[0].Own || !got[1].Own || !got[1].Used.Equal(day) ||
		!got[1].Added.Equal(t0) {
		t.Errorf("phones: %+v", got)
	}
	wants(t, "somebody else's phone", s.RevokePhone(ctx, strange.Index, since, got[0].ID, t0), ErrNotFound)
	must(t, s.RevokePhone(ctx, one.Index, since, got[0].ID, t0))
	wants(t, "twice", s.RevokePhone(ctx, one.Index, since, got[0].ID, t0), ErrNotFound)
	if _, err := s.PhonesOf(ctx, two.Index, since, t0); err == nil {
		t.Error("a revoked phone lists phones")
	}
	if _, err := s.OwnHistory(ctx, two.Index, since); err == nil {
		t.Error("a revoked phone reads the history")
	}
	must(t, s.PutCodeOf(ctx, one.Index, since, SecretOf("moved"), t0.Add(time.Hour), t0))
	_, err := s.Activate(ctx, SecretOf("moved"), Credential{Holder: holder(3), Expires: t0.Add(100 * time.Hour)},
		t0.Add(time.Hour/2))
	must(t, err)
	if got := phones(one, since); len(got) != 2 {
		t.Errorf("after a move: %+v", got)
	}
	// The third and the fourth. The one that was not used for longest makes room.
	must(t, s.NoteUsed(ctx, one.Index, day.Add(48*time.Hour)))
	add(ann, 4, t0.Add(time.Hour))
	add(ann, 5, t0.Add(2*time.Hour))
	var names []string
	for _, p := range phones(one, since) {
		names = append(names, p.Name)
	}
	if fmt.Sprint(names) != "[phone 5 phone 4 phone 1]" {
		t.Errorf("phones: %q", names)
	}
}
