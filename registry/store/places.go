package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrInUse says that something cannot be removed because other rows name it.
var ErrInUse = errors.New("still in use")

// Region is a part of the country, by its ISO 3166-2 code.
type Region struct {
	Code string `json:"code"`
	KK   string `json:"kk"`
	RU   string `json:"ru"`
	EN   string `json:"en"`
}

// Venue is a place where people are checked.
type Venue struct {
	ID       int64  `json:"id"`
	BIN      string `json:"bin"` // of the organisation: 12 digits
	Name     string `json:"name"`
	Kind     string `json:"kind"` // kiosk.Venue
	Region   string `json:"region"`
	Zone     string `json:"zone"` // kiosk.Zone
	Address  string `json:"address"`
	Capacity int    `json:"capacity,omitempty"` // people; 0: not limited
	Phone    string `json:"phone,omitempty"`    // E.164

	// Names of the entrances, and of the exits that have a door of their own. Without entrances it
	// has one that needs no name.
	Entrances []string `json:"entrances,omitempty"`
	Exits     []string `json:"exits,omitempty"`
}

// PutRegions adds regions and gives known ones other names. It removes none.
func (s *Store) PutRegions(ctx context.Context, regions []Region) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, r := range regions {
			_, err := tx.ExecContext(ctx, `INSERT INTO regions (code, kk, ru, en) VALUES ($1, $2, $3, $4)
				ON CONFLICT (code) DO UPDATE SET kk = excluded.kk, ru = excluded.ru, en = excluded.en`, r.Code, r.KK, r.RU, r.EN)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store regions: %w", err)
	}
	return nil
}

// RemoveRegion removes a region that nothing belongs to. Errors: ErrNotFound, ErrInUse.
func (s *Store) RemoveRegion(ctx context.Context, code string) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var used bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM venues WHERE region = $1) OR EXISTS (SELECT 1
			FROM citizens WHERE region = $1)
			OR EXISTS (SELECT 1 FROM sources WHERE region = $1) OR EXISTS (SELECT 1 FROM recipients WHERE region = $1)
			OR EXISTS (SELECT 1 FROM accounts WHERE region = $1)`, code).Scan(&used)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse
		}
		gone, err := changed(tx.ExecContext(ctx, `DELETE FROM regions WHERE code = $1`, code))
		if err == nil && !gone {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove a region: %w", err)
	}
	return nil
}

// Regions lists them by code.
func (s *Store) Regions(ctx context.Context) ([]Region, error) {
	list := []Region{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			var r Region
			err := found.Scan(&r.Code, &r.KK, &r.RU, &r.EN)
			list = append(list, r)
			return err
		}, `SELECT code, kk, ru, en FROM regions ORDER BY code`)
	})
	if err != nil {
		return nil, fmt.Errorf("list the regions: %w", err)
	}
	return list, nil
}

// PutVenues adds venues, and changes those of the same organisation and name. Doors of a changed
// venue get its kind and zone with their next certificate. An unknown region is ErrNotFound, and
// then nothing is changed.
func (s *Store) PutVenues(ctx context.Context, venues []Venue) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, v := range venues {
			if _, err := putVenue(ctx, tx, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store venues: %w", err)
	}
	return nil
}

// SaveVenue adds a venue whose ID is 0, and changes a known one, also its name and its
// organisation. Its doors keep their names and get its kind and zone with their next certificate.
// Errors: ErrExists where the organisation has another venue of that name; ErrNotFound where the
// region or the venue is unknown, or the venue is in another region than within, unless that is
// empty.
func (s *Store) SaveVenue(ctx context.Context, v Venue, within string) (Venue, error) {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var taken bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM venues WHERE bin = $1 AND name = $2 AND id <> $3)`,
			v.BIN, v.Name, v.ID).Scan(&taken)
		if err != nil {
			return err
		}
		if taken {
			return ErrExists
		}
		if v.ID == 0 {
			v.ID, err = putVenue(ctx, tx, v)
			return err
		}
		known, err := changed(tx.ExecContext(ctx, `UPDATE venues SET bin = $2, name = $3
			WHERE id = $1 AND (region = $4 OR $4 = '')`, v.ID, v.BIN, v.Name, within))
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("venue %d: %w", v.ID, ErrNotFound)
		}
		_, err = putVenue(ctx, tx, v)
		return err
	})
	if err != nil {
		return Venue{}, fmt.Errorf("store a venue: %w", err)
	}
	return v, nil
}

// LoadVenues is ImportVenues for a part of a file; rows is as in LoadPeople.
func (s *Store) LoadVenues(ctx context.Context, file File, part VenueImport, rows int) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		known, err := venuesOf(ctx, tx, part.Venues)
		if err != nil {
			return err
		}
		for _, v := range part.Venues {
			if _, err := part.put(ctx, tx, known, v); err != nil {
				return err
			}
		}
		return noteLoaded(ctx, tx, file, rows)
	})
	if err != nil {
		return fmt.Errorf("load venues: %w", err)
	}
	return nil
}

func knownRegion(ctx context.Context, tx *sql.Tx, code string) error {
	var known bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM regions WHERE code = $1)`, code).Scan(&known)
	if err == nil && !known {
		err = fmt.Errorf("region %q: %w", code, ErrNotFound)
	}
	return err
}

func putVenue(ctx context.Context, tx *sql.Tx, v Venue) (id int64, err error) {
	if err := knownRegion(ctx, tx, v.Region); err != nil {
		return 0, err
	}
	capacity := sql.NullInt64{Int64: int64(v.Capacity), Valid: v.Capacity > 0}
	err = tx.QueryRowContext(ctx, `INSERT INTO venues (bin, name, kind, region, zone, address, capacity, phone, entrances, exits)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (bin, name) DO UPDATE SET kind = excluded.kind, region = excluded.region, zone = excluded.zone,
			address = excluded.address, capacity = excluded.capacity, phone = excluded.phone, entrances = excluded.entrances,
			exits = excluded.exits RETURNING id`,
		v.BIN, v.Name, v.Kind, v.Region, v.Zone, v.Address, capacity, v.Phone, strings.Join(v.Entrances,
			"\n"), strings.Join(v.Exits, "\n")).Scan(&id)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE doors SET venue = $2, zone = $3 WHERE place = $1`, id, v.Kind, v.Zone)
	return id, err
}

const venueColumns = `id, bin, name, kind, region, zone, address, COALESCE(capacity, 0), phone, entrances, exits`

// Venues lists the venues of a region, or of all if it is empty: at most limit, by name and BIN,
// after the one that was listed last (nil: from the start).
func (s *Store) Venues(ctx context.Context, region string, after *Venue, limit int) ([]Venue, error) {
	list := []Venue{}
	if after == nil {
		after = &Venue{}
	}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			v, err := scanVenue(found)
			list = append(list, v)
			return err
		}, `SELECT `+venueColumns+` FROM venues WHERE (region = $1 OR $1 = '') AND (name, bin) > ($2, $3) ORDER BY name, bin
			LIMIT $4`,
			region, after.Name, after.BIN, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list venues: %w", err)
	}
	return list, nil
}

// VenueOf finds a venue. Errors: ErrNotFound.
func (s *Store) VenueOf(ctx context.Context, id int64) (Venue, error) {
	v, err := scanVenue(s.read.QueryRowContext(ctx, `SELECT `+venueColumns+` FROM venues WHERE id = $1`, id))
	if err != nil {
		return Venue{}, fmt.Errorf("look a venue up: %w", notFound(err))
	}
	return v, nil
}

// HasVenue tells whether an organisation has a venue in a region.
func (s *Store) HasVenue(ctx context.Context, bin, region string) (has bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM venues WHERE bin = $1 AND region = $2)`,
		bin, region).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for an organisation's venue: %w", err)
	}
	return has, nil
}

func scanVenue(row interface{ Scan(...any) error }) (v Venue, err error) {
	var entrances, exits string
	err = row.Scan(&v.ID, &v.BIN, &v.Name, &v.Kind, &v.Region, &v.Zone, &v.Address, &v.Capacity, &v.Phone, &entrances, &exits)
	v.Entrances, v.Exits = lines(entrances), lines(exits)
	return v, err
}

// lines splits a text into its lines; an empty text gives nil.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
