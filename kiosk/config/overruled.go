package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// fixed are the keys that an enrolment sets.
func (r *raw) fixed() map[string]string {
	return map[string]string{
		"door.name": r.Door.Name, "door.venue": r.Door.Venue, "door.zone": r.Door.Zone, "door.way": r.Door.Way,
		"registry.url": r.Registry.URL, "registry.key": r.Registry.Key, "registry.ca": r.Registry.CA, "registry.identity": r.Registry.Identity,
	}
}

// overruled lists where the file says something else than the settings of the enrolment.
func overruled(card *Card, file, settings []byte) ([]string, error) {
	var says, counts raw // without the defaults
	if err := says.lay(file); err != nil {
		return nil, err
	}
	if card != nil {
		card.restrain(&says, raw{}) // what is refused is not overruled as well
	}
	if err := counts.lay(settings); err != nil {
		return nil, err
	}
	var all []string
	wins := counts.fixed()
	for _, key := range []string{
		"door.name", "door.venue", "door.zone", "door.way", "registry.url", "registry.key", "registry.ca", "registry.identity",
	} {
		if value := says.fixed()[key]; value != "" && value != wins[key] {
			all = append(all, fmt.Sprintf("%s is %q in the file, and the enrolment's %q counts", key, value, wins[key]))
		}
	}
	return all, nil
}

// hash is over everything that the configuration says or leaves to the defaults.
func (r *raw) hash() string {
	data, err := json.Marshal(r)
	if err != nil {
		panic("config: " + err.Error()) // it is made of strings, numbers and lists of them
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
