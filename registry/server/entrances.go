package server

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/store"
)

// sheetsAtOnce is how many venues one answer has sheets for.
const sheetsAtOnce = 25

// codeMaker makes enrolment codes that differ only in their tokens.
type codeMaker struct {
	code    enrol.Code
	expires time.Time
	made    map[string]string // by the door's name
}

// newCodes checks the network and the days.
func (s *Server) newCodes(wifi *api.WiFi, days int) (*codeMaker, error) {
	if days == 0 {
		days = defaultDays
	}
	if days < 0 || days > longestDays {
		return nil, badRequest("the codes would be valid for too long", "write 1 to 90 days, or leave days out for 14")
	}
	pin := enrol.PinOf(s.opt.Authority.Certificate)
	c := &codeMaker{code: enrol.Code{URL: s.opt.DoorsURL, Pin: pin[:]},
		expires: now().Add(time.Duration(days) * 24 * time.Hour), made: map[string]string{}}
	if wifi != nil {
		c.code.SSID, c.code.Passphrase, c.code.Country = wifi.SSID, wifi.Passphrase, wifi.Country
	}
	c.code.Token = newToken()
	if err := c.code.Check(); err != nil {
		return nil, badRequest(err.Error(), "check the Wi-Fi's name, passphrase and country")
	}
	return c, nil
}

// next makes a code for a door. Asked again for the same door, it makes another one, and that one
// counts.
func (c *codeMaker) next(name string) store.Secret {
	c.code.Token = newToken()
	c.made[name] = c.code.String()
	return tokenSecret(c.code.Token)
}

// sheets makes the missing doors of a venue, or of the venues of a region, and codes for the doors
// that wait for their first device.
func (s *Server) sheets(r *http.Request, within string) (any, error) {
	req, err := decode[SheetsRequest](r)
	if err != nil {
		return nil, err
	}
	if req.Region != "" && !regionForm.MatchString(req.Region) {
		return nil, badRequest("the region is not a code like KZ-75", "GET "+PathRegions+" lists them")
	}
	venues, more, err := s.venuesOf(r, req, within)
	if err != nil {
		return nil, err
	}
	c, err := s.newCodes(req.WiFi, req.Days)
	if err != nil {
		return nil, err
	}
	doors, err := s.opt.Store.PutEntrances(r.Context(), venues, req.Again, c.next, c.expires, now())
	if errors.Is(err, store.ErrExists) {
		return nil, &failure{http.StatusConflict, "another door has the name that a door of this venue needs",
			"give the entrance or the venue another name", err}
	}
	if err != nil {
		return nil, err
	}
	answer := SheetsAnswer{Venues: make([]VenueSheet, len(venues))}
	for i, v := range venues {
		sheet := VenueSheet{Venue: v, Doors: make([]SheetDoor, len(doors[i]))}
		for k, d := range doors[i] {
			sheet.Doors[k] = SheetDoor{VenueDoor: d, Code: c.made[d.Name]}
		}
		answer.Venues[i] = sheet
	}
	if more {
		answer.Next = venues[len(venues)-1].ID
	}
	return answer, nil
}

// venuesOf are the venues that sheets are asked for, and whether there are more.
func (s *Server) venuesOf(
	r *http.Request, req SheetsRequest, within string,
) (venues []store.Venue, more bool, err error) {
	if within != "" && req.Venue == 0 && req.Region != within {
		return nil, false, errNotYourRegion
	}
	if req.Venue != 0 {
		v, err := s.venueWithin(r, req.Venue, within)
		return []store.Venue{v}, false, err
	}
	var after *store.Venue
	if req.After != 0 {
		v, err := s.venueWithin(r, req.After, within)
		if err != nil {
			return nil, false, err
		}
		after = &v
	}
	venues, err = s.opt.Store.Venues(r.Context(), req.Region, after, sheetsAtOnce+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(venues) > sheetsAtOnce; more {
		venues = venues[:sheetsAtOnce]
	}
	return venues, more, nil
}

var errNotYourRegion = &failure{http.StatusForbidden, "this is not your region", "name your own region", nil}

// venueWithin finds a venue of a region. One elsewhere counts as unknown.
func (s *Server) venueWithin(r *http.Request, id int64, within string) (store.Venue, error) {
	v, err := s.opt.Store.VenueOf(r.Context(), id)
	if err == nil && within != "" && v.Region != within {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Venue{}, noVenue(err)
	}
	return v, nil
}

// doorWithin finds out whether a door belongs to a venue of a region. One elsewhere is as good as
// none.
func (s *Server) doorWithin(r *http.Request, name, within string) error {
	if within == "" {
		return nil
	}
	_, place, err := s.opt.Store.DoorOf(r.Context(), name, now())
	if err != nil {
		return err
	}
	v, err := s.opt.Store.VenueOf(r.Context(), place)
	if err == nil && v.Region != within {
		err = store.ErrNotFound
	}
	return err
}

// venueDoors lists the doors of a venue.
func (s *Server) venueDoors(r *http.Request, within string) (any, error) {
	id, err := strconv.ParseInt(r.URL.Query().Get("venue"), 10, 64)
	if err != nil {
		return nil, badRequest(`"venue" is not the id of a venue`, "write ?venue=ID")
	}
	v, err := s.venueWithin(r, id, within)
	if err != nil {
		return nil, err
	}
	return s.opt.Store.VenueDoors(r.Context(), v.ID, now())
}

// replaceDoor makes a code for the device that takes a door's place.
func (s *Server) replaceDoor(r *http.Request, within string) (any, error) {
	req, err := decode[ReplaceDoorRequest](r)
	if err != nil {
		return nil, err
	}
	c, err := s.newCodes(req.WiFi, req.Days)
	if err != nil {
		return nil, err
	}
	err = s.opt.Store.Replace(r.Context(), req.Name, within, c.next(req.Name), c.expires)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "there is no door of this name", "write it as the overview does", err}
	}
	if err != nil {
		return nil, err
	}
	d, place, err := s.opt.Store.DoorOf(r.Context(), req.Name, now())
	if err != nil {
		return nil, err
	}
	sheet := VenueSheet{Doors: []SheetDoor{{VenueDoor: d, Code: c.made[req.Name]}}}
	if place != 0 {
		sheet.Venue, err = s.opt.Store.VenueOf(r.Context(), place)
	}
	return sheet, err
}

func (q *ReplaceDoorRequest) compose() { q.Name = names.Compose(q.Name) }
