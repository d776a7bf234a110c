package client

import (
	"fmt"
	"strings"

	"ashyq-kiosk/kiosk/api"
)

// BundleURL is the URL of the bundle of an UpdateAnswer, which must be on this registry.
func (c *Client) BundleURL(bundle string) (string, error) {
	u := c.base.JoinPath(bundle) // takes ".." out
	if !strings.HasPrefix(u.Path, c.base.JoinPath(api.PathBundle).Path+"/") || strings.HasSuffix(u.Path, "/") {
		return "", fmt.Errorf("bundle %q is not below %s of the registry", bundle, api.PathBundle)
	}
	return u.String(), nil
}
