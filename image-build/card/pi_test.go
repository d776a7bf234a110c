//go:build hil

package card_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// emulated is a Raspberry Pi as QEMU has it.
type emulated struct {
	machine string // QEMU's name
	tree    string // the board's device tree
	// gplev0 is the register with the level of lines 0 to 31 (BCM2835 ARM Peripherals, chapter 6;
	// BCM2711 ARM Peripherals, chapter 5).
	gplev0   string
	consoles []string // QEMU's serial ports; the console is the one on stdio
	card     func(disk string) []string
	// unlike is what makes the tree fit QEMU's board: arguments of fdtput, where it starts with
	// what is to be written.
	unlike [][]string
}

var pis = map[string]emulated{
	"3B": {machine: "raspi3b", tree: "bcm2837-rpi-3-b.dtb", gplev0: "0x3f200034",
		consoles: []string{"-serial", "null", "-serial", "stdio"},
		card:     func(disk string) []string { return []string{"-drive", "file=" + disk + ",format=raw,if=sd"} }},
	"4B": {machine: "raspi4b", tree: "bcm2711-rpi-4-b.dtb", gplev0: "0xfe200034",
		consoles: []string{"-serial", "stdio", "-serial", "null"},
		// A Pi 4's card is behind the controller emmc2; if=sd would put it on another.
		card: func(disk string) []string {
			return []string{"-drive", "file=" + disk + ",format=raw,if=none,id=card", "-device", "sd-card,drive=card,bus=/generic-sdhci/sd-bus"}
		},
		unlike: [][]string{
			// QEMU has nothing at these addresses, and the kernel ends where it looks there.
			{"status", "disabled", "/scb/pcie@7d500000", "/scb/ethernet@7d580000", "/soc/rng@7e104000", "/soc/avs-monitor@7d5d2000",
				"/soc/interrupt-controller@7ef00100", "/soc/clock@7ef00000", "/soc/hdmi@7ef00700", "/soc/hdmi@7ef05700",
				"/soc/i2c@7ef04500", "/soc/i2c@7ef09500", "/scb/gpu@7ec00000", "/gpu", "/soc/hvs@7e400000"},
			// Its second serial line never stops to interrupt; the first one is Bluetooth's on a
			// board.
			{"status", "disabled", "/soc/serial@7e215040", "/soc/serial@7e201000/bluetooth"}, {"stdout-path", "serial0:115200n8", "/chosen"},
			// The card's regulators hang on lines of the firmware, which QEMU lacks; here on two of
			// the chip's.
			{"gpios", "6 30 0", "/regulator-sd-io-1v8"}, {"gpio", "6 31 0", "/regulator-sd-vcc"},
			// The network is a USB adapter: the port of the chip itself is QEMU's only one.
			{"dr_mode", "host", "/soc/usb@7e980000"},
		}},
}

// tree is the board's device tree as on the card, made to fit QEMU's board; it is put on the card,
// too.
func (m *machine) tree() string {
	m.t.Helper()
	pi := pis[m.board]
	file := filepath.Join(m.t.TempDir(), pi.tree)
	run(m.t, "mcopy", "-n", "-o", "-i", fmt.Sprintf("%s@@%d", m.disk, bootAt), "::"+pi.tree, file)
	for _, change := range pi.unlike {
		for _, path := range change[2:] {
			args := append([]string{"-t", "s", file, path, change[0]}, change[1])
			if strings.HasPrefix(change[0], "gpio") {
				args = append([]string{"-t", "i", file, path, change[0]}, strings.Fields(change[1])...)
			}
			run(m.t, "fdtput", args...)
		}
	}
	for at, name := range map[int]string{bootAt: pi.tree, slotA: "dtb/broadcom/" + pi.tree} {
		run(m.t, "mcopy", "-n", "-o", "-i", fmt.Sprintf("%s@@%d", m.disk, at), file, "::"+name)
	}
	return file
}

// lines are the daemon's default lines.
var lines = map[string]uint{"red": 17, "yellow": 27, "blue": 22, "green": 23, "buzzer": 24, "relay": 25}

// quietWatchdog keeps systemd from starting the board's watchdog: QEMU's resets the board at once.
func (m *machine) quietWatchdog() {
	m.t.Helper()
	settings, err := os.ReadFile("uboot.env")
	if err != nil {
		m.t.Fatal(err)
	}
	text, env := filepath.Join(m.t.TempDir(), "text"), filepath.Join(m.t.TempDir(), "env")
	if err := os.WriteFile(text, append(settings, "extraargs=systemd.watchdog_sec=0\n"...), 0o600); err != nil {
		m.t.Fatal(err)
	}
	run(m.t, "mkenvimage", "-s", "0x4000", "-o", env, text)
	data, err := os.ReadFile(env)
	if err != nil {
		m.t.Fatal(err)
	}
	m.put("uboot.env", string(data))
}

// TestPi starts the card on emulated boards, and reads the levels of the lamps from the GPIO
// controller, outside the machine.
func TestPi(t *testing.T) {
	for board := range pis {
		t.Run(board, func(t *testing.T) { testPi(t, board) })
	}
}

func testPi(t *testing.T, board string) {
	m := newMachine(t, board, freshCard(t))
	w := newWorld(t)
	prepare(w, m, "pi")
	m.quietWatchdog()
	m.put("network-config", "ethernets: {eth0: {addresses: [10.0.2.15/24], gateway4: "+gateway+"}}\n")
	m.put("overlays/dsi7.dtbo", overlay(t, "overlays/screen/dsi7.dts")) // the lean card comes without it
	m.put("overlays.txt", "overlays=ds3231 absent pwm18 poe-fan dsi7\r\n")
	m.on()
	m.awaitUp(2 * up)
	t.Logf("from the start of userspace to READY=1: %v", m.readyAfter())
	if out := m.sh("ip -4 route show default"); !strings.Contains(out, gateway) || !strings.Contains(out, "proto static") {
		t.Errorf("with a fixed address the way out is %q", out)
	}
	if out := m.sh("cat /proc/cmdline"); !strings.Contains(out, "ashyq.overlays=ds3231,pwm18,poe-fan,dsi7, ") {
		t.Errorf("the overlays were not laid over the tree: %s", out)
	}
	for file, want := range map[string]string{
		"soc/i2c@7e804000/rtc@68/compatible": "maxim,ds3231", "poe-fan/compatible": "pwm-fan", "soc/pwm@7e20c000/status": "okay",
		"soc/dsi@7e700000/status": "okay", "i2c-display/panel@45/compatible": "raspberrypi,7inch-touchscreen-panel",
	} {
		if out := m.sh("tr -d '\\0' </proc/device-tree/" + file); out != want {
			t.Errorf("%s is %q, want %q", file, out, want)
		}
	}
	if lit := m.lit(); len(lit) != 0 && fmt.Sprint(lit) != "[yellow]" { // out of order blinks
		t.Errorf("these are lit before the enrolment: %v", lit)
	}
	enrol(w, m, "Pi gate")

	green := w.citizen("890214450129", "negative")
	w.camera.show(green.code)
	await(t, "the green lamp's and the relay's level on the GPIO controller", up, m.health, func() bool {
		lit := fmt.Sprint(m.lit())
		return strings.Contains(lit, "green") && strings.Contains(lit, "relay") && !strings.Contains(lit, "red")
	})
	w.camera.show(nil)
	await(t, "dark lamps and a closed relay", up, m.health, func() bool { return len(m.lit()) == 0 })

	red := w.citizen("960307350321", "positive")
	w.camera.show(red.code)
	await(t, "the red lamp's level", up, m.health, func() bool {
		lit := fmt.Sprint(m.lit())
		return strings.Contains(lit, "red") && !strings.Contains(lit, "relay")
	})
	if out := m.sh("cat /sys/class/watchdog/watchdog0/identity; systemctl show -P RuntimeWatchdogUSec"); !strings.Contains(out, "Broadcom") {
		t.Errorf("the board's watchdog: %s", out)
	}
}

// overlay compiles an overlay as the image build does.
func overlay(t *testing.T, source string) string {
	t.Helper()
	out, err := exec.Command("dtc", "-q", "-@", "-I", "dts", "-O", "dtb", source).Output()
	if err != nil {
		t.Fatalf("compile %q: %v", source, err)
	}
	return string(out)
}

// lit lists the lines that are high.
func (m *machine) lit() []string {
	m.t.Helper()
	out := m.monitor("xp /1wx " + pis[m.board].gplev0)
	i := strings.LastIndex(out, ": 0x")
	if i < 0 {
		m.t.Fatalf("the monitor said %q", out)
	}
	level, err := strconv.ParseUint(out[i+4:i+12], 16, 32)
	if err != nil {
		m.t.Fatalf("the monitor said %q", out)
	}
	var lit []string
	for _, name := range []string{"red", "yellow", "blue", "green", "buzzer", "relay"} {
		if level>>lines[name]&1 == 1 {
			lit = append(lit, name)
		}
	}
	return lit
}

// readyAfter is the time from the start of userspace until the door told systemd that it is ready.
func (m *machine) readyAfter() time.Duration {
	m.t.Helper()
	return micros(m.t, m.sh("systemctl show -P ActiveEnterTimestampMonotonic ashyq-kiosk.service")) -
		micros(m.t, m.sh("systemctl show -P UserspaceTimestampMonotonic"))
}

func micros(t testing.TB, text string) time.Duration {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Microsecond
}

// stockDebian measures, on the same emulated board, an unchanged Debian with the same packages and
// daemon. ASHYQ_STOCK is the directory that image-build/card/stock made.
func stockDebian(t *testing.T) time.Duration {
	t.Helper()
	dir := os.Getenv("ASHYQ_STOCK")
	if dir == "" {
		t.Skip("ASHYQ_STOCK names no stock Debian to compare with: STOCK=1 make image-test makes one")
	}
	m := newMachine(t, "3B", filepath.Join(dir, "stock.img"))
	m.direct = []string{"-kernel", dir + "/vmlinuz", "-initrd", dir + "/initrd", "-dtb", dir + "/board.dtb", "-append", "quiet systemd.watchdog_sec=0", "-snapshot"}
	m.on()
	var userspace, ready string
	await(t, "a stock Debian's door", 3*up, m.said, func() bool {
		_, rest, ok := strings.Cut(m.said(), "stock: userspace ")
		if !ok || !strings.Contains(rest, " end") {
			return false
		}
		userspace, rest, _ = strings.Cut(rest, " ready ")
		ready, _, _ = strings.Cut(rest, " end")
		return true
	})
	m.cut()
	return micros(t, ready) - micros(t, userspace)
}

// TestStart compares how long a card and a stock Debian take from the start of userspace until the
// door is ready.
func TestStart(t *testing.T) {
	stock := stockDebian(t)
	m := newMachine(t, "3B", freshCard(t))
	m.putKey()
	m.quietWatchdog()
	m.put("ashyq-kiosk.toml", "[door]\nvenue = \"shop\"\n")
	m.on()
	m.awaitUp(2 * up)
	card := m.readyAfter()
	t.Logf("from the start of userspace to READY=1: stock Debian %v, the card %v, a ratio of %.2f", stock, card, float64(card)/float64(stock))
	if card > stock/2 {
		t.Errorf("the card takes %v, more than half of a stock Debian's %v: what does the door wait for?", card, stock)
	}
}
