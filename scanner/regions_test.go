package scanner

import (
	"image"
	"slices"
	"strings"
	"testing"
)

func TestRegions(t *testing.T) {
	for _, test := range []struct {
		name  string
		rows  string // # is marked
		boxes []image.Rectangle
	}{
		{"nothing", "....../......", nil},
		{"one in a corner", "#...../....../......", []image.Rectangle{image.Rect(0, 0, 2, 2)}},
		{"with its neighbours", "......../......../...#..../......../........", []image.Rectangle{image.Rect(2, 1, 5, 4)}},
		{"close ones are one", "......../.#..#.../........", []image.Rectangle{image.Rect(0, 0, 6, 3)}},
		{"far ones are two", "........./.#....#../.........", []image.Rectangle{image.Rect(0, 0, 3, 3), image.Rect(5, 0, 8, 3)}},
		{"no overlap", // the one in the bend of an L is part of it
			"#......../#......../#.....#../#......../#......../#......../#......../#......../#########", []image.Rectangle{image.Rect(0, 0, 9, 9)}},
	} {
		rows := strings.Split(test.rows, "/")
		blocks := image.Rect(0, 0, len(rows[0]), len(rows))
		var marked []bool
		for _, c := range strings.Join(rows, "") {
			marked = append(marked, c == '#')
		}
		var r regions
		for range 2 {
			if got := r.around(marked, blocks); !slices.Equal(got, test.boxes) {
				t.Errorf("%s: %v, want %v", test.name, got, test.boxes)
			}
		}
	}
}

// A picture full of small changes is one region.
func TestRegionsManyAreOne(t *testing.T) {
	blocks := image.Rect(0, 0, 40, 22)
	marked := make([]bool, 40*22)
	for y := 1; y < 22; y += 5 {
		for x := 1; x < 40; x += 5 {
			marked[y*40+x] = true
		}
	}
	var r regions
	if got := r.around(marked, blocks); len(got) != 1 || got[0] != blocks {
		t.Errorf("%v", got)
	}
}
