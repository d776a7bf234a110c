package enrol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
)

// boards are the files with a machine's serial number, the best first. The first two are the same
// on a Pi; the daemon's sandbox hides /proc except for processes. The last one identifies an
// installation, which is on the card.
var boards = []string{"/sys/firmware/devicetree/base/serial-number", "/proc/device-tree/serial-number",
	"/etc/machine-id"}

// Device is the value of api.HeaderDevice: it identifies the board without telling its serial
// number. It is empty on a machine without a serial number.
func Device() string { return deviceOf(boards) }

func deviceOf(files []string) string {
	for _, file := range files {
		data, err := os.ReadFile(file)
		if serial := bytes.Trim(data, "\x00 \t\r\n"); err == nil && len(serial) > 0 {
			sum := sha256.Sum256(serial)
			return hex.EncodeToString(sum[:8])
		}
	}
	return ""
}
