package score

import "slices"

// Times are CPU milliseconds.
type Times []float64

// Quantile is the smallest time that this part of them does not exceed; 0 for none.
func (t Times) Quantile(part float64) float64 {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}

// Sum is all of them.
func (t Times) Sum() (sum float64) {
	for _, ms := range t {
		sum += ms
	}
	return sum
}

// Row sums up a set of pictures.
type Row struct {
	Set          string
	Count        map[Verdict]int
	Pictures     int
	Read, Unread Times // of the pictures with and without a text
}

// Table judges all pictures, and sums them up by their sets in the order of the truth; the last row
// is all of them. A picture that the decoder said nothing about is unread.
func Table(truth []Picture, readings []Reading, judged func(*Picture, Verdict, Reading)) []Row {
	said := map[string]Reading{}
	for _, r := range readings {
		said[r.Path] = r
	}
	var rows []Row
	all := Row{Set: "all", Count: map[Verdict]int{}}
	for i := range truth {
		p := &truth[i]
		at := slices.IndexFunc(rows, func(r Row) bool { return r.Set == p.Set() })
		if at < 0 {
			at, rows = len(rows), append(rows, Row{Set: p.Set(), Count: map[Verdict]int{}})
		}
		r, ok := said[p.Path]
		verdict := Judge(p, r.Texts)
		if !ok {
			verdict = Unread
		}
		judged(p, verdict, r)
		for _, row := range []*Row{&rows[at], &all} {
			row.add(verdict, r)
		}
	}
	return append(rows, all)
}

func (row *Row) add(v Verdict, r Reading) {
	row.Pictures++
	row.Count[v]++
	if len(r.Texts) > 0 {
		row.Read = append(row.Read, r.CPU)
	} else {
		row.Unread = append(row.Unread, r.CPU)
	}
}

// Viewing sums up a video.
type Viewing struct {
	Path   string
	Frames int
	First  []int // for each text the first frame in which it was read; -1: in none
	Delay  []int // how many frames after it came into view that is
	Missed int
	Wrong  int   // texts that are not the video's
	All    Times // of all frames
	Idle   Times // of those in which no code is in view
}

// View judges a video by what was read in its frames.
func View(v *Video, readings []Reading) Viewing {
	sum := Viewing{Path: v.Path}
	for range v.Texts {
		sum.First, sum.Delay = append(sum.First, -1), append(sum.Delay, 0)
	}
	for _, r := range readings {
		if r.Path != v.Path {
			continue
		}
		sum.Frames++
		sum.All = append(sum.All, r.CPU)
		if !slices.ContainsFunc(v.Views, func(s Span) bool { return s.First <= r.Frame && r.Frame <= s.Last }) {
			sum.Idle = append(sum.Idle, r.CPU)
		}
		for _, text := range r.Texts {
			i := slices.IndexFunc(v.Texts, func(known []byte) bool { return Same(text, known) })
			if i < 0 {
				sum.Wrong++
			} else if sum.First[i] < 0 {
				sum.First[i], sum.Delay[i] = r.Frame, r.Frame-v.Views[i].First
			}
		}
	}
	for _, first := range sum.First {
		if first < 0 {
			sum.Missed++
		}
	}
	return sum
}
