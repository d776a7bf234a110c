// Package board reads what the board says about itself: its model, temperature, supply, radio, and
// the file system of the door's state. What a kernel does not tell stays empty (docs/boards.md).
package board

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/distro"
	"periph.io/x/host/v3/sysfs"

	"ashyq-kiosk/kiosk/api"
)

// lookEvery is how often Watch looks: raspberrypi-hwmon forgets an undervoltage after two seconds,
// but one that matters comes again.
const lookEvery = 10 * time.Second

// Watch looks at the board again and again, and remembers what it said. It is a task.
type Watch struct {
	state  string        // directory of the door's state
	root   string        // of /sys and /proc; another one in tests
	looked chan struct{} // closed after the first look
	first  sync.Once

	mu   sync.Mutex
	last api.Health // guarded by mu
}

// New looks at nothing yet. state is the directory of the door's state.
func New(state string) *Watch { return &Watch{state: state, root: "/", looked: make(chan struct{})} }

// String names the task.
func (w *Watch) String() string { return "board" }

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		w.Look()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Looked is closed after the first look.
func (w *Watch) Looked() <-chan struct{} { return w.looked }

// Health is the last look.
func (w *Watch) Health() api.Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Look looks at the board now.
func (w *Watch) Look() api.Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := api.Health{Board: Model(), Celsius: temperature(sensors()), WiFi: w.radio(), Restart: w.last.Restart}
	h.Undervoltage, h.Throttled = w.supply()
	h.Undervoltage, h.Throttled = remember(w.last.Undervoltage, h.Undervoltage), remember(w.last.Throttled, h.Throttled)
	h.Free, h.Size = space(w.state)
	h.Written, h.LifeUsed = w.wear()
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err == nil {
		h.Up = uint64(up.Sec)
	}
	w.last = h
	w.first.Do(func() { close(w.looked) })
	return h
}

// Started notes why the daemon started.
func (w *Watch) Started(because api.Restart) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last.Restart = because
}

// remember keeps that something has happened.
func remember(before, now api.Occurred) api.Occurred {
	if now == api.Never && (before == api.Past || before == api.Now) {
		return api.Past
	}
	return now
}

// Model is the board's model, such as "Raspberry Pi 4 Model B Rev 1.4"; empty: no device tree tells
// it.
func Model() string {
	model := distro.DTModel() // reads /proc/device-tree, which the daemon's sandbox hides
	if data, err := os.ReadFile("/sys/firmware/devicetree/base/model"); err == nil && !api.IsBoard(model) {
		model = strings.TrimRight(string(data), "\x00")
	}
	if !api.IsBoard(model) {
		return ""
	}
	return model
}

// sensors are the temperatures that the kernel measures. A driver that was loaded after periph's is
// found later.
func sensors() []*sysfs.ThermalSensor {
	if state, err := Drivers(); err == nil && len(sysfs.ThermalSensors) == 0 {
		for _, failure := range state.Skipped {
			if failure.D.String() == "sysfs-thermal" {
				_, _ = failure.D.Init() // it still finds nothing: many machines have no sensor
			}
		}
	}
	return sysfs.ThermalSensors
}

// temperature is that of the hottest sensor, in degrees Celsius. It leaves out what no board
// survives: a sensor that is switched off.
func temperature[S physic.SenseEnv](sensors []S) *int {
	var hottest *int
	for _, s := range sensors {
		var e physic.Env
		if err := s.Sense(&e); err != nil {
			continue
		}
		c := int(math.Round(e.Temperature.Celsius()))
		if c > -60 && c < 150 && (hottest == nil || c > *hottest) {
			hottest = &c
		}
	}
	return hottest
}

// The bits of a Pi's firmware, GET_THROTTLED in the mailbox's property interface. Those of the past
// are 16 bits higher.
const (
	underVoltage = 1 << 0
	slowedDown   = 1<<1 | 1<<2 | 1<<3 // frequency capped, throttled, soft temperature limit
)

// supply asks the firmware. Raspberry Pi OS shows all its bits; a mainline kernel only whether the
// voltage was low lately, by raspberrypi-hwmon.
func (w *Watch) supply() (undervoltage, throttled api.Occurred) {
	for _, file := range w.glob("sys/devices/platform/soc*/*firmware/get_throttled") {
		if bits, err := strconv.ParseUint(read(file), 16, 32); err == nil {
			return occurred(bits, underVoltage), occurred(bits, slowedDown)
		}
	}
	for _, name := range w.glob("sys/class/hwmon/*/name") {
		if read(name) != "rpi_volt" {
			continue
		}
		switch read(filepath.Join(filepath.Dir(name), "in0_lcrit_alarm")) {
		case "0":
			return api.Never, ""
		case "1":
			return api.Now, ""
		}
	}
	return "", ""
}

func occurred(bits, mask uint64) api.Occurred {
	switch {
	case bits&mask != 0:
		return api.Now
	case bits>>16&mask != 0:
		return api.Past
	}
	return api.Never
}

// radio is the signal of the first wireless interface, dBm, as wireless extensions tell it:
//
//	wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0
func (w *Watch) radio() *int {
	for row := range strings.Lines(read(filepath.Join(w.root, "proc/self/net/wireless"))) {
		name, rest, _ := strings.Cut(row, ":")
		fields := strings.Fields(rest)
		if strings.Contains(name, "|") || len(fields) < 3 {
			continue // the head of the table
		}
		if level, err := strconv.Atoi(strings.TrimSuffix(fields[2], ".")); err == nil && level < 0 && level > -200 {
			return &level
		}
	}
	return nil
}

// space is the state's file system, bytes.
func space(dir string) (free, size uint64) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil || fs.Bavail > fs.Blocks {
		return 0, 0
	}
	return fs.Bavail * uint64(fs.Bsize), fs.Blocks * uint64(fs.Bsize)
}

// wear is what the kernel knows about the disk of the state: bytes written since the machine
// started, and of an eMMC its life in steps of 10 percent (JEDEC 84-B51, DEVICE_LIFE_TIME_EST_TYP).
// A memory card has no such counter.
func (w *Watch) wear() (written uint64, lifeUsed *int) {
	var stat unix.Stat_t
	if err := unix.Stat(w.state, &stat); err != nil {
		return 0, nil
	}
	disk, err := filepath.EvalSymlinks(filepath.Join(w.root, "sys/dev/block",
		strconv.FormatUint(uint64(unix.Major(stat.Dev)), 10)+":"+strconv.FormatUint(uint64(unix.Minor(stat.Dev)), 10)))
	if err != nil {
		return 0, nil // in memory, or over a network
	}
	if _, err := os.Stat(filepath.Join(disk, "partition")); err == nil {
		disk = filepath.Dir(disk)
	}
	if fields := strings.Fields(read(filepath.Join(disk, "stat"))); len(fields) > 6 {
		sectors, _ := strconv.ParseUint(fields[6], 10, 40) // of 512 bytes; 0 in another kernel's form
		written = sectors * 512
	}
	for _, step := range strings.Fields(read(filepath.Join(disk, "device/life_time"))) { // of two kinds of cells
		if n, err := strconv.ParseInt(step, 0, 8); err == nil && n >= 1 && n <= 11 {
			if used := int(n) * 10; lifeUsed == nil || used > *lifeUsed {
				lifeUsed = &used
			}
		}
	}
	return written, lifeUsed
}

func (w *Watch) glob(pattern string) []string {
	files, _ := filepath.Glob(filepath.Join(w.root, pattern)) // a constant pattern
	return files
}

// read is a small file's text; empty if there is no such file.
func read(file string) string {
	data, _ := os.ReadFile(file)
	return strings.TrimSpace(string(data))
}
