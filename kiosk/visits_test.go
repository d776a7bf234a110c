package kiosk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
)

// others are the venue's other doors.
type others struct {
	last map[uint32]time.Time
	told []uint32
}

func (o *others) Last(index uint32) time.Time        { return o.last[index] }
func (o *others) Admitted(index uint32, _ time.Time) { o.told = append(o.told, index) }

// Whom another door of the venue has let in a moment ago is not let in here with the same pass; the
// colour still comes first.
func TestPassedAtAnotherDoor(t *testing.T) {
	for _, c := range []struct {
		name  string
		index uint64
		ago   time.Duration // since another door let the person in; 0: none did
		paper bool
		want  string
		told  int
	}{
		{"a moment ago", 4, 20 * time.Second, false, "code-refused passed-already", 0},
		{"a while ago", 4, 2 * time.Minute, false, "admitted green", 1},
		{"nowhere", 4, 0, false, "admitted green", 1},
		{"a moment ago, and red since", 1, 20 * time.Second, false, "turned-back red", 0},
		{"a paper pass, a moment ago", 4, 20 * time.Second, true, "code-refused passed-already", 0},
		{"a paper pass", 4, 0, true, "admitted green", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &others{last: map[uint32]time.Time{}}
				if c.ago != 0 {
					o.last[uint32(c.index)] = time.Now().Add(-c.ago)
				}
				d := openDoor(t, func(opt *kiosk.Options) { opt.Visits = o })
				code := newPhone(t, c.index).code(time.Now())
				if c.paper {
					code = paperOf(t, c.index)
				}
				if got := d.present(code); got != c.want {
					t.Errorf("shown %q, want %q", got, c.want)
				}
				if len(o.told) != c.told || c.told == 1 && o.told[0] != uint32(c.index) {
					t.Errorf("the others are told of %v", o.told)
				}
			})
		})
	}
}
