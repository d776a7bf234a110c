package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrWrongCode says that a code does not sign anybody in: it is not the one that was sent, too
// old, used on another phone, or was tried too often.
var ErrWrongCode = errors.New("the code does not sign anybody in")

// What limits signing in with an IIN. The sums are in package server.
const (
	SignInLasts = 10 * time.Minute // a code
	SignInTries = 5                // of one code
	SentDaily   = 12               // messages to one person, and twice as many to one number: families share phones
	SentTo      = 3                // of these, that one asker may cause
	ShortWrong  = 20               // wrong codes of one person in a year; after that six digits are too few
)

const keepSignIns = 24 * time.Hour

// SignInRequest is what somebody wants who says an IIN.
type SignInRequest struct {
	Session     Secret
	IIN         IIN
	Short, Long Secret // the codes of six and of more digits, keyed with the session's token
	AllowShort  bool
	Asker       Secret // where the request comes from, keyed
	Shown       bool   // the code is shown to whoever asks, so no number is needed
}

// RequestSignIn keeps the request and tells where the code goes. An empty number: nobody is
// registered with this IIN, no number is on record, or too many messages were sent.
func (s *Store) RequestSignIn(ctx context.Context, q SignInRequest,
	now time.Time) (number string, short bool, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM signins WHERE asked < $1 OR citizen IS NULL AND asked < $2`,
			now.Add(-keepSignIns).Unix(), now.Add(-SignInLasts).Unix())
		if err != nil {
			return err
		}
		var citizen sql.NullInt64
		citizen, number, short, err = numberOf(ctx, tx, q, now)
		if err != nil {
			return err
		}
		code := q.Long
		if short {
			code = q.Short
		}
		stored := code[:]
		if !citizen.Valid {
			stored = nil
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO signins (session, citizen, phone, asker, code, short, asked)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			q.Session[:], citizen, known(number), q.Asker[:], stored, bit(short), now.Unix())
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("keep a request to sign in: %w", err)
	}
	return number, short, nil
}

// numberOf finds the person and the number on record; no person: nothing is sent.
func numberOf(ctx context.Context, tx *sql.Tx, q SignInRequest,
	now time.Time) (found sql.NullInt64, number string, short bool, err error) {
	var citizen int64
	var on sql.NullString
	err = tx.QueryRowContext(ctx, `SELECT id, phone FROM citizens WHERE iin = $1`, string(q.IIN)).Scan(&citizen, &on)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !on.Valid && !q.Shown {
		return found, "", true, nil
	}
	if err != nil {
		return found, "", false, err
	}
	var person, phone, asker, wrong int
	err = tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM signins WHERE citizen = $1 AND asked > $3),
		(SELECT COUNT(*) FROM signins WHERE phone = $2 AND asked > $3),
		(SELECT COUNT(*) FROM signins WHERE citizen = $1 AND asker = $5 AND asked > $3), `+wrongOf, citizen, on.String,
		now.Add(-keepSignIns).Unix(), now.Add(-wrongFor).Unix(), q.Asker[:]).Scan(&person, &phone, &asker, &wrong)
	if err != nil || person >= SentDaily || phone >= 2*SentDaily || asker >= SentTo {
		return found, "", true, err
	}
	return sql.NullInt64{Int64: citizen, Valid: true}, on.String, q.AllowShort && wrong < ShortWrong, nil
}

// wrongFor is how long wrong codes count.
const wrongFor = 365 * 24 * time.Hour

// wrongOf counts the wrong codes of the citizen $1 since $4.
const wrongOf = `COALESCE((SELECT n FROM wrong_codes WHERE citizen = $1 AND since > $4), 0)`

// SignIn exchanges a code for a pass of that phone. The same phone may ask again with the same
// code, because the first answer may be lost. It uses wrong if the code was sent to somebody and
// this is not it. A session that nobody got a message for takes as long: one transaction writes,
// too. Errors: ErrWrongCode, ErrKeyUsed.
func (s *Store) SignIn(ctx context.Context, session, code Secret, allowShort bool, want Credential,
	wrong Limit, now time.Time) (got Credential, err error) {
	refused, err := error(nil), s.change(ctx, func(tx *sql.Tx) (err error) {
		got, err = signIn(ctx, tx, session, code, allowShort, want, wrong, now)
		if errors.Is(err, ErrWrongCode) { // the try counts all the same
			return nil
		}
		return err
	})
	if err == nil && got.Phone == nil {
		refused = ErrWrongCode
	}
	if err = errors.Join(refused, err); err != nil {
		return Credential{}, fmt.Errorf("sign in: %w", err)
	}
	return got, nil
}

func signIn(ctx context.Context, tx *sql.Tx, session, code Secret, allowShort bool, want Credential,
	wrong Limit, now time.Time) (Credential, error) {
	var citizen, used sql.NullInt64
	var sent []byte
	var asked int64
	var short, tries, errs int
	err := tx.QueryRowContext(ctx, `UPDATE signins SET tries = tries + 1 WHERE session = $1
		RETURNING citizen, code, short, asked, tries, credential`, session[:]).Scan(&citizen, &sent, &short, &asked, &tries, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return Credential{}, ErrWrongCode
	}
	if err != nil {
		return Credential{}, err
	}
	err = tx.QueryRowContext(ctx, `SELECT COALESCE((SELECT n FROM wrong_codes WHERE citizen = $1 AND since > $2), 0)`,
		citizen, now.Add(-wrongFor).Unix()).Scan(&errs)
	if err != nil {
		return Credential{}, err
	}
	right := citizen.Valid && bytes.Equal(sent, code[:])
	switch {
	case right && used.Valid:
		got, err := activated(ctx, tx, used.Int64, want.Phone)
		if errors.Is(err, ErrCodeUsed) {
			return Credential{}, ErrWrongCode
		}
		return got, err
	case tries > SignInTries || now.Unix() >= asked+int64(SignInLasts/time.Second):
		return Credential{}, ErrWrongCode
	case !right:
		return Credential{}, noteWrong(ctx, tx, citizen, wrong, now)
	case short == 1 && (!allowShort || errs >= ShortWrong):
		return Credential{}, ErrWrongCode
	}
	id, index, err := addPhone(ctx, tx, citizen.Int64, want, now)
	if err != nil {
		return Credential{}, err
	}
	want.Index = index
	_, err = tx.ExecContext(ctx, `UPDATE signins SET credential = $2 WHERE session = $1`, session[:], id)
	return want, err
}

// noteWrong counts a wrong code. Without a citizen it writes nothing.
func noteWrong(ctx context.Context, tx *sql.Tx, citizen sql.NullInt64, all Limit, now time.Time) error {
	if !citizen.Valid {
		return ErrWrongCode
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO wrong_codes (citizen, since, n) VALUES ($1, $2, 1)
		ON CONFLICT (citizen) DO UPDATE SET n = CASE WHEN wrong_codes.since > $3 THEN wrong_codes.n + 1 ELSE 1 END,
			since = CASE WHEN wrong_codes.since > $3 THEN wrong_codes.since ELSE excluded.since END`,
		citizen.Int64, now.Unix(), now.Add(-wrongFor).Unix())
	if err == nil {
		_, err = use(ctx, tx, all, now)
	}
	if err != nil {
		return err
	}
	return ErrWrongCode
}

// HasSignIn tells whether there is a request with this session that may still sign somebody in. It
// writes nothing. Requests for which a message was sent are kept for longer, to count them; if
// they were known for longer, too, whoever asked would learn that a message was sent.
func (s *Store) HasSignIn(ctx context.Context, session Secret, now time.Time) (known bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM signins
		WHERE session = $1 AND (asked > $2 OR credential IS NOT NULL))`,
		session[:], now.Add(-SignInLasts).Unix()).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look a request to sign in up: %w", err)
	}
	return known, nil
}
