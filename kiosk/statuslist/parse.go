package statuslist

import "fmt"

// ParseStatus reads a status by its name, as String writes it. A number is no name: what has no meaning here stays out.
func ParseStatus(name string) (Status, error) {
	for status, known := range statusNames {
		if known == name {
			return status, nil
		}
	}
	return 0, fmt.Errorf("unknown status %q, want valid, invalid, suspended, red, yellow or green", name)
}
