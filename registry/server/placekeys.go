package server

import (
	"context"
	"sync"

	"ashyq-kiosk/kiosk/pass"
)

// daysKeys are the keys of places, as the database has given them on a day.
type daysKeys struct {
	mu   sync.Mutex // guards the rest
	day  pass.Day
	keys *pass.PlaceKeys
}

// placeKeys are the keys of the days and months that passes are issued for. All registries over one
// database have the same, so they are asked for once a day.
func (s *Server) placeKeys(ctx context.Context) (*pass.PlaceKeys, error) {
	k := &s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	at := now()
	if today := pass.DayOf(at); k.keys == nil || k.day != today {
		found, err := s.opt.Store.PlaceKeys(ctx, at)
		if err != nil {
			return nil, err
		}
		k.day, k.keys = today, found.Ciphers()
	}
	return k.keys, nil
}
