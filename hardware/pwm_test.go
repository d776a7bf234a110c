package hardware

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"periph.io/x/conn/v3/gpio"
)

// pwmDir is a directory like the kernel's for one exported channel. No kernel here has a PWM, so
// nothing reacts to it.
func pwmDir(t *testing.T, chip string) (root string, read func(string) string) {
	root = t.TempDir()
	dir := filepath.Join(root, chip, "pwm1")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"enable", "period", "duty_cycle"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("1"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, func(f string) string {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

func TestPassiveBuzzer(t *testing.T) {
	root, read := pwmDir(t, "pwmchip4")
	p, err := openPWM(root, "pwm1", 4000)
	if err != nil {
		t.Fatal(err)
	}
	if read("enable") != "0" || read("period") != "250000" || read("duty_cycle") != "125000" {
		t.Errorf("set up: enable %s, period %s ns, duty cycle %s ns", read("enable"), read("period"), read("duty_cycle"))
	}
	for _, l := range []gpio.Level{gpio.High, gpio.Low} {
		if err := p.Out(l); err != nil {
			t.Fatal(err)
		}
		if want := map[gpio.Level]string{gpio.High: "1", gpio.Low: "0"}[l]; read("enable") != want {
			t.Errorf("%v: enable is %s", l, read("enable"))
		}
	}
	// The chip's directory disappears, as after its driver was unbound, and comes back.
	gone := filepath.Join(root, "pwmchip4")
	if err := os.Rename(gone, root+".away"); err != nil {
		t.Fatal(err)
	}
	if err := p.Out(gpio.High); err == nil || !strings.Contains(err.Error(), "no PWM chip") {
		t.Errorf("a chip that is gone: %v", err)
	}
	if err := os.Rename(root+".away", gone); err != nil {
		t.Fatal(err)
	}
	if err := p.Out(gpio.High); err != nil || read("enable") != "1" {
		t.Errorf("a chip that came back: %v", err)
	}
}

func TestWhichPWM(t *testing.T) {
	root, _ := pwmDir(t, "pwmchip0")
	if err := os.Mkdir(filepath.Join(root, "pwmchip2"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := openPWM(root, "pwm1", defaultTone); err == nil || !strings.Contains(err.Error(), "such as pwmchip0/pwm1") {
		t.Errorf("two chips: %v", err)
	}
	if _, err := openPWM(root, "pwmchip0/pwm1", defaultTone); err != nil {
		t.Error(err)
	}
	if _, err := openPWM(root, "pwmchip2/pwm0", defaultTone); err == nil || !strings.Contains(err.Error(), "export") {
		t.Errorf("a channel that cannot be exported: %v", err)
	}
	for _, name := range []string{"", "pwm", "pwmx", "GPIO17", "pwmchip/pwm0", "pwm0/pwm0", "pwm-1"} {
		if _, _, ok := parsePWM(name); ok {
			t.Errorf("%q is taken for a PWM channel", name)
		}
	}
}
