package client_test

import (
	"testing"

	"ashyq-kiosk/kiosk/client"
)

func TestBundleURL(t *testing.T) {
	c := openURL(t, client.Config{URL: "https://registry.example/ashyq/"})
	got, err := c.BundleURL("/v1/bundle/kiosk-1.2.raucb")
	if want := "https://registry.example/ashyq/v1/bundle/kiosk-1.2.raucb"; got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"", "/v1/bundle", "/v1/bundle/", "https://elsewhere.example/v1/bundle/x",
		"//elsewhere.example/v1/bundle/x", "/v1/bundle/../blob/x"} {
		if got, err := c.BundleURL(bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}
