package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Recipient is somebody who is told when something is wrong with doors.
type Recipient struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Region   string    `json:"region,omitempty"` // code; empty: the whole country
	Kinds    []string  `json:"kinds"`            // alert.Kind
	Language string    `json:"language"`
	Mail     string    `json:"mail,omitempty"` // address; empty: by webhook
	Hook     string    `json:"hook,omitempty"` // URL; empty: by mail
	Sent     time.Time `json:"sent,omitzero"`  // the last message
	Trouble  string    `json:"trouble,omitempty"`
	Waiting  int       `json:"waiting,omitempty"` // messages
}

// ErrManyRecipients says that a region, or the country, has as many recipients as there may be.
var ErrManyRecipients = errors.New("there are many recipients")

// recipientsOfRegion is how many recipients a region may have, and the country beside them: one's
// messages wait for those of the others.
const recipientsOfRegion = 30

// AddRecipient stores a new one. Errors: ErrExists, ErrManyRecipients, ErrNotFound for an unknown
// region.
func (s *Store) AddRecipient(ctx context.Context, r Recipient) (id int64, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		if r.Region != "" {
			if err := knownRegion(ctx, tx, r.Region); err != nil {
				return err
			}
		}
		var n int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM recipients WHERE COALESCE(region, '') = $1`, r.Region).Scan(&n)
		if err == nil && n >= recipientsOfRegion {
			err = ErrManyRecipients
		}
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `INSERT INTO recipients (name, region, kinds, language, mail, hook, trouble)
			VALUES ($1, $2, $3, $4, $5, $6, '') ON CONFLICT (name) DO NOTHING RETURNING id`,
			r.Name, known(r.Region), strings.Join(r.Kinds, " "), r.Language, r.Mail, r.Hook).Scan(&id)
		if notFound(err) == ErrNotFound {
			return ErrExists
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store a recipient of alerts: %w", err)
	}
	return id, nil
}

// RemoveRecipient forgets one, and the messages that wait for it. Where within is not empty, it has
// to be of this region. Errors: ErrNotFound.
func (s *Store) RemoveRecipient(ctx context.Context, id int64, within string) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if _, err := recipient(ctx, tx, id, within); err != nil {
			return err
		}
		for _, statement := range []string{`DELETE FROM messages WHERE recipient = $1`, `DELETE FROM recipients
			WHERE id = $1`} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove a recipient of alerts: %w", err)
	}
	return nil
}

// RecipientOf finds one, as RemoveRecipient does. Errors: ErrNotFound.
func (s *Store) RecipientOf(ctx context.Context, id int64, within string) (r Recipient, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		r, err = recipient(ctx, tx, id, within)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("look a recipient of alerts up: %w", err)
	}
	return r, nil
}

// Recipients lists those of a region, or all where it is empty.
func (s *Store) Recipients(ctx context.Context, within string) (list []Recipient, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		list, err = recipients(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the recipients of alerts: %w", err)
	}
	return slices.DeleteFunc(list, func(r Recipient) bool { return within != "" && r.Region != within }), nil
}

func recipient(ctx context.Context, tx *sql.Tx, id int64, within string) (Recipient, error) {
	list, err := recipients(ctx, tx)
	if err != nil {
		return Recipient{}, err
	}
	for _, r := range list {
		if r.ID == id && (within == "" || r.Region == within) {
			return r, nil
		}
	}
	return Recipient{}, ErrNotFound
}

// recipients lists all of them: there are tens.
func recipients(ctx context.Context, tx *sql.Tx) ([]Recipient, error) {
	list := []Recipient{}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var r Recipient
		var kinds string
		var sent sql.NullInt64
		err := found.Scan(&r.ID, &r.Name, &r.Region, &kinds, &r.Language, &r.Mail, &r.Hook, &sent, &r.Trouble,
			&r.Waiting)
		r.Kinds, r.Sent = strings.Fields(kinds), moment(sent)
		list = append(list, r)
		return err
	}, `SELECT id, name, COALESCE(region, ''), kinds, language, mail, hook, sent, trouble,
		(SELECT COUNT(*) FROM messages WHERE recipient = recipients.id) FROM recipients ORDER BY name`)
	return list, err
}

// maxWaitingMessages is how many messages wait for one recipient, at most: the newest. Who cannot
// be reached for days is not told all of it afterwards.
const maxWaitingMessages = 50

// WaitingMessage is a message that is to be sent.
type WaitingMessage struct {
	ID    int64
	To    Recipient
	Made  time.Time
	Tries int // this one included
	Body  []byte
}

// putMessage queues a message.
func putMessage(ctx context.Context, tx *sql.Tx, to int64, body []byte, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO messages (recipient, made, due, tries, body) VALUES ($1, $2, $2,
		0, $3)`, to, now.Unix(), string(body))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM messages WHERE recipient = $1 AND id NOT IN
		(SELECT id FROM messages WHERE recipient = $1 ORDER BY id DESC LIMIT $2)`, to, maxWaitingMessages)
	return err
}

// ClaimMessages gives at most limit messages that are due, one for each recipient: whose program
// takes its time holds up the own messages. Nobody else gets them before the lease is over: whoever
// was stopped meanwhile leaves them for another try.
func (s *Store) ClaimMessages(ctx context.Context, limit int, lease time.Duration,
	now time.Time) (list []WaitingMessage, err error) {
	var due bool
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM messages WHERE due <= $1)`, now.Unix()).Scan(&due)
	if err == nil && due {
		err = s.change(ctx, func(tx *sql.Tx) error {
			list = nil
			return claim(ctx, tx, limit, lease, now, &list)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("take messages to send: %w", err)
	}
	return list, nil
}

func claim(ctx context.Context, tx *sql.Tx, limit int, lease time.Duration, now time.Time,
	list *[]WaitingMessage) error {
	all, err := recipients(ctx, tx)
	if err != nil {
		return err
	}
	of := map[int64]Recipient{}
	for _, r := range all {
		of[r.ID] = r
	}
	return rows(ctx, tx, func(found *sql.Rows) error {
		var w WaitingMessage
		var to, made int64
		var body string
		err := found.Scan(&w.ID, &to, &made, &w.Tries, &body)
		w.To, w.Made, w.Body = of[to], time.Unix(made, 0).UTC(), []byte(body)
		*list = append(*list, w)
		return err
	}, `UPDATE messages SET due = $2, tries = tries + 1 WHERE id IN (SELECT MIN(id) FROM messages WHERE due <= $1
		GROUP BY recipient ORDER BY MIN(due), MIN(id) LIMIT $3) AND due <= $1
		RETURNING id, recipient, made, tries, body`, now.Unix(), now.Add(lease).Unix(), limit)
}

// MessageSent forgets a message that has arrived.
func (s *Store) MessageSent(ctx context.Context, w WaitingMessage, now time.Time) error {
	return s.messageDone(ctx, w, `UPDATE recipients SET sent = $2, trouble = '' WHERE id = $1`, w.To.ID, now.Unix())
}

// MessageDropped forgets a message that cannot be sent.
func (s *Store) MessageDropped(ctx context.Context, w WaitingMessage, why string) error {
	return s.messageDone(ctx, w, `UPDATE recipients SET trouble = $2 WHERE id = $1`, w.To.ID, why)
}

func (s *Store) messageDone(ctx context.Context, w WaitingMessage, statement string, values ...any) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM messages WHERE id = $1`, w.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, statement, values...)
		return err
	})
	if err != nil {
		return fmt.Errorf("note a message's end: %w", err)
	}
	return nil
}

// MessageFailed lets a message wait for its next try.
func (s *Store) MessageFailed(ctx context.Context, w WaitingMessage, why string, next time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET due = $2 WHERE id = $1`, w.ID, next.Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE recipients SET trouble = $2 WHERE id = $1`, w.To.ID, why)
		return err
	})
	if err != nil {
		return fmt.Errorf("note a failed message: %w", err)
	}
	return nil
}
