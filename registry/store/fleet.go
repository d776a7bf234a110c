package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// What can be wrong with a door, beside api.Trouble, which is wrong with its board.
const (
	Silent       = "silent"       // not heard of for a while
	NeverSeen    = "never"        // no device has ever shown this door's certificate
	Copied       = "copied"       // as DoorState.Copied
	UsedTwice    = "used-twice"   // as DoorState.CodeUsedTwice
	Differs      = "differs"      // as DoorState.Differs
	Reconfigured = "reconfigured" // as DoorState.ConfigSince, lately
	AsksRenewal  = "renewal"      // as DoorState.Asks, and nobody has approved it yet
)

// What Fleet.Wrong may be beside Wrongs.
const (
	Anything = "any"
	Trouble  = "trouble" // as DoorTotals.Trouble
)

// reconfiguredFor is how long a change of a door's own configuration is shown.
const reconfiguredFor = 30 * 24 * time.Hour

// wrongs are the conditions under which something is wrong with a door. $1 is since when silence
// counts, $2 since when a changed configuration does, $3 since when an approval is valid.
var wrongs = []struct{ kind, condition string }{
	{Silent, `COALESCE(seen < $1, FALSE)`},
	{NeverSeen, `seen IS NULL`},
	{Copied, `copied IS NOT NULL`},
	{UsedTwice, `doors.id IN (SELECT door FROM enrolments WHERE twice IS NOT NULL)`},
	{Differs, `COALESCE(said_venue <> venue, FALSE) OR COALESCE(said_zone <> doors.zone, FALSE) OR COALESCE(said_way <> way, FALSE)`},
	{Reconfigured, `COALESCE(config_since > $2, FALSE)`},
	{AsksRenewal, `asked IS NOT NULL AND COALESCE(approved <= $3, TRUE)`},
}

// Wrongs lists all that can be wrong with a door.
func Wrongs() []string {
	var all []string
	for _, one := range wrongs {
		all = append(all, one.kind)
	}
	for _, one := range api.Troubles {
		all = append(all, string(one))
	}
	return all
}

// isTrouble tells whether somebody has to look at a door that is there.
func isTrouble(kind string) bool { return kind != Silent && kind != NeverSeen }

// flags are two columns that say what is wrong with a door: one bit for each of wrongs, and the
// troubles of its board. A column for each kind would take most of the time of reading 10,000
// doors.
type flags struct {
	bits     int64
	troubles string
}

var flagColumns = func() string {
	var bits []string
	for i, one := range wrongs {
		bits = append(bits, fmt.Sprintf("CASE WHEN %s THEN %d ELSE 0 END", one.condition, 1<<i))
	}
	return strings.Join(bits, " + ") + ", troubles"
}()

func (f *flags) wrong() []string {
	list := []string{}
	for i, one := range wrongs {
		if f.bits>>i&1 == 1 {
			list = append(list, one.kind)
		}
	}
	return append(list, strings.Fields(f.troubles)...)
}

// Fleet asks about doors. Region and Venue are where, if they are not empty; Text is a part of the
// name or the address; Wrong is one of Wrongs, Anything or
// Trouble.
type Fleet struct {
	Region string
	Venue  int64
	Text   string
	Wrong  string
	Page   int64     // from 0
	Silent time.Time // a door that was not heard of since is silent
	Now    time.Time
	places []int64 // venues that were found already
}

// fleetPage is how many doors or venues one page lists.
const fleetPage = 50

func (f Fleet) params(more ...any) []any {
	return append([]any{f.Silent.Unix(), f.Now.Add(-reconfiguredFor).Unix(), f.Now.Add(-approvalLasts).Unix()}, more...)
}

// where limits doors to the place that is asked about.
func (f Fleet) where() (condition string, params []any) {
	switch {
	case len(f.places) > 0:
		return `place IN ` + literals(f.places), f.params()
	case f.Venue != 0:
		return `place = $4`, f.params(f.Venue)
	case f.Region != "":
		return `place IN (SELECT id FROM venues WHERE region = $4)`, f.params(f.Region)
	}
	return `TRUE`, f.params()
}

// day is the first hour of those that count as the last 24 hours. Counts are kept by the hour: the
// hour in which the 24 hours begin counts as a whole.
func (f Fleet) day() int64 { return f.Now.Add(-24 * time.Hour).Truncate(time.Hour).Unix() }

// matches tells whether one of the texts contains what is looked for.
func (f Fleet) matches(texts ...string) bool {
	if f.Text == "" {
		return true
	}
	want := strings.ToLower(f.Text)
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), want) })
}

// wants tells whether what is wrong is what is asked for.
func (f Fleet) wants(wrong []string) bool {
	switch f.Wrong {
	case "":
		return true
	case Anything:
		return len(wrong) > 0
	case Trouble:
		return slices.ContainsFunc(wrong, isTrouble)
	}
	return slices.Contains(wrong, f.Wrong)
}

// maybeWanted spares reading doors that wants would refuse.
func (f Fleet) maybeWanted() string {
	switch f.Wrong {
	case "", Anything, Trouble:
		return `TRUE`
	}
	for _, one := range wrongs {
		if one.kind == f.Wrong {
			return one.condition
		}
	}
	return `troubles <> ''`
}

func pageOf[T any](all []T, page int64) []T {
	from := int(min(max(page, 0)*fleetPage, int64(len(all))))
	return all[from:min(from+fleetPage, len(all))]
}

// DoorTotals is how many doors there are, and with how many something is wrong. Revoked ones do not
// count.
type DoorTotals struct {
	All     int            `json:"all"`
	Trouble int            `json:"trouble"` // something is wrong other than that nobody hears of it
	Wrong   map[string]int `json:"wrong"`   // by kind: Wrongs
}

func (t *DoorTotals) add(wrong []string, n int) {
	t.All += n
	for _, kind := range wrong {
		t.Wrong[kind] += n
	}
	if slices.ContainsFunc(wrong, isTrouble) {
		t.Trouble += n
	}
}

// doorTotals counts doors by a column, region or place.
func doorTotals[K comparable](ctx context.Context, tx *sql.Tx, f Fleet, by string) (map[K]*DoorTotals, error) {
	totals := map[K]*DoorTotals{}
	where, params := f.where()
	var is flags
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var key K
		var n int
		err := found.Scan(&key, &is.bits, &is.troubles, &n)
		if totals[key] == nil {
			totals[key] = &DoorTotals{Wrong: map[string]int{}}
		}
		totals[key].add(is.wrong(), n)
		return err
	}, `SELECT `+by+`, `+flagColumns+`, COUNT(*) FROM doors LEFT JOIN venues ON venues.id = place
		WHERE revoked IS NULL AND `+where+` GROUP BY 1, 2, 3`, params...)
	return totals, err
}

// VenueState is a venue in the overview.
type VenueState struct {
	Venue
	Doors  DoorTotals     `json:"doors"`
	Counts map[string]int `json:"counts"` // of the last 24 hours, by name
	rank   int
}

// VenuesPage is one page of venues.
type VenuesPage struct {
	Venues []VenueState `json:"venues"` // those in trouble first
	Total  int          `json:"total"`
	Size   int          `json:"size"` // of a full page
}

// FleetVenues lists venues. With Fleet.Wrong it lists those with such a door.
func (s *Store) FleetVenues(ctx context.Context, f Fleet) (VenuesPage, error) {
	page := VenuesPage{Size: fleetPage}
	err := s.look(ctx, func(tx *sql.Tx) error {
		all, err := matchingVenues(ctx, tx, &f)
		if err != nil {
			return err
		}
		totals, err := doorTotals[int64](ctx, tx, f, `COALESCE(place, 0)`)
		if err != nil {
			return err
		}
		for i := range all {
			if t := totals[all[i].ID]; t != nil {
				all[i].Doors = *t
			}
			all[i].rank = rank(false, slices.Collect(maps.Keys(all[i].Doors.Wrong)))
		}
		all = slices.DeleteFunc(all, func(v VenueState) bool { return !f.wants(slices.Collect(maps.Keys(v.Doors.Wrong))) })
		slices.SortFunc(all, func(a, b VenueState) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
		})
		page.Total, page.Venues = len(all), append([]VenueState{}, pageOf(all, f.Page)...)
		return venueCounts(ctx, tx, page.Venues, f.day())
	})
	if err != nil {
		return VenuesPage{}, fmt.Errorf("list venues and their doors: %w", err)
	}
	return page, nil
}

// matchingVenues finds venues by region and text. Where few are found, only their doors are
// counted.
func matchingVenues(ctx context.Context, tx *sql.Tx, f *Fleet) ([]VenueState, error) {
	var all []VenueState
	err := rows(ctx, tx, func(found *sql.Rows) error {
		v, err := scanVenue(found)
		if f.matches(v.Name, v.Address, v.BIN) {
			all = append(all, VenueState{Venue: v, Doors: DoorTotals{Wrong: map[string]int{}}, Counts: map[string]int{}})
		}
		return err
	}, `SELECT `+venueColumns+` FROM venues WHERE region = $1 OR $1 = ''`, f.Region)
	if f.Text != "" && len(all) > 0 && len(all) <= insertAtOnce {
		for _, v := range all {
			f.places = append(f.places, v.ID)
		}
	}
	return all, err
}

// venueCounts reads what the doors of some venues counted since an hour.
func venueCounts(ctx context.Context, tx *sql.Tx, venues []VenueState, since int64) error {
	if len(venues) == 0 {
		return nil
	}
	at, ids := map[int64]int{}, []int64{}
	for i, v := range venues {
		at[v.ID], ids = i, append(ids, v.ID)
	}
	return rows(ctx, tx, func(found *sql.Rows) error {
		var venue int64
		var name string
		var n int
		err := found.Scan(&venue, &name, &n)
		venues[at[venue]].Counts[name] = n
		return err
	}, `SELECT venue, name, CAST(SUM(n) AS BIGINT) FROM venue_counts WHERE venue IN `+literals(ids)+` AND hour >= $1 GROUP BY venue, name`, since)
}

// DoorsPage is one page of doors.
type DoorsPage struct {
	Doors []DoorState `json:"doors"` // those in trouble first
	Total int         `json:"total"`
	Size  int         `json:"size"` // of a full page
}

// foundDoor is what is read of each door to sort and to choose.
type foundDoor struct {
	id          int64
	name, venue string
	revoked     bool
	wrong       []string
	rank        int
}

// rank puts first what needs somebody first.
func rank(revoked bool, wrong []string) int {
	switch {
	case revoked:
		return 4
	case slices.Contains(wrong, Silent):
		return 0
	case slices.ContainsFunc(wrong, isTrouble):
		return 1
	case len(wrong) > 0:
		return 2
	}
	return 3
}

// Doors lists doors, revoked ones last.
func (s *Store) Doors(ctx context.Context, f Fleet) (DoorsPage, error) {
	page := DoorsPage{Size: fleetPage}
	err := s.look(ctx, func(tx *sql.Tx) error {
		all, err := wantedDoors(ctx, tx, f)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b foundDoor) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.venue, b.venue), cmp.Compare(a.name, b.name))
		})
		page.Total = len(all)
		page.Doors, err = doorStates(ctx, tx, pageOf(all, f.Page), f)
		return err
	})
	if err != nil {
		return DoorsPage{}, fmt.Errorf("list doors: %w", err)
	}
	return page, nil
}

// wantedDoors finds doors, in any order. It reads the venues apart, so that each name comes once
// and not with every door.
func wantedDoors(ctx context.Context, tx *sql.Tx, f Fleet) ([]foundDoor, error) {
	type venue struct{ name, address string }
	venues := map[int64]venue{}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var id int64
		var v venue
		err := found.Scan(&id, &v.name, &v.address)
		venues[id] = v
		return err
	}, `SELECT id, name, address FROM venues WHERE region = $1 OR $1 = ''`, f.Region)
	if err != nil {
		return nil, err
	}
	var all []foundDoor
	where, params := f.where()
	var is flags
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var d foundDoor
		var place int64
		err := found.Scan(&d.id, &d.name, &place, &d.revoked, &is.bits, &is.troubles)
		d.venue, d.wrong = venues[place].name, is.wrong()
		d.rank = rank(d.revoked, d.wrong)
		if f.matches(d.name, d.venue, venues[place].address) && f.wants(d.wrong) && (!d.revoked || f.Wrong == "") {
			all = append(all, d)
		}
		return err
	}, `SELECT id, name, COALESCE(place, 0), revoked IS NOT NULL, `+flagColumns+`
		FROM doors WHERE `+where+` AND (`+f.maybeWanted()+`)`, params...)
	return all, err
}

// DoorDetail is one door, and what helps to find out why it is silent.
type DoorDetail struct {
	DoorState
	Others       int    `json:"others"`        // doors of its venue beside it
	OthersSilent int    `json:"others_silent"` // of them
	Hours        []Hour `json:"hours"`         // of the last 24 hours
}

// Door finds a door by its id. Errors: ErrNotFound.
func (s *Store) Door(ctx context.Context, id int64, f Fleet) (DoorDetail, error) {
	var d DoorDetail
	err := s.look(ctx, func(tx *sql.Tx) error {
		var is flags
		found := foundDoor{id: id}
		err := tx.QueryRowContext(ctx, `SELECT revoked IS NOT NULL, `+flagColumns+` FROM doors WHERE id = $4`,
			f.params(id)...).Scan(&found.revoked, &is.bits, &is.troubles)
		if err != nil {
			return notFound(err)
		}
		found.wrong = is.wrong()
		states, err := doorStates(ctx, tx, []foundDoor{found}, f)
		if err != nil {
			return err
		}
		d.DoorState = states[0]
		if d.Place != nil {
			f.Region, f.Venue = "", d.Place.ID
			totals, err := doorTotals[int64](ctx, tx, f, `place`)
			if err != nil {
				return err
			}
			if t := totals[f.Venue]; t != nil && !d.Revoked {
				d.Others, d.OthersSilent = t.All-1, t.Wrong[Silent]
				if slices.Contains(d.Wrong, Silent) {
					d.OthersSilent--
				}
			}
		}
		d.Hours, err = hours(ctx, tx, `SELECT hour, name, n FROM counts WHERE door = $1 AND hour >= $2`, id, f.day())
		return err
	})
	if err != nil {
		return DoorDetail{}, fmt.Errorf("look a door up: %w", err)
	}
	return d, nil
}

// hours reads counts by hour and name, the oldest hour first. Hours without a count are left out.
func hours(ctx context.Context, tx *sql.Tx, query string, params ...any) ([]Hour, error) {
	list := []Hour{}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var hour int64
		var name string
		var n int
		err := found.Scan(&hour, &name, &n)
		at := time.Unix(hour, 0).UTC()
		if len(list) == 0 || !list[len(list)-1].Hour.Equal(at) {
			list = append(list, Hour{at, map[string]int{}})
		}
		list[len(list)-1].Counts[name] = n
		return err
	}, query+` ORDER BY hour, name`, params...)
	return list, err
}
