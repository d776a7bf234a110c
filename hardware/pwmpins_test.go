package hardware

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// jack makes the files of a board whose chip ends on the lines that settings name: a property and
// its bytes, in the pin's node.
func jack(t *testing.T, root, chip, property, value string) {
	t.Helper()
	handle := "\x00\x00\x00" + chip[len(chip)-1:] // one for each chip
	of := filepath.Join(root, "tree/soc/pwm@"+chip)
	for file, content := range map[string]string{
		filepath.Join(of, "pinctrl-0"):                                     handle,
		filepath.Join(root, "tree/soc/gpio@7e200000/pin-"+chip, "phandle"): handle,
		filepath.Join(root, "tree/soc/gpio@7e200000/pin-"+chip, property):  value,
		filepath.Join(root, "tree/soc/gpio@7e200000/pin-other", "phandle"): "\x00\x00\x07\x07",
		filepath.Join(root, "tree/soc/gpio@7e200000/pin-other/brcm,pins"):  "\x00\x00\x00\x02",
		filepath.Join(root, chip, "device/uevent"):                         "",
		filepath.Join(root, chip, "pwm0/enable"):                           "1",
		filepath.Join(root, chip, "pwm0/period"):                           "1",
		filepath.Join(root, chip, "pwm0/duty_cycle"):                       "1",
	} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(of, filepath.Join(root, chip, "device/of_node")); err != nil {
		t.Fatal(err)
	}
}

func TestPWMOnTheAudioJack(t *testing.T) {
	root := t.TempDir()
	jack(t, root, "pwmchip0", "brcm,pins", "\x00\x00\x00\x28\x00\x00\x00\x29") // a Pi 3: 40 and 41
	for _, name := range []string{"pwm0", "pwmchip0/pwm0"} {
		if _, err := openPWM(root, name, defaultTone); err == nil || !strings.Contains(err.Error(), "pwmchip0 is on GPIO40") {
			t.Errorf("%s on the audio jack: %v", name, err)
		}
	}
	// With the overlay a Pi 4 has a second chip, on the header.
	jack(t, root, "pwmchip1", "brcm,pins", "\x00\x00\x00\x12")
	p, err := openPWM(root, "pwm0", defaultTone)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(p.chip) != "pwmchip1" {
		t.Errorf("the buzzer is on %s", p.chip)
	}
}

func TestPWMPinsByName(t *testing.T) {
	root := t.TempDir()
	jack(t, root, "pwmchip0", "pin-pwm/pins", "gpio40\x00gpio41\x00")
	if pins := pwmPins(filepath.Join(root, "pwmchip0")); len(pins) != 2 || pins[0] != 40 || pins[1] != 41 {
		t.Errorf("the chip is on %v", pins)
	}
}
