package store

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk/api"
	kiosk "ashyq-kiosk/kiosk/places"
)

// venueModel is a venue with doors, a network that loses, delays and repeats messages, and the
// truth: how many people are inside.
type venueModel struct {
	hall     *hall
	now      time.Time
	doors    []*doorModel
	inside   int64 // the truth
	most     int64 // of inside
	requests []message
	answers  []message
}

type doorModel struct {
	ledger  kiosk.Ledger
	entry   bool
	revoked bool
	life    int // grows with each enrolment
}

type message struct {
	door, life int
	q          api.PlacesRequest
	a          api.PlacesAnswer
	sent       time.Duration
}

func (m *venueModel) running() time.Duration { return m.now.Sub(t0) + 100*time.Hour }

// deliver is Store.Places: what changes nothing is not kept.
func (m *venueModel) deliver(one message) {
	d := m.doors[one.door]
	if d.revoked || d.life != one.life {
		return // the certificate does not count
	}
	h := *m.hall
	h.shares = map[int64]*share{}
	for door, s := range m.hall.shares {
		copied := *s
		h.shares[door] = &copied
	}
	h.gone = nil
	for _, s := range m.hall.gone {
		copied := *s
		h.gone = append(h.gone, &copied)
	}
	a, err := h.settle(int64(one.door), d.entry, one.q, m.now)
	if err == ErrLedgerEnded && one.q.Ledger == d.ledger.Number {
		d.ledger = kiosk.NewLedger()
	}
	if err != nil {
		return
	}
	if h.dirty() {
		h.changed = false
		for _, s := range h.shares {
			s.changed = false
		}
		h.gone = slices.DeleteFunc(h.gone, func(s *share) bool { return s.remove })
		m.hall = &h
	}
	one.a = a
	m.answers = append(m.answers, one)
}

func (m *venueModel) take(t *rapid.T, from *[]message, keep bool) (message, bool) {
	if len(*from) == 0 {
		return message{}, false
	}
	i := rapid.IntRange(0, len(*from)-1).Draw(t, "which")
	one := (*from)[i]
	if !keep {
		*from = append((*from)[:i:i], (*from)[i+1:]...)
	}
	return one, true
}

// leave is leaveShare.
func (m *venueModel) leave(door int) {
	if s := m.hall.shares[int64(door)]; s != nil {
		m.hall.gone = append(m.hall.gone, s)
		delete(m.hall.shares, int64(door))
	}
}

func (m *venueModel) come(d *doorModel, t *rapid.T) {
	if d.entry && d.ledger.Spend(m.running()) {
		m.inside++
		m.most = max(m.most, m.inside)
		if m.inside > m.hall.capacity {
			t.Fatalf("%d people inside, the capacity is %d", m.inside, m.hall.capacity)
		}
	}
}

func (m *venueModel) actions() map[string]func(*rapid.T) {
	door := func(t *rapid.T) (int, *doorModel) {
		i := rapid.IntRange(0, len(m.doors)-1).Draw(t, "door")
		return i, m.doors[i]
	}
	ask := func(t *rapid.T) message {
		i, d := door(t)
		want := int64(0)
		if d.entry {
			want = rapid.Int64Range(0, 1).Draw(t, "want")
		}
		q := d.ledger.Request(want, m.running())
		q.Off = rapid.IntRange(0, 9).Draw(t, "off") == 0
		return message{door: i, life: d.life, q: q, sent: m.running()}
	}
	return map[string]func(*rapid.T){
		"ask": func(t *rapid.T) { m.requests = append(m.requests, ask(t)) },
		"ask and come in": func(t *rapid.T) { // as in quiet times
			one := ask(t)
			n := len(m.answers)
			if m.deliver(one); len(m.answers) > n {
				last := m.answers[n]
				m.answers = m.answers[:n]
				if err := m.doors[one.door].ledger.Answer(last.q, last.a, last.sent); err != nil {
					t.Fatal(err)
				}
			}
			m.come(m.doors[one.door], t)
		},
		"a request arrives": func(t *rapid.T) {
			if one, ok := m.take(t, &m.requests, rapid.Bool().Draw(t, "and arrives again")); ok {
				m.deliver(one)
			}
		},
		"a request is lost": func(t *rapid.T) { m.take(t, &m.requests, false) },
		"an answer arrives": func(t *rapid.T) {
			if one, ok := m.take(t, &m.answers, rapid.Bool().Draw(t, "and arrives again")); ok {
				if err := m.doors[one.door].ledger.Answer(one.q, one.a, one.sent); err != nil {
					t.Fatal(err)
				}
			}
		},
		"an answer is lost": func(t *rapid.T) { m.take(t, &m.answers, false) },
		"come in": func(t *rapid.T) {
			_, d := door(t)
			m.come(d, t)
		},
		"leave": func(t *rapid.T) {
			if _, d := door(t); !d.entry && m.inside > 0 {
				d.ledger.Out++
				m.inside--
			}
		},
		"power cut": func(t *rapid.T) {
			_, d := door(t)
			d.ledger = kiosk.NewLedger()
		},
		"revoke": func(t *rapid.T) { // it goes on with its share
			i, d := door(t)
			d.revoked = true
			m.leave(i)
		},
		"replace": func(t *rapid.T) { // and the old device goes on with its share
			i, d := door(t)
			old := *d
			old.revoked = true
			m.doors = append(m.doors, &old)
			m.leave(i)
			d.revoked, d.life, d.ledger = false, d.life+1, kiosk.NewLedger()
		},
		"time passes": func(t *rapid.T) {
			m.now = m.now.Add(time.Duration(rapid.IntRange(0, 14*60).Draw(t, "minutes")) * time.Minute)
		},
		"everybody goes home": func(*rapid.T) {
			m.inside = 0
			local := m.now.In(Country)
			m.now = time.Date(local.Year(), local.Month(), local.Day()+1, 0, int(m.hall.empties), 0, 0, Country)
			m.hall.empties = emptiesAt
			m.hall.pass(m.now)
			m.hall.empties = -1 // in this model nobody else sets the number to 0
		},
		"the staff let somebody in": func(t *rapid.T) {
			if m.hall.seat() == nil {
				if m.inside++; m.inside > m.hall.capacity {
					t.Fatalf("the staff have let in number %d of %d", m.inside, m.hall.capacity)
				}
			}
		},
		"somebody leaves by the window": func(*rapid.T) {
			if m.inside > 0 {
				m.inside--
				m.hall.add(max(-1, -max(0, m.hall.inside)))
			}
		},
		"the staff count": func(*rapid.T) { m.hall.begin(m.inside) },
		"": func(t *rapid.T) {
			if sum := m.hall.inside + m.hall.reserved(); m.inside > sum {
				t.Fatalf("%d people inside, the registry knows of %d at most", m.inside, sum)
			}
		},
	}
}

// TestPlacesModel looks for an order of events in which more people are inside than the venue may
// hold: requests and answers that are lost, late or repeated, doors that lose their memory, that
// are revoked or silent for hours.
func TestPlacesModel(t *testing.T) {
	fullest := map[string]int{}
	look := func(t *rapid.T) {
		m := &venueModel{now: t0, hall: &hall{
			capacity: rapid.SampledFrom([]int64{1, 3, 20, 100}).Draw(t, "capacity"), emptied: t0.Unix(), empties: -1, shares: map[int64]*share{},
		}}
		for n := range rapid.IntRange(2, 4).Draw(t, "doors") {
			m.doors = append(m.doors, &doorModel{entry: n != 1, ledger: kiosk.NewLedger()})
		}
		t.Repeat(m.actions())
		if m.most == m.hall.capacity {
			fullest["full"]++
		}
		fullest["all"]++
	}
	for range 30 { // a hundred runs each; without one of the rules it takes some hundred to find the hole
		rapid.Check(t, look)
	}
	if fullest["full"]*100 < fullest["all"] {
		t.Errorf("the venue was full in %d of %d runs: the test looks at nothing", fullest["full"], fullest["all"])
	}
}

// Shares are generous while there are many places, and gone when there are few.
func TestShares(t *testing.T) {
	h := &hall{capacity: 100, emptied: t0.Unix(), empties: -1, shares: map[int64]*share{}}
	a, b := kiosk.NewLedger(), kiosk.NewLedger()
	ask := func(door int64, l *kiosk.Ledger, want int64) {
		t.Helper()
		q := l.Request(want, 0)
		answer, err := h.settle(door, true, q, t0)
		if err == nil {
			err = l.Answer(q, answer, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ask(1, &a, 0)
	ask(2, &b, 0)
	if a.Limit != 25 || b.Limit != 12 {
		t.Errorf("shares of an empty venue for 100: %d and %d, want 25 (it was the only door) and 12", a.Limit, b.Limit)
	}
	ask(1, &a, 0)
	if a.Limit != 12 {
		t.Errorf("with a second door the first one keeps %d, want 12", a.Limit)
	}
	for range 95 { // all through the first door; the second one only says hello
		if !a.Spend(0) {
			ask(1, &a, 1)
			ask(2, &b, 0)
			if !a.Spend(0) {
				break
			}
		}
	}
	ask(2, &b, 0)
	ask(2, &b, 0)
	if a.In != 95 || b.Limit != 0 {
		t.Errorf("%d came in at the first door, and the second keeps %d places; want 95 and 0", a.In, b.Limit)
	}
	ask(1, &a, 0)
	if h.free() != 5 {
		t.Errorf("%d places are free, want 5", h.free())
	}
}
