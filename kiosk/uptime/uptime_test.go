package uptime_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/uptime"
)

// TestReading: another process of the same start reads the same clock.
func TestReading(t *testing.T) {
	if os.Getenv("ASHYQ_TEST_UPTIME") != "" {
		now := uptime.Now()
		_, _ = os.Stdout.Write(now.Boot[:])
		return
	}
	before := uptime.Now()
	cmd := exec.Command(os.Args[0], "-test.run=^TestReading$")
	cmd.Env = append(os.Environ(), "ASHYQ_TEST_UPTIME=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	after := uptime.Now()
	if passed := after.Since(before); passed <= 0 || passed > time.Minute || before.Since(after) != 0 {
		t.Errorf("passed: %v, and backwards %v", passed, before.Since(after))
	}
	if len(out) < 16 || [16]byte(out[:16]) != before.Boot {
		t.Errorf("another process says %x, want %x", out, before.Boot)
	}
	other := after
	other.Boot[3] ^= 1
	if passed := other.Since(before); passed != other.For {
		t.Errorf("after another start %v have passed, want what has passed since then: %v", passed, other.For)
	}
	if passed := after.Since(uptime.Reading{}); passed != 0 {
		t.Errorf("since nobody knows when, %v have passed", passed)
	}
}
