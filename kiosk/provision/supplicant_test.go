package provision

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSupplicant has wpa_supplicant itself read the configuration. It prints what it read, and ends
// because the interface does not exist.
func TestSupplicant(t *testing.T) {
	program, err := exec.LookPath("wpa_supplicant")
	if err != nil {
		t.Skip("no wpa_supplicant in PATH: make test installs it")
	}
	names := []string{"guest", "a\"\n}\nnetwork={", "\x00\xff#", " Дүкен 7\\", strings.Repeat("x", 32)}
	secrets := []string{"", "correct # \"horse\"", "\"\"\"\"\"\"\"\"", `}\n"} # ="`, "құпия сөз", "}\\n\"} # =\"",
		strings.Repeat("0f", 32)}
	w := wishes{country: "KZ"}
	for _, name := range names {
		for _, secret := range secrets {
			w.askNetwork(network{ssid: name, secret: secret, hidden: true})
		}
	}
	if len(w.networks) != len(names)*len(secrets) {
		t.Fatal(w.problems)
	}
	path := filepath.Join(t.TempDir(), "wpa.conf")
	if err := os.WriteFile(path, w.supplicant(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, _ := exec.CommandContext(ctx, program, "-dd", "-K", "-D", "wired", "-i", "nosuch0", "-c", path).Output()
	read := strings.Split(string(out), "start of a new network block")
	if len(read) != len(w.networks)+1 {
		t.Fatalf("it read %d networks, want %d:\n%s", len(read)-1, len(w.networks), out)
	}
	for i, n := range w.networks {
		secret := fmt.Sprintf("sae_password - hexdump_ascii(len=%d):%s", len(n.secret), dumped(n.secret))
		switch {
		case n.secret == "":
			secret = "key_mgmt: 0x4\n"
		case n.key() != nil:
			secret = "PSK - hexdump(len=32): " + strings.TrimSpace(fmt.Sprintf("% x", n.key()))
		}
		for _, want := range []string{fmt.Sprintf("ssid - hexdump_ascii(len=%d):%s", len(n.ssid), dumped(n.ssid)), secret} {
			if !strings.Contains(plain(read[i+1]), plain(want)) {
				t.Errorf("network %q with %q was read as\n%s\nwant %q", n.ssid, n.secret, read[i+1], want)
			}
		}
	}
	if t.Failed() {
		return
	}
	if strings.Contains(string(out), "Line ") || strings.Contains(string(out), "rror:") {
		t.Errorf("it complained:\n%s", out)
	}
}

// dumped is how wpa_supplicant prints bytes: sixteen a line, in hex, then as characters.
func dumped(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := min(16, len(s))
		fmt.Fprintf(&b, "% x ", s[:n])
		for _, c := range []byte(s[:n]) {
			if c < 32 || c > 126 {
				c = '_'
			}
			b.WriteByte(c)
		}
		s = s[n:]
	}
	return b.String()
}

// The vector of IEEE 802.11-2020, J.4.2.
func TestDerivedKey(t *testing.T) {
	n := network{ssid: "IEEE", secret: "password"}
	if got := fmt.Sprintf("%x", n.derived()); got != "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e" {
		t.Errorf("derived %s", got)
	}
}

func plain(s string) string { return strings.Join(strings.Fields(s), "") }
