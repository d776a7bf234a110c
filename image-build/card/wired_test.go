//go:build hil

package card_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// putWired has the card ask for 802.1X. QEMU's network does not answer it; a switch that does is in
// kiosk/provision's tests.
func putWired(m *machine) {
	m.t.Helper()
	authority, err := os.ReadFile(os.Getenv("ASHYQ_CARD_KEYS") + "/update.pem") // any certificate
	if err != nil {
		m.t.Fatal(err)
	}
	run(m.t, "mmd", "-i", fmt.Sprintf("%s@@%d", m.disk, bootAt), "::8021x")
	m.put("8021x/ca.pem", string(authority))
	m.put("network-config", "ethernets: {eth0: {dhcp4: true, auth: {key-management: 802.1x, method: peap, "+
		"identity: door, password: s3cret, ca-certificate: ca.pem}}}\n")
}

// checkWired expects udev to have started the unit for the machine's one cable, and the secrets to
// be root's only.
func checkWired(t *testing.T, m *machine) {
	if out := m.sh("systemctl list-units --plain --no-legend 'wpa_supplicant-wired@*'"); strings.Count(out, " active running ") != 1 {
		t.Errorf("802.1X runs on: %s", out)
	}
	if out := m.sh("stat -c '%a %U' /etc/wpa_supplicant/wired.conf"); out != "600 root" {
		t.Errorf("who may read the password: %s", out)
	}
	if out, _ := m.try("ashyq-kiosk doctor"); !strings.Contains(out, "nobody on the cable asks") || !strings.Contains(out, "✓ card: ") {
		t.Errorf("the doctor: %s", out)
	}
	const inDaemon = "nsenter -t $(systemctl show -P MainPID ashyq-kiosk.service) -m "
	for _, name := range []string{"network-config", "8021x/ca.pem"} {
		if out, err := m.try(inDaemon + "setpriv --reuid=ashyq-kiosk --regid=ashyq-kiosk --clear-groups cat /boot/firmware/" + name); err == nil {
			t.Errorf("the daemon reads %s: %q", name, out)
		}
	}
	if out := m.sh(inDaemon + "setpriv --reuid=ashyq-kiosk --regid=ashyq-kiosk --clear-groups cat /boot/firmware/hostname"); out == "" {
		t.Error("the daemon cannot read the boot partition's other files")
	}
	if out := m.sh("journalctl -b --no-pager"); strings.Contains(out, "s3cret") {
		t.Error("the journal tells the password")
	}
}
