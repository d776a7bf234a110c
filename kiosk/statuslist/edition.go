package statuslist

import (
	"cmp"
	"errors"
	"fmt"
)

// Edition is one published state of a status list. Versions count up within an epoch. A registry
// that was restored from a backup opens a new epoch, whose number is the Unix time of that moment.
type Edition struct {
	Epoch   uint32
	Version uint64
}

// Compare is negative if e came before other, and positive if it came later.
func (e Edition) Compare(other Edition) int {
	return cmp.Or(cmp.Compare(e.Epoch, other.Epoch), cmp.Compare(e.Version, other.Version))
}

// String is for people.
func (e Edition) String() string {
	if e.Epoch == 0 {
		return fmt.Sprint(e.Version)
	}
	return fmt.Sprintf("%d of epoch %d", e.Version, e.Epoch)
}

// MaxEpochs is how many earlier epochs a list may have.
const MaxEpochs = 64

// Epochs are the ends of the earlier epochs, the oldest first. What was published after the end of
// its epoch was lost when a backup was restored.
type Epochs []Edition

// Check reports what makes these no history of a list that is now at the given edition.
func (e Epochs) Check(now Edition) error {
	if len(e) > MaxEpochs {
		return fmt.Errorf("%d earlier epochs, more than %d", len(e), MaxEpochs)
	}
	for i, end := range e {
		if i > 0 && end.Epoch <= e[i-1].Epoch || end.Epoch >= now.Epoch {
			return errors.New("the epochs are not in ascending order")
		}
		if end.Version > now.Version || i > 0 && end.Version < e[i-1].Version {
			return errors.New("the versions go back from one epoch to the next")
		}
	}
	return nil
}

// Hold reports whether the list at the edition now holds what it first held at the edition since. A
// newer one may; one that was lost never will.
func (e Epochs) Hold(since, now Edition) bool {
	if since.Epoch == now.Epoch {
		return since.Version <= now.Version
	}
	for _, end := range e {
		if end.Epoch == since.Epoch {
			return since.Version <= end.Version
		}
	}
	return false
}
