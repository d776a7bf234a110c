package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/update"
)

func TestHealthyDoor(t *testing.T) {
	for _, c := range []struct {
		name       string
		code       int
		says       string
		unenrolled bool
		want       string // in the error; "": healthy
		network    bool   // it lacks only a network
	}{
		{"healthy", http.StatusOK, "ok\n", false, "", false},
		{"unhealthy", http.StatusServiceUnavailable, "out of order: camera\nversion: 2\n", false,
			"out of order: camera, version: 2", false},
		{"without the time", http.StatusServiceUnavailable, "out of order: clock\nversion: 2\n", false,
			"out of order: clock, version: 2", true},
		{"with an old list", http.StatusServiceUnavailable, "out of order: data-limit\nversion: 2\n", false,
			"out of order: data-limit, version: 2", true},
		{"dead", http.StatusServiceUnavailable, "camera: silent for 40s\nversion: 2\n", false, "camera: silent", false},
		{"waits for its code", http.StatusServiceUnavailable, "out of order: not-enrolled\nversion: 2\n", true, "", false},
		{"should be enrolled", http.StatusServiceUnavailable, "out of order: not-enrolled\nversion: 2\n", false,
			"not-enrolled", false},
		{"waits, with a broken panel", http.StatusServiceUnavailable, "out of order: output\nversion: 2\n", true,
			"output", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.code)
			_, _ = w.Write([]byte(c.says))
		}))
		cfg := &config.Config{Unenrolled: c.unenrolled}
		cfg.Screen.Listen = strings.TrimPrefix(server.URL, "http://")
		err := healthyDoor(t.Context(), cfg)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) ||
			errors.Is(err, update.ErrSilent) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if errors.Is(err, update.ErrNetwork) != c.network {
			t.Errorf("%s: %v, lacks a network: want %v", c.name, err, c.network)
		}
		server.Close()
		if err := healthyDoor(t.Context(), cfg); !errors.Is(err, update.ErrSilent) {
			t.Errorf("%s, gone: %v", c.name, err)
		}
	}
}
