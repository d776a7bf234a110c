package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/csvfile"
	"ashyq-kiosk/registry/kinds"
	"ashyq-kiosk/registry/store"
)

// VenueColumns are those of a file of venues.
var VenueColumns = csvfile.Columns{
	Needed:   []string{"bin", "name", "kind", "region"},
	Optional: []string{"zone", "address", "capacity", "phone", "entrances", "exits"},
}

// Limits of a file of venues.
const (
	maxVenueFile = 8 << 20 // bytes
	maxVenueRows = 20_000
)

// Why a row of a file of venues is refused, besides csvfile.Reasons. What is variable is in the
// places of %d.
const (
	wrongDigit     = "the check digit is wrong: a digit was mistyped"
	wrongRegion    = "unknown: write its name in full, or a code like KZ-75"
	wrongKind      = "unknown: write a kind as the page lists them"
	wrongZone      = "write red, yellow or green"
	wrongCapacity  = "write 0 to 100000 people"
	wrongPhone     = "write it like +77010000000"
	wrongText      = "too long, or with invisible characters"
	wrongEntrances = "write how many there are, at most 20, or their names with | between them"
	wrongTwice     = "this venue is in the file before, in line %d"
	wrongTooMany   = "more than 20000 venues: split the file"
	notYours       = "this venue is not in your region"
)

// VenueReasons are all of them, for whoever translates.
var VenueReasons = []string{wrongDigit, wrongRegion, wrongKind, wrongZone, wrongCapacity, wrongPhone, wrongText,
	wrongEntrances,
	wrongTwice, wrongTooMany, notYours}

// VenueRows reads the rows of a file of venues.
type VenueRows struct {
	regions map[string]string // code by name, as fold writes it
}

// NewVenueRows knows the regions by their codes and by their names in three languages.
func NewVenueRows(regions []store.Region) *VenueRows {
	rows := &VenueRows{regions: map[string]string{}}
	for _, r := range regions {
		for _, name := range []string{r.Code, r.KK, r.RU, r.EN} {
			rows.regions[fold(name)] = r.Code
		}
	}
	return rows
}

// fold makes names equal that people take for the same.
func fold(name string) string {
	text := strings.ReplaceAll(strings.ToLower(names.Compose(name)), "ё", "е")
	return strings.Join(strings.Fields(strings.ReplaceAll(text, ".", ". ")), " ")
}

// cityWords are left out around the name of a city that is a region of its own; the other words are
// how people shorten a region's.
var (
	cityWords = []string{"г.", "г", "город", "қ.", "қаласы", "city", "c."}
	longWords = map[string][]string{
		"обл.": {"область", "облысы"}, "обл": {"область", "облысы"}, "oblast": {"region"}, "reg.": {"region"},
	}
)

// region finds a region's code.
func (rows *VenueRows) region(text string) string {
	text = fold(text)
	if code := rows.regions[text]; code != "" {
		return code
	}
	words := strings.Fields(text)
	city := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return slices.Contains(cityWords, word) })
	if code := rows.regions[strings.Join(city, " ")]; code != "" {
		return code
	}
	for i, word := range words {
		for _, long := range longWords[word] {
			whole := slices.Concat(words[:i], []string{long}, words[i+1:])
			if code := rows.regions[strings.Join(whole, " ")]; code != "" {
				return code
			}
		}
	}
	return ""
}

// ofBIN turns what is said of an IIN into what is said of a BIN, which has the same form.
var ofBIN = strings.NewReplacer("an IIN", "a BIN", "IIN", "BIN")

// Read makes a venue of a row, or says what is wrong with which field.
func (rows *VenueRows) Read(row map[string]string) (v store.Venue, field, reason string) {
	if reason := csvfile.CheckIIN(row["bin"]); reason != "" {
		return v, "bin", ofBIN.Replace(reason)
	}
	if _, err := store.ParseBIN(row["bin"]); err != nil {
		return v, "bin", wrongDigit
	}
	v = store.Venue{BIN: row["bin"], Name: names.Compose(row["name"]), Region: rows.region(row["region"]),
		Address: names.Compose(row["address"])}
	var kindOK, zoneOK bool
	v.Kind, kindOK = kinds.Venue(row["kind"])
	if v.Zone, zoneOK = kinds.Zone(row["zone"]); row["zone"] == "" {
		v.Zone, zoneOK = "green", true
	}
	var capacityErr error
	if text := row["capacity"]; text != "" {
		v.Capacity, capacityErr = strconv.Atoi(text)
	}
	var phoneOK, entrancesOK, exitsOK bool
	v.Phone, phoneOK = csvfile.Phone(row["phone"])
	v.Entrances, entrancesOK = doorNames(row["entrances"], "Кіру")
	v.Exits, exitsOK = doorNames(row["exits"], "Шығу")
	for _, check := range []struct {
		wrong         bool
		field, reason string
	}{
		{v.Name == "", "name", csvfile.Missing},
		{!isText(v.Name, MaxVenueName), "name", wrongText},
		{!kindOK, "kind", wrongKind},
		{v.Region == "", "region", wrongRegion},
		{!zoneOK, "zone", wrongZone},
		{!isText(v.Address, MaxAddress), "address", wrongText},
		{capacityErr != nil || v.Capacity < 0 || v.Capacity > MaxCapacity, "capacity", wrongCapacity},
		{!phoneOK, "phone", wrongPhone},
		{!entrancesOK, "entrances", wrongEntrances},
		{!exitsOK || sharesName(v), "exits", wrongEntrances},
	} {
		if check.wrong {
			return v, check.field, check.reason
		}
	}
	return v, "", ""
}

// isText tells whether a text, which may be empty, is visible and short enough.
func isText(text string, most int) bool {
	return text == "" || len(text) <= most && names.Check(text) == nil
}

// doorNames reads a list of doors: how many, or their names. Numbered doors are named with the word
// that stands above every door of the country.
func doorNames(text, word string) (list []string, ok bool) {
	if text == "" || text == "0" {
		return nil, true
	}
	if n, err := strconv.Atoi(text); err == nil {
		for i := 1; i <= min(n, MaxEntrances); i++ {
			list = append(list, fmt.Sprint(word, " ", i))
		}
		return list, n > 0 && n <= MaxEntrances
	}
	if strings.Trim(text, "0123456789 .,\u00a0") == "" { // a spreadsheet's way to write a number, like 2,0
		return nil, false
	}
	for _, name := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("|;,", r) }) {
		list = append(list, names.Compose(strings.TrimSpace(name)))
	}
	return list, checkEntrances(list) == nil
}

var errEntrances = errors.New("entrances cannot be used")

// checkEntrances checks the names of entrances, or of exits.
func checkEntrances(list []string) error {
	seen := map[string]bool{}
	for _, name := range list {
		if name == "" || !isText(name, MaxEntrance) || seen[fold(name)] {
			return errEntrances
		}
		seen[fold(name)] = true
	}
	if len(list) > MaxEntrances {
		return errEntrances
	}
	return nil
}

// sharesName tells whether an exit is called like an entrance: their doors need different names.
func sharesName(v store.Venue) bool {
	return slices.ContainsFunc(v.Exits, func(exit string) bool {
		return slices.ContainsFunc(v.Entrances, func(entrance string) bool { return fold(entrance) == fold(exit) })
	})
}

// venueFile is a file that was read.
type venueFile struct {
	columns []string
	venues  []store.Venue
	lines   []int // of the venues
	refused []store.RowRefusal
}

func (rows *VenueRows) file(data []byte) (*venueFile, error) {
	reader, err := csvfile.OpenTable(bytes.NewReader(data), VenueColumns)
	if err != nil {
		return nil, refusedFile(err)
	}
	f := &venueFile{columns: reader.Columns()}
	seen := map[[2]string]int{} // line by BIN and name
	for {
		row, err := reader.Fields()
		if err == io.EOF {
			return f, nil
		}
		refusal, wrong := errors.AsType[*csvfile.Refusal](err)
		if err != nil && !wrong {
			return nil, err
		}
		if len(f.venues)+len(f.refused) >= maxVenueRows {
			return nil, badRequest("the file cannot be used: "+wrongTooMany, "nothing was stored")
		}
		line := reader.Line()
		if wrong {
			f.refuse(line, refusal.Field, refusal.Text())
			continue
		}
		v, field, reason := rows.Read(row)
		key := [2]string{v.BIN, v.Name}
		switch {
		case reason != "":
			f.refuse(line, field, reason)
		case seen[key] > 0:
			f.refuse(line, "name", fmt.Sprintf(wrongTwice, seen[key]))
		default:
			seen[key] = line
			f.venues, f.lines = append(f.venues, v), append(f.lines, line)
		}
	}
}

func (f *venueFile) refuse(line int, field, reason string) {
	f.refused = append(f.refused, store.RowRefusal{Line: line, Field: field, Reason: reason})
}

// KeepVenue gives what copies the fields that a file with these columns does not tell.
func KeepVenue(columns []string) func(known store.Venue, v *store.Venue) {
	return func(known store.Venue, v *store.Venue) {
		for column, keep := range map[string]func(){
			"zone":      func() { v.Zone = known.Zone },
			"address":   func() { v.Address = known.Address },
			"capacity":  func() { v.Capacity = known.Capacity },
			"phone":     func() { v.Phone = known.Phone },
			"entrances": func() { v.Entrances = known.Entrances },
			"exits":     func() { v.Exits = known.Exits },
		} {
			if !slices.Contains(columns, column) {
				keep()
			}
		}
	}
}

// importVenues takes a file of venues, or tells with ?preview=1 what it would do. All venues that
// can be used are stored at once, or none.
func (s *Server) importVenues(r *http.Request, within string) (any, error) {
	data, err := io.ReadAll(patient(r))
	if err != nil {
		return nil, err
	}
	regions, err := s.opt.Store.Regions(r.Context())
	if err != nil {
		return nil, err
	}
	file, err := NewVenueRows(regions).file(data)
	if err != nil {
		return nil, err
	}
	preview := r.URL.Query().Get("preview") != ""
	outcomes, err := s.opt.Store.ImportVenues(r.Context(),
		store.VenueImport{Venues: file.venues, Keep: KeepVenue(file.columns), Within: within, Preview: preview})
	if err != nil {
		return nil, err
	}
	return file.answer(outcomes, wanted(r)), nil
}

func (f *venueFile) answer(outcomes []store.VenueOutcome, say func(string) string) VenueImportAnswer {
	a := VenueImportAnswer{Regions: map[string]int{}, Refused: []store.RowRefusal{}}
	for i, v := range f.venues {
		switch outcomes[i] {
		case store.VenueNew:
			a.New++
		case store.VenueChanged:
			a.Changed++
		case store.VenueSame:
			a.Same++
		case store.VenueElsewhere:
			f.refuse(f.lines[i], "region", notYours)
			continue
		}
		a.Regions[v.Region]++
		a.Doors += max(len(v.Entrances), 1) + len(v.Exits)
	}
	slices.SortStableFunc(f.refused, func(a, b store.RowRefusal) int { return a.Line - b.Line })
	for _, row := range f.refused {
		a.Refused = append(a.Refused, store.RowRefusal{Line: row.Line, Field: say(row.Field), Reason: say(row.Reason)})
	}
	return a
}
