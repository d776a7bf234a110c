package server

import (
	"context"

	"ashyq-kiosk/kiosk/pass"
)

// placeKeys are those of the days and months that passes are issued for.
func (s *Server) placeKeys(context.Context) (*pass.PlaceKeys, error) {
	days, months := map[pass.Day]pass.PlaceKey{}, map[pass.Month]pass.PlaceKey{}
	for d := range pass.Day(pass.MaxDays + 3) {
		day := pass.DayOf(now()) - 1 + d
		days[day] = pass.PlaceKey{byte(day), byte(day >> 8)}
	}
	for m := range pass.Month(paperMonths + 1) {
		month := pass.MonthOf(now()) + m
		months[month] = pass.PlaceKey{byte(month), byte(month >> 8), 1}
	}
	return pass.NewPlaceKeys(days, months), nil
}
