package main

import (
	"os"
	"path/filepath"
	"strings"
)

// silentRadio tells whether the board has a Wi-Fi chip of Broadcom's or Infineon's on SDIO that is
// no network interface: its firmware is missing. sys is /sys, or a test's.
func silentRadio(sys string) bool {
	vendors, _ := filepath.Glob(filepath.Join(sys, "bus/sdio/devices/*/vendor")) // a constant pattern
	found := false
	for _, file := range vendors {
		vendor, _ := os.ReadFile(file) // unreadable: it has just gone
		if strings.TrimSpace(string(vendor)) != "0x02d0" {
			continue
		}
		if net, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "net/*")); len(net) > 0 {
			return false
		}
		found = true
	}
	return found
}
