package server

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

// The changes that a draft has kept are those that a comparison of all entries finds.
func TestDraftKeepsItsChanges(t *testing.T) {
	statuses := []statuslist.Status{statuslist.Valid, statuslist.Red, statuslist.Yellow, statuslist.Green}
	rapid.Check(t, func(t *rapid.T) {
		p := &publisher{sections: []*statuslist.Section{statuslist.NewSection(), statuslist.NewSection()}, manifest: api.Manifest{Sections: make([]api.Section, 2)}}
		p.sections[1].Set(7, statuslist.Red)
		d := p.draft()
		for range rapid.IntRange(0, 30).Draw(t, "writes") {
			// Few entries and few statuses: some are set twice, and some back to what they were.
			index := rapid.SampledFrom([]uint64{0, 1, 7, statuslist.SectionSize - 1}).Draw(t, "index")
			section := rapid.Uint64Range(0, 1).Draw(t, "section")
			d.set(section*statuslist.SectionSize+index, rapid.SampledFrom(statuses).Draw(t, "status"))
		}
		for id := range p.sections {
			if got, want := d.changes(id), statuslist.Diff(p.sections[id], d.sections[id]); !slices.Equal(got, want) {
				t.Fatalf("section %d: changes %v, want %v", id, got, want)
			}
		}
		if p.sections[0].Content() != statuslist.NewSection().Content() {
			t.Fatal("the current section was changed")
		}
	})
}
