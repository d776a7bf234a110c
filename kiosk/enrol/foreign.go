package enrol

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// ErrForeign says that a code is of another registry than the one that the door is for.
var ErrForeign = errors.New("the code is of another registry")

// IsOf checks that a code is of the registry whose authorities, in PEM, are given. Its error is an
// ErrForeign.
func (c Code) IsOf(authorities []byte) error {
	known, err := parseAuthorities(authorities)
	if err != nil {
		return fmt.Errorf("%w, or its certificate cannot be read: %w", ErrForeign, err)
	}
	if !slices.ContainsFunc(known, c.Trusts) {
		return fmt.Errorf("%w, %s", ErrForeign, c.Host())
	}
	return nil
}

// Host is the registry's host name, for people.
func (c Code) Host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return c.URL
	}
	return u.Host
}
