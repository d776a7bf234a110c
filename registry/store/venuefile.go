package store

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
)

// VenueOutcome is what an import does with a venue.
type VenueOutcome int

// Values of VenueOutcome.
const (
	VenueNew VenueOutcome = iota
	VenueChanged
	VenueSame
	VenueElsewhere // in a region that is not the importer's; it stays as it is
)

// VenueImport is a file of venues: each of them once, their regions known.
type VenueImport struct {
	Venues  []Venue
	Keep    func(known Venue, v *Venue) // copies what the file does not tell
	Within  string                      // the importer's region; empty: the whole country
	Preview bool                        // only tell what would be done
}

// ImportVenues stores all venues of a file, or none, and tells for each what was done.
func (s *Store) ImportVenues(ctx context.Context, file VenueImport) ([]VenueOutcome, error) {
	var done []VenueOutcome
	put := func(tx *sql.Tx) error {
		known, err := venuesOf(ctx, tx, file.Venues)
		if err != nil {
			return err
		}
		done = make([]VenueOutcome, len(file.Venues)) // f may run again
		for i, v := range file.Venues {
			if done[i], err = file.put(ctx, tx, known, v); err != nil {
				return err
			}
		}
		return nil
	}
	run := s.change
	if file.Preview {
		run = s.look
	}
	if err := run(ctx, put); err != nil {
		return nil, fmt.Errorf("import venues: %w", err)
	}
	return done, nil
}

func (f VenueImport) put(ctx context.Context, tx *sql.Tx, known map[venueKey]Venue, v Venue) (VenueOutcome, error) {
	before, exists := known[venueKey{v.BIN, v.Name}]
	if f.Within != "" && (v.Region != f.Within || exists && before.Region != f.Within) {
		return VenueElsewhere, nil
	}
	to := VenueNew
	if exists {
		v.ID = before.ID
		f.Keep(before, &v)
		if reflect.DeepEqual(v, before) {
			return VenueSame, nil
		}
		to = VenueChanged
	}
	if f.Preview {
		return to, nil
	}
	_, err := putVenue(ctx, tx, v)
	return to, err
}

// venueKey is what tells venues apart.
type venueKey struct{ bin, name string }

// venuesOf finds the known venues of the organisations that the others belong to.
func venuesOf(ctx context.Context, tx *sql.Tx, others []Venue) (map[venueKey]Venue, error) {
	bins := map[string]bool{}
	var each []any
	for _, v := range others {
		if !bins[v.BIN] {
			bins[v.BIN] = true
			each = append(each, v.BIN)
		}
	}
	known := map[venueKey]Venue{}
	for some := range slices.Chunk(each, insertAtOnce) {
		err := rows(ctx, tx, func(found *sql.Rows) error {
			v, err := scanVenue(found)
			known[venueKey{v.BIN, v.Name}] = v
			return err
		}, `SELECT `+venueColumns+` FROM venues WHERE bin IN `+places(1, len(some)), some...)
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}
