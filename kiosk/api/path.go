package api

import (
	"cmp"
	"math"
	"slices"
)

// Request is what one more blob costs a door beside its bytes, in units of statuslist.SizeStep.
const Request = 1

// Changed is the version that changed the list last. Later ones changed only other things.
func (m Manifest) Changed() uint64 {
	last := uint64(0)
	for _, s := range m.Sections {
		last = max(last, s.Changed)
	}
	return last
}

// Path is the cheapest way from a version of the list to this one by deltas, the first one first,
// and what it costs, in units of statuslist.SizeStep. If ok is false there is no way.
func (m Manifest) Path(from uint64) (path []Delta, cost int, ok bool) {
	last := m.Changed()
	if from >= last {
		return nil, 0, true
	}
	deltas := slices.DeleteFunc(slices.Concat(m.Deltas...), func(d Delta) bool { return d.To <= from })
	slices.SortFunc(deltas, func(a, b Delta) int { return cmp.Compare(a.To, b.To) })
	costs, before := make([]int, len(deltas)), make([]int, len(deltas)) // of the way that ends with this one
	best := -1
	for i, d := range deltas {
		costs[i], before[i] = math.MaxInt, -1
		if d.From <= from {
			costs[i] = 0
		}
		for k := range i {
			if d.From <= deltas[k].To && deltas[k].To < d.To && costs[k] < costs[i] {
				costs[i], before[i] = costs[k], k
			}
		}
		if costs[i] == math.MaxInt {
			continue
		}
		costs[i] += int(d.Size) + Request
		if d.To == last && (best < 0 || costs[i] < costs[best]) {
			best = i
		}
	}
	if best < 0 {
		return nil, 0, false
	}
	for i := best; i >= 0; i = before[i] {
		path = append(path, deltas[i])
	}
	slices.Reverse(path)
	return path, costs[best], true
}

// Whole is the cheapest way to this version for who has nothing and loads every section: by these
// deltas, from the oldest of them on. If ok is false there is no way.
func (m Manifest) Whole() (path []Delta, ok bool) {
	oldest := m.Version
	for _, s := range m.Sections {
		if s.Version < s.Changed {
			oldest = min(oldest, s.Version)
		}
	}
	path, _, ok = m.Path(oldest)
	return path, ok
}
