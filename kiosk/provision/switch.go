package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// controlDir has wpa_supplicant's sockets, one for each cable.
const controlDir = "/run/wpa_supplicant-wired"

// Switch says what 802.1X came to on the door's cables; "" if the card does not ask for it. Only
// root may ask wpa_supplicant.
func Switch(ctx context.Context) (string, error) {
	if _, err := os.Stat("/" + wiredConf); err != nil {
		return "", nil // without the file, wpa_supplicant is not started
	}
	sockets, err := os.ReadDir(controlDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for 802.1X: %w", err)
	}
	if len(sockets) == 0 {
		return "", errors.New("802.1X is set, and runs on no network device\nhint: journalctl -u 'wpa_supplicant-wired@*'")
	}
	var failures []error
	for _, s := range sockets {
		found, err := askSwitch(ctx, s.Name())
		if err == nil {
			return found, nil
		}
		failures = append(failures, err)
	}
	return "", failures[0]
}

func askSwitch(ctx context.Context, device string) (string, error) {
	out, err := exec.CommandContext(ctx, "wpa_cli", "-p", controlDir, "-i", filepath.Base(device), "status").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask wpa_supplicant about 802.1X on %s: %w: %s", device, err, strings.TrimSpace(string(out)))
	}
	is := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		is[key] = value
	}
	switch is["EAP state"] {
	case "SUCCESS":
		return fmt.Sprintf("802.1X on %s: the switch let the door in, %s", device, is["selectedMethod"]), nil
	case "FAILURE":
		return "", fmt.Errorf("802.1X on %s: refused by the switch or by the door\n"+
			"hint: compare identity, password and certificates with the network's; journalctl -u wpa_supplicant-wired@%s",
			device, device)
	case "IDLE":
		return fmt.Sprintf("802.1X on %s: nobody on the cable asks for it", device), nil
	}
	return "", fmt.Errorf("802.1X on %s is under way (%s)\nhint: ask again in a minute; journalctl -u wpa_supplicant-wired@%s",
		device, is["EAP state"], device)
}
