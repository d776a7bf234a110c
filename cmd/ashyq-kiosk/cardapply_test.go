package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/config"
)

// The doctor names the first mistake in the administrator's files, on a card only.
func TestCheckCard(t *testing.T) {
	dir := t.TempDir()
	version := filepath.Join(dir, "version")
	cfg := &config.Config{CardDir: dir}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("network-config", "ethernets: {eth0: {auth: {key-management: 802.1x, method: peap, password: s3cret}, addresses: [192.0.2.10]}}")
	if found, err := checkCard(cfg, version); err != nil || !strings.Contains(found, "not a card") {
		t.Errorf("on another machine: %q, %v", found, err)
	}
	write("version", "1")
	_, err := checkCard(cfg, version)
	for _, want := range []string{`network-config: eth0: address "192.0.2.10"`, "\nhint: until this is mended", "journalctl"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	write("network-config", "ethernets: {eth0: {addresses: [192.0.2.10/24]}}")
	write("proxy", "proxy.example:3128\n")
	if _, err := checkCard(cfg, version); err == nil || !strings.Contains(err.Error(), "proxy: the proxy: want a line") || !strings.Contains(err.Error(), "hint: correct") {
		t.Error(err)
	}
	write("proxy", "http://proxy.example:3128\n")
	if found, err := checkCard(cfg, version); err != nil || !strings.Contains(found, "are valid") {
		t.Errorf("%q, %v", found, err)
	}
}
