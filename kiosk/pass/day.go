package pass

import (
	"fmt"
	"math"
	"time"
)

// Day is a day by UTC: days since 1970-01-01. A credential of a phone is in force for one.
type Day uint16

// Month is a month by UTC: months since January 1970. A paper code is in force to the end of one.
type Month uint16

// firstNumber is the least Day or Month in a credential: from it on each takes three bytes, so that
// the length of a credential says nothing.
const firstNumber = 256

const secondsOfDay = 24 * 60 * 60

// DayOf is the day of t, a time from 1970 to 2149.
func DayOf(t time.Time) Day { return Day(t.Unix() / secondsOfDay) }

// Start is the first second of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

// String is the day as in a calendar: 2026-01-02.
func (d Day) String() string { return d.Start().Format(time.DateOnly) }

// MonthOf is the month of t, a time from 1970 on.
func MonthOf(t time.Time) Month {
	year, month, _ := t.UTC().Date()
	return Month((year-1970)*12 + int(month) - 1)
}

// End is the first second after the month.
func (m Month) End() time.Time {
	return time.Date(1970, time.January+time.Month(m)+1, 1, 0, 0, 0, 0, time.UTC)
}

// String is the month as in a calendar: 2026-01.
func (m Month) String() string { return m.End().AddDate(0, 0, -1).Format("2006-01") }

// seconds converts t to the format's Unix seconds.
func seconds(t time.Time) (uint32, error) {
	unix := t.Unix()
	if unix < firstNumber*secondsOfDay || unix > math.MaxUint32 {
		return 0, fmt.Errorf("time %q is outside of %v to 2106", t.UTC().Format(time.RFC3339), Day(firstNumber))
	}
	return uint32(unix), nil
}
