package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSilentRadio(t *testing.T) {
	sys := t.TempDir()
	put := func(file, content string) {
		t.Helper()
		file = filepath.Join(sys, "bus/sdio/devices", file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if silentRadio(sys) {
		t.Error("a board without a radio has a silent one")
	}
	put("mmc2:0001:1/vendor", "0x0001\n")
	if silentRadio(sys) {
		t.Error("another maker's chip is taken for the radio")
	}
	put("mmc1:0001:1/vendor", "0x02d0\n")
	put("mmc1:0001:2/vendor", "0x02d0\n")
	if !silentRadio(sys) {
		t.Error("a chip without an interface is not silent")
	}
	put("mmc1:0001:1/net/wlan0/address", "")
	if silentRadio(sys) {
		t.Error("a chip with an interface is silent")
	}
}
