package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// otherwise lets the list look as if a program with other durations had derived it.
func (m *measured) otherwise() {
	m.Helper()
	m.sql(`UPDATE registry SET colour_rule = $1`, []byte{1})
}

// ruleLength is 1 after otherwise, 0 while people are made due, and then 32.
const ruleLength = `SELECT COALESCE(length(colour_rule), 0) FROM registry`

// TestKilledWhileDurationsChange kills a registry whose durations are others than those of the list:
// while it makes everybody due, collects what they derive to, and stores it. Afterwards the list says
// of everybody what their records say, and so does the database; and it was one version.
func TestKilledWhileDurationsChange(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves the change of 60,000 people to make test")
	}
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			m := newMass(t, address(t), 60_000)
			defer m.close()
			m.sql(`UPDATE citizens SET due = CASE WHEN id % 2 = 0 THEN CAST($1 AS BIGINT) END`, time.Now().Add(24*time.Hour).Unix())
			m.otherwise()
			before := m.count(listVersion)
			phases := []func() bool{
				func() bool { return m.count(ruleLength) == 0 },
				func() bool { return m.count(ruleLength) == 32 && m.count(listVersion) == before },
				func() bool { return m.count(listVersion) == before+1 },
			}
			for n, is := range phases {
				killed := 0
				for range 3 {
					m.cmd = m.program()
					if err := m.cmd.Start(); err != nil {
						t.Fatal(err)
					}
					for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
						if time.Now().After(end) {
							t.Fatalf("phase %d does not begin", n)
						}
					}
					if n == 2 {
						time.Sleep(rand.N(50 * time.Millisecond))
					}
					m.kill()
					if is() {
						killed++
					} else if n < 2 {
						break
					}
				}
				if killed == 0 {
					t.Errorf("not killed in phase %d", n)
				}
			}
			m.serve()
			m.settled()
			m.changed()
			if after := m.count(listVersion); after != before+1 {
				t.Errorf("version %d after %d, want one more", after, before)
			}
		})
	}
}
