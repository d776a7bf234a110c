package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// Said is what a door says of itself with each request. What is empty it does not say, and what it
// said before stays.
type Said struct {
	Version     string // that it runs
	Venue, Zone string // as what it decides
	Way         string
	Config      string // hash of its effective configuration
}

// PutHealth keeps what a door says about its board. The caller has checked it.
func (s *Store) PutHealth(ctx context.Context, door int64, h api.Health, now time.Time) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	var troubles []string
	for _, t := range h.Troubles() {
		troubles = append(troubles, string(t))
	}
	return s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE doors SET health = $2, health_at = $3, troubles = $4 WHERE id = $1`,
			door, string(text), now.Unix(), strings.Join(troubles, " "))
		return err
	})
}

// readHealth is what PutHealth wrote; nil: nothing yet.
func readHealth(text sql.NullString, at sql.NullInt64) (*DoorHealth, error) {
	if !text.Valid {
		return nil, nil
	}
	h := &DoorHealth{At: moment(at)}
	if err := json.Unmarshal([]byte(text.String), &h.Health); err != nil {
		return nil, err
	}
	h.Troubles = h.Health.Troubles()
	return h, nil
}

// seenStep is the precision of a door's last contact. It saves a write with each request.
const seenStep = 30 * time.Second

// news tells whether noteHeard has anything to write.
func (d *identity) news(said Said, now time.Time) bool {
	if !d.seen.Valid || now.Sub(moment(d.seen)) >= seenStep {
		return true
	}
	for _, one := range []struct {
		says string
		last sql.NullString
	}{{said.Version, d.running}, {said.Venue, d.venue}, {said.Zone, d.zone}, {said.Way, d.way}, {said.Config, d.config}} {
		if one.says != "" && one.says != one.last.String {
			return true
		}
	}
	return false
}

// noteHeard keeps what the door says. A configuration that changes with the version is the
// version's.
func (d *identity) noteHeard(ctx context.Context, tx *sql.Tx, said Said, now time.Time) error {
	text := func(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
	since := d.configSince
	if said.Config != "" && d.config.Valid && said.Config != d.config.String && said.Version == d.running.String {
		since = sql.NullInt64{Int64: now.Unix(), Valid: true}
	}
	_, err := tx.ExecContext(ctx, `UPDATE doors SET seen = $2, running = COALESCE($3, running), said_venue = COALESCE($4, said_venue),
		said_zone = COALESCE($5, said_zone), config = COALESCE($6, config), config_since = $7, said_way = COALESCE($8,
		said_way)
		WHERE id = $1`,
		d.ID, now.Unix(), text(said.Version), text(said.Venue), text(said.Zone), text(said.Config), since, text(said.Way))
	return err
}
