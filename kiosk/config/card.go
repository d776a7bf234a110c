package config

import (
	"cmp"
	"fmt"
	"strings"
)

// Card is what the card's image decides about the administrator's file. That one comes from the
// boot partition, which any computer can write.
type Card struct {
	State    string // the state directory; "": the default
	Registry string // certificate of the one registry that the image is for; "": any
}

// cardTrace is the only trace of simulated pins on a card: any other path may be a file of the
// enrolment.
const cardTrace = "sim:/run/ashyq-kiosk/lines"

// restrain takes back what the file on the boot partition may not say, and lists it. base has the
// values that count instead.
func (c *Card) restrain(r *raw, base raw) (refused []string) {
	refuse := func(key string, value *string, counts, because string) {
		if *value != "" && *value != counts {
			refused = append(refused, fmt.Sprintf("%s = %q does not count: %s", key, *value, because))
		}
		*value = counts
	}
	const paths = "the card's paths are the image's"
	refuse("state.dir", &r.State.Dir, cmp.Or(c.State, base.State.Dir), paths)
	refuse("state.card", &r.State.Card, base.State.Card, paths)
	refuse("state.snapshot", &r.State.Snapshot, base.State.Snapshot, paths)
	refuse("state.stick", &r.State.Stick, base.State.Stick, paths)
	if strings.HasPrefix(r.Hardware.Pins, "sim:") && r.Hardware.Pins != cardTrace {
		refuse("hardware.pins", &r.Hardware.Pins, "sim", fmt.Sprintf("a card writes no trace but %q", cardTrace))
	}
	if c.Registry == "" {
		return refused
	}
	enrol := fmt.Sprintf("the image is for the registry of %q, and the door has to be enrolled there", c.Registry)
	refuse("door.venue", &r.Door.Venue, base.Door.Venue, enrol)
	refuse("door.zone", &r.Door.Zone, base.Door.Zone, enrol)
	refuse("door.way", &r.Door.Way, base.Door.Way, enrol)
	refuse("registry.url", &r.Registry.URL, base.Registry.URL, enrol)
	refuse("registry.key", &r.Registry.Key, base.Registry.Key, enrol)
	refuse("registry.ca", &r.Registry.CA, base.Registry.CA, enrol)
	refuse("registry.identity", &r.Registry.Identity, base.Registry.Identity, enrol)
	return refused
}
