package card_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const units = "files/usr/lib/systemd/system"

// TestStickUnits asks systemd how much of the machine the units can reach that a stick brings to
// life, of 10. Anybody can make a stick.
func TestStickUnits(t *testing.T) {
	checkExposure(t, units, map[string]float64{
		"ashyq-stick@.service":        4,   // mounts it, for everybody to see
		"ashyq-stick-read@.service":   0.5, // reads the bundle
		"ashyq-stick-update@.service": 2.5, // has it installed, as root, and reads nothing of the stick
	})
}

// TestClockUnit: the program that asks chronyd reads what servers on the network have said.
func TestClockUnit(t *testing.T) {
	checkExposure(t, "../../systemd", map[string]float64{"ashyq-clock.service": 0.5})
}

func checkExposure(t *testing.T, dir string, units map[string]float64) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("no systemd-analyze here: apt-get install systemd")
	}
	for unit, most := range units {
		path := filepath.Join(dir, unit)
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", path).CombinedOutput()
		_, figure, ok := strings.Cut(string(out), "Overall exposure level for ")
		_, figure, _ = strings.Cut(figure, ": ")
		figure, _, _ = strings.Cut(figure, " ")
		points, bad := strconv.ParseFloat(figure, 64)
		if err != nil || !ok || bad != nil || points > most {
			t.Errorf("%s: %q of 10, want at most %v; %v\n%s", unit, figure, most, err, out)
		}
		t.Logf("%s: %v", unit, points)
	}
}
