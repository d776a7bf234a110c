package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/csvfile"
	"ashyq-kiosk/registry/store"
)

// kazakhstan is what a new registry has for regions: ISO 3166-2:KZ as of 2022.
var kazakhstan = []store.Region{
	{Code: "KZ-10", KK: "Абай облысы", RU: "Абайская область", EN: "Abai Region"},
	{Code: "KZ-11", KK: "Ақмола облысы", RU: "Акмолинская область", EN: "Akmola Region"},
	{Code: "KZ-15", KK: "Ақтөбе облысы", RU: "Актюбинская область", EN: "Aktobe Region"},
	{Code: "KZ-19", KK: "Алматы облысы", RU: "Алматинская область", EN: "Almaty Region"},
	{Code: "KZ-23", KK: "Атырау облысы", RU: "Атырауская область", EN: "Atyrau Region"},
	{Code: "KZ-27", KK: "Батыс Қазақстан облысы", RU: "Западно-Казахстанская область", EN: "West Kazakhstan Region"},
	{Code: "KZ-31", KK: "Жамбыл облысы", RU: "Жамбылская область", EN: "Zhambyl Region"},
	{Code: "KZ-33", KK: "Жетісу облысы", RU: "Жетысуская область", EN: "Zhetisu Region"},
	{Code: "KZ-35", KK: "Қарағанды облысы", RU: "Карагандинская область", EN: "Karaganda Region"},
	{Code: "KZ-39", KK: "Қостанай облысы", RU: "Костанайская область", EN: "Kostanay Region"},
	{Code: "KZ-43", KK: "Қызылорда облысы", RU: "Кызылординская область", EN: "Kyzylorda Region"},
	{Code: "KZ-47", KK: "Маңғыстау облысы", RU: "Мангистауская область", EN: "Mangystau Region"},
	{Code: "KZ-55", KK: "Павлодар облысы", RU: "Павлодарская область", EN: "Pavlodar Region"},
	{Code: "KZ-59", KK: "Солтүстік Қазақстан облысы", RU: "Северо-Казахстанская область", EN: "North Kazakhstan Region"},
	{Code: "KZ-61", KK: "Түркістан облысы", RU: "Туркестанская область", EN: "Turkistan Region"},
	{Code: "KZ-62", KK: "Ұлытау облысы", RU: "Улытауская область", EN: "Ulytau Region"},
	{Code: "KZ-63", KK: "Шығыс Қазақстан облысы", RU: "Восточно-Казахстанская область", EN: "East Kazakhstan Region"},
	{Code: "KZ-71", KK: "Астана", RU: "Астана", EN: "Astana"},
	{Code: "KZ-75", KK: "Алматы", RU: "Алматы", EN: "Almaty"},
	{Code: "KZ-79", KK: "Шымкент", RU: "Шымкент", EN: "Shymkent"},
}

// firstRegions gives a registry without regions those of the country.
func firstRegions(ctx context.Context, s *store.Store) error {
	known, err := s.Regions(ctx)
	if err != nil || len(known) > 0 {
		return err
	}
	return s.PutRegions(ctx, kazakhstan)
}

// regionForm is the form of ISO 3166-2.
var regionForm = regexp.MustCompile(`^[A-Z]{2}-[0-9A-Z]{1,3}$`)

// Limits of a venue.
const (
	MaxVenueName = 120     // bytes
	MaxAddress   = 200     // bytes
	MaxCapacity  = 100_000 // people
	MaxEntrances = 20      // and as many exits
	MaxEntrance  = 60      // bytes of the name of one
)

const (
	maxRegions = 100
	maxVenues  = 1000 // in one request
)

// byRegion lets administrators in. within is the region of a regional one, and empty for a national
// one: the whole country.
func (s *Server) byRegion(f func(r *http.Request, within string) (any, error)) func(*http.Request) (any, error) {
	return s.byAccount(func(r *http.Request, a store.Account) (any, error) { return f(r, a.Region) }, store.National,
		store.Regional)
}

// getOrPut is a path that is read and written.
func getOrPut(get, put func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return getOr(http.MethodPut, get, put)
}

func getOrPost(get, post func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return getOr(http.MethodPost, get, post)
}

func getOr(method string, get, other func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			return get(r)
		case method:
			return other(r)
		}
		return nil, &failure{http.StatusMethodNotAllowed, "wrong method", "use GET or " + method, nil}
	}
}

func (s *Server) regions(r *http.Request, _ store.Account) (any, error) {
	return s.opt.Store.Regions(r.Context())
}

func (s *Server) putRegions(r *http.Request) (any, error) {
	regions, err := decode[[]store.Region](r)
	if err != nil {
		return nil, err
	}
	if len(regions) == 0 || len(regions) > maxRegions {
		return nil, badRequest("no regions, or too many", fmt.Sprintf("write 1 to %d", maxRegions))
	}
	for _, region := range regions {
		if !regionForm.MatchString(region.Code) {
			return nil, badRequest("the code of a region cannot be used", "write it as ISO 3166-2 does, like KZ-75")
		}
		for _, name := range []string{region.KK, region.RU, region.EN} {
			if err := checkName("name of "+region.Code, name); err != nil {
				return nil, err
			}
		}
	}
	return nil, s.opt.Store.PutRegions(r.Context(), regions)
}

func (s *Server) removeRegion(r *http.Request) (any, error) {
	req, err := decode[RegionRequest](r)
	if err != nil {
		return nil, err
	}
	err = s.opt.Store.RemoveRegion(r.Context(), req.Code)
	if errors.Is(err, store.ErrInUse) {
		return nil, &failure{http.StatusConflict, "this region has venues, people or sources",
			"give them another region first", err}
	}
	return nil, noRegion(err)
}

func noRegion(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &failure{http.StatusNotFound, "there is no region of this code", "GET " + PathRegions + " lists them", err}
	}
	return err
}

func (s *Server) putVenues(r *http.Request) (any, error) {
	venues, err := decode[[]store.Venue](r)
	if err != nil {
		return nil, err
	}
	if len(venues) == 0 || len(venues) > maxVenues {
		return nil, badRequest("no venues, or too many", fmt.Sprintf("send 1 to %d at once", maxVenues))
	}
	for i := range venues {
		if err := s.CheckVenue(&venues[i]); err != nil {
			return nil, err
		}
	}
	return nil, noRegion(s.opt.Store.PutVenues(r.Context(), venues))
}

// saveVenue adds or changes one venue.
func (s *Server) saveVenue(r *http.Request, within string) (any, error) {
	v, err := decode[store.Venue](r)
	if err != nil {
		return nil, err
	}
	if err := s.CheckVenue(&v); err != nil {
		return nil, err
	}
	if within != "" && v.Region != within {
		return nil, errNotYourRegion
	}
	if v.ID != 0 {
		if _, err := s.venueWithin(r, v.ID, within); err != nil {
			return nil, err
		}
	}
	v, err = s.opt.Store.SaveVenue(r.Context(), v, within)
	if errors.Is(err, store.ErrExists) {
		return nil, &failure{http.StatusConflict, "this organisation has a venue of that name",
			"choose another name, or change that venue", err}
	}
	if err != nil {
		return nil, noRegion(err)
	}
	return v, nil
}

// CheckVenue checks what somebody wrote about a venue; the region may still be unknown.
func (s *Server) CheckVenue(v *store.Venue) error {
	v.Name, v.Address = names.Compose(v.Name), names.Compose(v.Address)
	if v.Zone == "" {
		v.Zone = "green"
	}
	if _, err := store.ParseBIN(v.BIN); err != nil {
		return badRequest(err.Error(), "check the number for a typing error")
	}
	if len(v.Name) > MaxVenueName {
		return badRequest("the name of the venue is too long", fmt.Sprintf("write at most %d bytes", MaxVenueName))
	}
	if err := s.checkDoor(v.Name, v.Kind); err != nil {
		return err
	}
	if err := checkDoorsOf(v); err != nil {
		return err
	}
	number, ok := csvfile.Phone(v.Phone)
	if !ok {
		return badRequest("the phone number cannot be used", "write it like +77010000000")
	}
	v.Phone = number
	if len(v.Address) > MaxAddress || v.Address != "" && names.Check(v.Address) != nil {
		return badRequest("the address cannot be used", fmt.Sprintf("write at most %d bytes, all of them visible", MaxAddress))
	}
	if v.Capacity < 0 || v.Capacity > MaxCapacity {
		return badRequest("the capacity cannot be used", fmt.Sprintf("write 0 to %d people; with 0 it is not limited",
			MaxCapacity))
	}
	return checkZone(v.Zone)
}

func checkDoorsOf(v *store.Venue) error {
	for _, list := range [][]string{v.Entrances, v.Exits} {
		for i := range list {
			list[i] = names.Compose(list[i])
		}
		if checkEntrances(list) != nil {
			return badRequest("the names of entrances or exits cannot be used",
				fmt.Sprintf("write at most %d different names of 1 to %d bytes", MaxEntrances, MaxEntrance))
		}
	}
	if sharesName(*v) {
		return badRequest("an exit is called like an entrance", "give them different names")
	}
	return nil
}

// venuesPage is how many venues one answer lists.
const venuesPage = 500

func (s *Server) venues(r *http.Request, within string) (any, error) {
	query := r.URL.Query()
	region := cmp.Or(query.Get("region"), within)
	if within != "" && region != within {
		return nil, errNotYourRegion
	}
	var after *store.Venue
	if text := query.Get("after"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badRequest(`"after" is not the id of a venue`,
				"write ?region=KZ-75&after=ID, with the id that was listed last")
		}
		v, err := s.venueWithin(r, id, within)
		if err != nil {
			return nil, err
		}
		after = &v
	}
	return s.opt.Store.Venues(r.Context(), region, after, venuesPage)
}

func noVenue(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &failure{http.StatusNotFound, "there is no such venue", "GET " + PathVenues + " lists them", err}
	}
	return err
}
