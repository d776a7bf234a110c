package store

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// Kind is what a record says about a citizen.
type Kind string

// The kinds of records.
const (
	Positive     Kind = "positive"     // PCR result
	Negative     Kind = "negative"     // PCR result
	Inconclusive Kind = "inconclusive" // PCR result that says nothing
	Contact      Kind = "contact"      // of a confirmed case
	Recovered    Kind = "recovered"    // a former case
	Vaccinated   Kind = "vaccinated"
)

// Strict reports whether records of this kind turn people away.
func (k Kind) Strict() bool { return k == Positive || k == Contact }

// Lasting reports whether records of this kind make people green for months. A negative result does
// so for three days, and laboratories send 100,000 of them at once.
func (k Kind) Lasting() bool { return k == Recovered || k == Vaccinated }

// strict is Kind.Strict in SQL.
const strict = `kind IN ('positive', 'contact')`

// lasting is Kind.Lasting in SQL.
const lasting = `kind IN ('recovered', 'vaccinated')`

// The states of a record.
const (
	Waiting   = "waiting"   // beyond its source's hourly limit; counts for nobody until it is approved
	InForce   = "in force"  // counts
	Ended     = "ended"     // counted once
	Discarded = "discarded" // never counted
)

// live is the state of a record that has not come to its end, in SQL.
const live = `state IN ('waiting', 'in force')`

// Record is one statement about one citizen that is in force.
type Record struct {
	Kind   Kind
	At     time.Time // sample taken, contact, recovery or vaccination
	Source string    // the kind of source
	Upheld bool      // the administrator has settled that it stands
}

// Entry is a record as its source sends it.
type Entry struct {
	IIN        IIN
	Sample     string // the source's own number; without one, what the record says stands for it
	Kind       Kind
	At         time.Time
	Laboratory string // whose sample it is, from the PCR portal
	IndexCase  string // of a contact
	Again      bool   // enter what was withdrawn or discarded before
}

// number is the sample's, or one that the same content always has.
func (e Entry) number() string {
	if e.Sample != "" {
		return e.Sample
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", e.IIN, e.Kind, e.At.Unix()))
	return "#" + hex.EncodeToString(sum[:8])
}

// Why an entry is refused. ErrConflict, too.
var (
	ErrWithdrawn = errors.New("the same record was entered and withdrawn or discarded before")
	ErrDecided   = errors.New("the administrator has decided that this record does not stand")
)

// Outcome is what became of one entry.
type Outcome struct {
	Record int64 // its id; 0 where it was refused
	Known  bool  // it was here already, so nothing was changed
	Waits  bool  // for the administrator
	Err    error // why it was refused: ErrConflict, ErrWithdrawn, ErrDecided, ErrTooManyWait
}

// Enter stores records of one source, entered by that person, in one transaction: an outcome for
// each entry, in their order. The same again changes nothing. A record beyond the source's hourly
// limit waits for the administrator. Errors: ErrSuspended, ErrKeyRevoked; then nothing was entered.
func (s *Store) Enter(
	ctx context.Context, source int64, entries []Entry, person string, now time.Time,
) ([]Outcome, error) {
	var outcomes []Outcome
	err := s.change(ctx, func(tx *sql.Tx) error {
		hourly, err := lockSource(ctx, tx, source)
		if err != nil {
			return err
		}
		in := &intake{tx: tx, by: Actor{source, person}, source: source, hourly: hourly, now: now.Unix()}
		if err := in.count(ctx); err != nil {
			return err
		}
		if outcomes, err = in.enter(ctx, entries); err != nil {
			return err
		}
		return newPeople(ctx, tx, in.fresh)
	})
	if err != nil {
		return nil, fmt.Errorf("enter records: %w", err)
	}
	return outcomes, nil
}

// lockSource keeps others from entering and ending the source's records until the transaction ends:
// records at the same moment do not get around its limits. A transaction locks sources before
// citizens.
func lockSource(ctx context.Context, tx *sql.Tx, source int64) (hourly int, err error) {
	var suspended, revoked bool
	err = tx.QueryRowContext(ctx, `UPDATE sources SET hourly = hourly WHERE id = $1
		RETURNING hourly, suspended IS NOT NULL, revoked IS NOT NULL`, source).Scan(&hourly, &suspended, &revoked)
	if err = notFound(err); err == nil {
		err = barred(suspended, revoked)
	}
	return hourly, err
}

// intake takes in records of one source, which is locked.
type intake struct {
	tx      *sql.Tx
	by      Actor
	source  int64
	hourly  int // strict records that count at once in an hour, and as many lasting ones
	strict  int // of them that counted at once in the last hour
	lasting int // the same
	waiting int
	now     int64
	fresh   int // people who were not known before
}

// count finds how much room there is below the limits.
func (in *intake) count(ctx context.Context) error {
	err := in.tx.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN `+strict+` THEN 1 END), COUNT(CASE WHEN `+lasting+` THEN 1 END)
		FROM records WHERE source = $1 AND came > $2 AND (`+strict+` OR `+lasting+`)
		AND state IN ('in force', 'ended')`, in.source, in.now-int64(time.Hour/time.Second)).Scan(&in.strict, &in.lasting)
	if err != nil {
		return err
	}
	return in.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM records WHERE source = $1 AND state = 'waiting'`,
		in.source).Scan(&in.waiting)
}

// taken is an entry that is going to be a record.
type taken struct {
	Entry
	to      *Outcome
	citizen int64 // 0: not known yet
}

// enter decides on all entries in their order first. It then stores them in the order in which the
// publisher locks citizens, so that neither waits for the other.
func (in *intake) enter(ctx context.Context, entries []Entry) ([]Outcome, error) {
	outcomes := make([]Outcome, len(entries))
	first, repeated := map[string]int{}, map[int]int{}
	var todo []taken
	for i, e := range entries {
		to := &outcomes[i]
		before, twice := first[e.number()]
		switch {
		case twice && !same(e, entries[before]):
			to.Err = ErrConflict
			continue
		case twice:
			repeated[i] = before
			continue
		}
		if err := in.decide(ctx, e, to); err != nil {
			return nil, err
		}
		if to.Err != nil {
			continue
		}
		if first[e.number()] = i; to.Known {
			continue
		}
		t := taken{Entry: e, to: to}
		err := in.tx.QueryRowContext(ctx, `SELECT id FROM citizens WHERE iin = $1`, string(e.IIN)).Scan(&t.citizen)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		todo = append(todo, t)
	}
	slices.SortStableFunc(todo, func(a, b taken) int { return cmp.Or(cmp.Compare(a.citizen, b.citizen), cmp.Compare(a.IIN, b.IIN)) })
	for _, t := range todo {
		if err := in.store(ctx, t, 0); err != nil {
			return nil, err
		}
	}
	for i, before := range repeated {
		outcomes[i] = outcomes[before]
		outcomes[i].Known = true
	}
	return outcomes, nil
}

func same(a, b Entry) bool {
	return a.IIN == b.IIN && a.Kind == b.Kind && a.At.Unix() == b.At.Unix() && a.Laboratory == b.Laboratory && a.IndexCase == b.IndexCase
}

// decide finds out what becomes of an entry, and keeps its place below the limits.
func (in *intake) decide(ctx context.Context, e Entry, to *Outcome) error {
	if err := in.recall(ctx, e, to); err != nil || to.Known || to.Err != nil {
		return err
	}
	in.limit(e.Kind, to)
	return nil
}

func (in *intake) limit(kind Kind, to *Outcome) {
	lately := &in.strict // the many contacts of an outbreak keep no recovered person waiting, nor the other way round
	if kind.Lasting() {
		lately = &in.lasting
	}
	switch {
	case !kind.Strict() && !kind.Lasting():
	case *lately < in.hourly:
		*lately++
	case in.waiting < maxWaiting:
		in.waiting++
		to.Waits = true
	default:
		to.Err = ErrTooManyWait
	}
}

// recall compares an entry with what the source sent under this number before: a batch that is sent
// twice must not bring back what was withdrawn in between.
func (in *intake) recall(ctx context.Context, e Entry, to *Outcome) error {
	return rows(ctx, in.tx, func(found *sql.Rows) error {
		var id int64
		var state string
		var says, alike, settled bool // the same about the same person; and from the same laboratory or case
		if err := found.Scan(&id, &state, &says, &alike, &settled); err != nil {
			return err
		}
		switch {
		case state == Waiting || state == InForce:
			*to = Outcome{Record: id, Known: true, Waits: state == Waiting}
			if !says || !alike {
				*to = Outcome{Err: ErrConflict}
			}
		case to.Known || to.Err != nil:
		case settled: // at whatever time
			to.Err = ErrDecided
		case says && !e.Again:
			to.Err = ErrWithdrawn
		}
		return nil
	}, `SELECT records.id, state, iin = $3 AND kind = $4 AND at = $5, laboratory = $6 AND index_case = $7,
		iin = $3 AND kind = $4 AND EXISTS (SELECT 1 FROM events WHERE record = records.id AND what = 'settled')
		FROM records JOIN citizens ON citizens.id = citizen WHERE source = $1 AND sample = $2
		ORDER BY CASE WHEN `+live+` THEN 0 ELSE 1 END, records.id DESC`,
		in.source, e.number(), string(e.IIN), string(e.Kind), e.At.Unix(), e.Laboratory, e.IndexCase)
}

// store writes a record that replaces another one, or 0.
func (in *intake) store(ctx context.Context, t taken, replaces int64) error {
	state := InForce
	if t.to.Waits {
		state = Waiting
	}
	fresh := false
	err := in.tx.QueryRowContext(ctx, citizenIn[state], string(t.IIN)).Scan(&t.citizen, &fresh)
	if err != nil {
		return err
	}
	if fresh {
		in.fresh++
	}
	err = in.tx.QueryRowContext(ctx, `INSERT INTO records (source, sample, citizen, kind, at, came, laboratory, index_case, replaces, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`, in.source, t.number(), t.citizen, string(t.Kind), t.At.Unix(), in.now,
		t.Laboratory, t.IndexCase, sql.NullInt64{Int64: replaces, Valid: replaces != 0}, state).Scan(&t.to.Record)
	if err != nil {
		return err
	}
	if err := note(ctx, in.tx, t.to.Record, Entered, in.by, "", in.now); err != nil || t.to.Waits {
		return err
	}
	_, err = in.tx.ExecContext(ctx, `UPDATE sources SET records = records + 1, last = $2 WHERE id = $1`, in.source, in.now)
	return err
}

// citizenIn finds or creates the citizen of a record in this state. The publisher looks at the
// citizen only where the record is in force.
var citizenIn = map[string]string{
	InForce: touched,
	Waiting: `INSERT INTO citizens (iin) VALUES ($1)
		ON CONFLICT (iin) DO UPDATE SET touched = citizens.touched + 1 RETURNING id, touched = 0`,
}

const touched = `INSERT INTO citizens (iin, due) VALUES ($1, 0)
	ON CONFLICT (iin) DO UPDATE SET due = 0, touched = citizens.touched + 1 RETURNING id, touched = 0`

// touch finds or creates the citizen and makes the publisher look at it.
func touch(ctx context.Context, tx *sql.Tx, iin IIN) (citizen int64, err error) {
	fresh := false
	err = tx.QueryRowContext(ctx, touched, string(iin)).Scan(&citizen, &fresh)
	if err == nil && fresh {
		err = newPeople(ctx, tx, 1)
	}
	return citizen, err
}

// touchCitizen makes the publisher look at a citizen.
func touchCitizen(ctx context.Context, tx *sql.Tx, citizen int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE citizens SET due = 0, touched = touched + 1 WHERE id = $1`, citizen)
	return err
}

// Person is what is known about the holder of one credential.
type Person struct {
	Revoked   bool
	Suspended bool
	Held      statuslist.Status // as in Pass
	Records   []Record          // in force
	Disputed  bool              // the citizen says that one of them is wrong, and nobody has looked yet
	NewPhone  time.Time         // when another phone of this person got its pass after this one; zero: no phone did
}

// PersonAt finds the holder of a pass by its index and the edition that first held it. If it was
// never issued, or if that was lost when a backup was restored, it is ErrNotFound.
func (s *Store) PersonAt(ctx context.Context, index uint64, since statuslist.Edition) (Person, error) {
	p, err := s.person(ctx, `credentials.idx = $1 AND epoch = $2 AND version = $3`,
		int64(index), int64(since.Epoch), int64(since.Version))
	if err != nil {
		return Person{}, fmt.Errorf("look an index up: %w", err)
	}
	return p, nil
}

// PersonOf finds the owner of a phone, whose pass may be revoked. Errors: ErrNotFound.
func (s *Store) PersonOf(ctx context.Context, phone ed25519.PublicKey) (Person, error) {
	p, err := s.person(ctx, `phone = $1`, []byte(phone))
	if err != nil {
		return Person{}, fmt.Errorf("look a phone up: %w", err)
	}
	return p, nil
}

// person finds one by a condition on the credential.
func (s *Store) person(ctx context.Context, where string, args ...any) (p Person, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		var id, citizen int64
		err := tx.QueryRowContext(ctx, `SELECT id, citizen, revoked IS NOT NULL, suspended IS NOT NULL, `+heldStatus+`
			FROM credentials LEFT JOIN held ON held.idx = credentials.idx WHERE `+where,
			args...).Scan(&id, &citizen, &p.Revoked, &p.Suspended, &p.Held)
		if err != nil {
			return notFound(err)
		}
		if p.Records, err = inForce(ctx, tx, citizen); err != nil {
			return err
		}
		var newer sql.NullInt64
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM records WHERE citizen = $1 AND disputed IS NOT NULL AND state = 'in force'),
			(SELECT MAX(added) FROM credentials WHERE citizen = $1 AND id > $2
				AND phone IS NOT NULL AND revoked IS NULL)`, citizen, id).Scan(&p.Disputed, &newer)
		p.NewPhone = moment(newer)
		return err
	})
	return p, err
}

func inForce(ctx context.Context, tx *sql.Tx, citizen int64) (records []Record, err error) {
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var r Record
		var at int64
		err := found.Scan(&r.Kind, &at, &r.Source, &r.Upheld)
		r.At = time.Unix(at, 0).UTC()
		records = append(records, r)
		return err
	}, `SELECT records.kind, at, sources.kind, upheld IS NOT NULL FROM records JOIN sources ON sources.id = source
		WHERE citizen = $1 AND state = 'in force' ORDER BY records.id`, citizen)
	return records, err
}
