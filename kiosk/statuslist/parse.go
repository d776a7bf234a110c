package statuslist

import "fmt"

// ParseStatus reads a status by its name, as String writes it. It accepts no numbers, so every
// result has a meaning.
func ParseStatus(name string) (Status, error) {
	for status, known := range statusNames {
		if known == name {
			return status, nil
		}
	}
	return 0, fmt.Errorf("unknown status %q, want valid, invalid, suspended, red, yellow or green", name)
}
