package statuslist_test

import (
	"slices"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/statuslist"
)

func TestHold(t *testing.T) {
	// Epoch 0 was restored at version 40 as epoch 100, and that at version 60 as epoch 300. Epoch
	// 200 came of a backup of epoch 100, too; the backup of epoch 300 was older than it.
	history := statuslist.Epochs{{Epoch: 0, Version: 40}, {Epoch: 100, Version: 60}}
	now := statuslist.Edition{Epoch: 300, Version: 75}
	for since, want := range map[statuslist.Edition]bool{
		{}:                         true,
		{Epoch: 0, Version: 40}:    true,
		{Epoch: 0, Version: 41}:    false, // lost with the first restore
		{Epoch: 100, Version: 41}:  true,
		{Epoch: 100, Version: 60}:  true,
		{Epoch: 100, Version: 61}:  false,
		{Epoch: 200, Version: 1}:   false, // an epoch that was lost as a whole
		{Epoch: 300, Version: 61}:  true,
		{Epoch: 300, Version: 75}:  true,
		{Epoch: 300, Version: 76}:  false, // not yet
		{Epoch: 1000, Version: 76}: false,
	} {
		if got := history.Hold(since, now); got != want {
			t.Errorf("a list at %v holds what came with %v: %v, want %v", now, since, got, want)
		}
	}
}

func TestEpochsCheck(t *testing.T) {
	now := statuslist.Edition{Epoch: 300, Version: 75}
	for name, c := range map[string]struct {
		epochs statuslist.Epochs
		want   string
	}{
		"none":         {nil, ""},
		"two":          {statuslist.Epochs{{Epoch: 0, Version: 40}, {Epoch: 100, Version: 60}}, ""},
		"same version": {statuslist.Epochs{{Epoch: 0, Version: 40}, {Epoch: 100, Version: 40}}, ""},
		"descending":   {statuslist.Epochs{{Epoch: 100, Version: 40}, {Epoch: 0, Version: 60}}, "ascending"},
		"twice":        {statuslist.Epochs{{Epoch: 100, Version: 40}, {Epoch: 100, Version: 60}}, "ascending"},
		"current":      {statuslist.Epochs{{Epoch: 300, Version: 40}}, "ascending"},
		"going back":   {statuslist.Epochs{{Epoch: 0, Version: 60}, {Epoch: 100, Version: 40}}, "go back"},
		"ahead":        {statuslist.Epochs{{Epoch: 0, Version: 76}}, "go back"},
		"too many":     {slices.Repeat(statuslist.Epochs{{}}, statuslist.MaxEpochs+1), "more than 64"},
	} {
		if err := c.epochs.Check(now); (err == nil) != (c.want == "") || err != nil &&
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
