package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/physic"

	"ashyq-kiosk/kiosk/api"
)

// machine is a made tree of /sys and /proc.
type machine struct {
	t    *testing.T
	root string
	*Watch
}

func newMachine(t *testing.T) *machine {
	m := &machine{t, t.TempDir(), New(t.TempDir())}
	m.Watch.root = m.root
	return m
}

func (m *machine) put(file, text string) {
	m.t.Helper()
	path := filepath.Join(m.root, file)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		m.t.Fatal(err)
	}
}

// A machine that says nothing is no trouble.
func TestSilentMachine(t *testing.T) {
	m := newMachine(t)
	h := m.Look()
	if h.Undervoltage != "" || h.Throttled != "" || h.WiFi != nil || h.Written != 0 || h.LifeUsed != nil || h.Restart != "" {
		t.Errorf("%+v", h)
	}
	if h.Size == 0 || h.Free > h.Size || h.Up == 0 {
		t.Errorf("the state's real file system: %d of %d free, up %d s", h.Free, h.Size, h.Up)
	}
	if err := h.Check(); err != nil {
		t.Error(err)
	}
}

// Raspberry Pi OS shows the firmware's bits, as `vcgencmd get_throttled` prints them.
func TestFirmwareBits(t *testing.T) {
	for bits, want := range map[string]string{
		"0\n": "never never", "50005\n": "now now", "50000\n": "past past", "80008\n": "never now", "10000\n": "past never",
		"20000\n": "never past", "1\n": "now never", "no number\n": " ",
	} {
		m := newMachine(t)
		m.put("sys/devices/platform/soc/soc:firmware/get_throttled", bits)
		h := m.Look()
		if got := fmt.Sprint(h.Undervoltage, " ", h.Throttled); got != want {
			t.Errorf("%q: %s, want %s", bits, got, want)
		}
	}
}

// A mainline kernel has only raspberrypi-hwmon, which forgets. The watch remembers.
func TestAlarmOfTheSupply(t *testing.T) {
	m := newMachine(t)
	m.put("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
	m.put("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
	for _, step := range []struct {
		alarm string
		want  api.Occurred
	}{{"0\n", api.Never}, {"1\n", api.Now}, {"0\n", api.Past}, {"0\n", api.Past}, {"1\n", api.Now}} {
		m.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", step.alarm)
		if h := m.Look(); h.Undervoltage != step.want || h.Throttled != "" {
			t.Errorf("alarm %q: %q, throttled %q, want %q", step.alarm, h.Undervoltage, h.Throttled, step.want)
		}
	}
}

func TestRadio(t *testing.T) {
	const head = `Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
`
	for table, want := range map[string]int{
		head: 0,
		head + " wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0\n": -56,
		head + "  wlx9: 0000    5   -94   -256        0      0      0      0      0        0\n": -94,
		head + " wlan0: 0000    0.  200.   0          0      0      0      0      0        0\n": 0, // in no unit
	} {
		m := newMachine(t)
		m.put("proc/self/net/wireless", table)
		got := 0
		if level := m.Look().WiFi; level != nil {
			got = *level
		}
		if got != want {
			t.Errorf("%d dBm, want %d:\n%s", got, want, table)
		}
	}
}

// disk links the device of the state to a made disk.
func (m *machine) disk(dir string) {
	m.t.Helper()
	var stat unix.Stat_t
	link := filepath.Join(m.root, "sys/dev/block")
	err := errors.Join(unix.Stat(m.state, &stat), os.MkdirAll(link, 0o755),
		os.Symlink(filepath.Join(m.root, dir), filepath.Join(link, fmt.Sprintf("%d:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev)))))
	if err != nil {
		m.t.Fatal(err)
	}
}

// The counters are those of the whole card, not of the partition, which has no life_time.
func TestWear(t *testing.T) {
	const mmc = "sys/devices/platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0/"
	m := newMachine(t)
	m.put(mmc+"stat", "    2571     1390   184790     1837      902      731    24576     4187        0     3412     6204        0        0        0        0      151      180\n")
	m.put(mmc+"mmcblk0p4/partition", "4\n")
	m.put(mmc+"mmcblk0p4/stat", "1 1 1 1 1 1 2 1 1 1 1 1 1 1 1 1 1\n")
	m.disk(mmc + "mmcblk0p4")
	if h := m.Look(); h.Written != 24576*512 || h.LifeUsed != nil {
		t.Errorf("a card: %d bytes, life %v", h.Written, h.LifeUsed)
	}
	for text, want := range map[string]int{"0x01 0x01\n": 10, "0x02 0x0a\n": 100, "0x0b 0x03\n": 110, "0x00 0x00\n": 0, "": 0, "0xff x\n": 0} {
		m.put(mmc+"device/life_time", text)
		got := 0
		if used := m.Look().LifeUsed; used != nil {
			got = *used
		}
		if got != want {
			t.Errorf("life_time %q: %d, want %d", text, got, want)
		}
	}
}

// sensor is a thermal sensor that can fail.
type sensor struct {
	physic.SenseEnv
	temperature physic.Temperature
	err         error
}

func (s sensor) Sense(e *physic.Env) error { e.Temperature = s.temperature; return s.err }

func TestHottestSensor(t *testing.T) {
	at := func(milli int) sensor {
		return sensor{temperature: physic.ZeroCelsius + physic.Temperature(milli)*physic.MilliKelvin}
	}
	for _, c := range []struct {
		sensors []sensor
		want    string
	}{
		{nil, "none"},
		{[]sensor{at(48312), at(51900), at(20000)}, "52"},
		{[]sensor{at(-12600)}, "-13"},
		{[]sensor{{err: errors.New("asleep")}, at(30000)}, "30"},
		{[]sensor{at(-273150), at(1e6)}, "none"},
	} {
		got := "none"
		if v := temperature(c.sensors); v != nil {
			got = fmt.Sprint(*v)
		}
		if got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
