//go:build hil

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ashyq-kiosk/registry/api"
	"ashyq-kiosk/scanner/qrdraw"
)

// The machine of `make hil`: a user-mode kernel's real drivers, Debian's real systemd, our real packages. These tests run
// inside it, as root; image-build/hil/run builds it, boots it and copies them in.
const (
	shared     = "/hil" // what the host shares
	stateDir   = "/var/lib/ashyq-kiosk"
	configFile = "/etc/ashyq-kiosk/ashyq-kiosk.toml"
	chipLabel  = "pinctrl-bcm2835"
	screenAt   = "127.0.0.1:8081"
	registryAt = "127.0.0.1:8080"
)

// wiring is which line of the chip is what, as the package configures it.
var wiring = map[string]int{"red": 17, "yellow": 27, "blue": 22, "green": 23, "buzzer": 24, "relay": 25}

// machine is a world whose door is an installed package.
type machine struct {
	*world
	chip  *simChip
	lens  *loopback
	panel *panelTrace
}

// newMachine plugs everything in, installs the packages, and waits for a door in order.
func newMachine(t *testing.T) *machine {
	if _, err := os.Stat(filepath.Join(shared, "start")); err != nil {
		t.Skip("not inside the machine that `make hil` boots")
	}
	m := &machine{world: &world{t: t, dir: t.TempDir(), screen: screenAt, direct: "http://" + registryAt}}
	step := stopwatch(t)
	m.chip = newSimChip(t)
	m.panel = newPanelTrace(t, m.chip)
	m.camera = &camera{t: t, source: "/dev/video0", doorway: qrdraw.Doorway(1280, 720, 3)}
	m.camera.empty = m.camera.scenes(nil)
	m.camera.show(nil)
	m.lens = newLoopback(t, m.camera)
	m.lens.plug()
	m.makeStatePartition()
	m.setSynchronised(true)
	step("chip, camera and state partition")

	m.sh("cd %s && dpkg -i ashyq-registry.deb", shared)
	m.write("/etc/ashyq-registry.env", "ASHYQ_PUBLIC_URL=http://"+registryAt+"\n", 0o600)
	m.sh("systemctl restart ashyq-registry")
	key, err := os.ReadFile("/var/lib/private/ashyq-registry/admin.key")
	if err != nil {
		t.Fatal(err)
	}
	m.admin = strings.TrimSpace(string(key))
	var source api.SourceAnswer
	m.post(api.PathSources, m.admin, api.SourceRequest{Name: "Laboratory", Kind: "laboratory"}, &source)
	m.lab = source.Key
	m.post(api.PathSources, m.admin, api.SourceRequest{Name: "Centre", Kind: "control-centre"}, &source)
	m.centre = source.Key
	m.post(api.PathKiosks, m.admin, api.KioskRequest{Name: "Door", Venue: "shop"}, &m.door)
	step("registry installed and set up")

	m.sh("cd %s && dpkg -i ashyq-kiosk.deb", shared)
	m.configure()
	m.sh("systemctl restart ashyq-kiosk")
	m.awaitHealthy()
	step("kiosk installed and in order")
	return m
}

// configure edits the package's own file as an administrator would, so that an upgrade finds a changed one.
func (m *machine) configure() {
	m.t.Helper()
	info, err := os.Stat(configFile)
	if err != nil {
		m.t.Fatal(err)
	}
	text := fmt.Sprintf("[door]\nvenue = \"shop\"\nagain = \"1s\"\n[camera]\nsource = \"/dev/video0\"\nfrozen_after = \"4s\"\n"+
		"[registry]\nurl = %q\nkey = %q\ntoken = %q\n[hardware]\npins = %q\n", m.direct, m.door.RegistryKey, m.door.Token, chipLabel)
	m.write(configFile, text, info.Mode().Perm()) // the owner stays, too
}

func (m *machine) write(path, text string, mode os.FileMode) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
}

// sh runs a line of shell that has to succeed and returns what it printed.
func (m *machine) sh(format string, args ...any) string {
	m.t.Helper()
	line := fmt.Sprintf(format, args...)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", line).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s\n%s", line, err, out, m.journal())
	}
	return strings.TrimSpace(string(out))
}

func (m *machine) journal() string {
	out, _ := exec.Command("journalctl", "-b", "-o", "short-monotonic", "--no-pager", "-n", "60",
		"-u", "ashyq-kiosk", "-u", "ashyq-registry").CombinedOutput() // only to explain another failure
	return string(out)
}

// until polls until something is true and returns how long that took.
func (m *machine) until(what string, limit time.Duration, done func() bool) time.Duration {
	m.t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if done() {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			m.t.Fatalf("waited %v for %s; the health page says:\n%s\nthe panel did:\n%s\nthe journal:\n%s",
				limit, what, m.health(), m.panel.text(), m.journal())
		}
	}
}

// health is the first lines of the daemon's own page, or why there is none.
func (m *machine) health() string {
	text, err := askHealth(context.Background(), screenAt)
	if text == "" && err != nil {
		return err.Error()
	}
	return text
}

func (m *machine) healthy() bool { return strings.HasPrefix(m.health(), "ok\n") }
func (m *machine) quiet() bool   { return strings.Contains(m.health(), "shows: idle") }

func (m *machine) awaitHealthy() time.Duration {
	m.t.Helper()
	return m.until("the door to be in order", patience, m.healthy)
}

// published is the registry's newest version.
func (m *machine) published() int {
	m.t.Helper()
	var o api.Overview
	m.get(api.PathOverview, m.admin, &o)
	return int(o.Version)
}

// follow tells the registry something and waits until the door has all of it.
func (m *machine) follow(news func()) {
	m.t.Helper()
	before := m.published()
	news()
	m.until("another version", patience, func() bool { return m.published() > before })
	time.Sleep(700 * time.Millisecond) // what came later is another version, after at least 0.5 s
	m.caughtUp()
}

// caughtUp waits until the door has the registry's newest version.
func (m *machine) caughtUp() {
	m.t.Helper()
	m.until("the door to follow the registry", patience, func() bool { return m.kioskVersion() == m.published() })
}

// setSynchronised tells the kernel what a time daemon would, adjtimex(2).
func (m *machine) setSynchronised(on bool) {
	m.t.Helper()
	tx := unix.Timex{Modes: unix.ADJ_STATUS | unix.ADJ_MAXERROR | unix.ADJ_ESTERROR, Maxerror: 1000, Esterror: 1000}
	if !on {
		tx.Status, tx.Maxerror = unix.STA_UNSYNC, 16_000_000 // as after settimeofday(2); systemd-timedated looks at the error
	}
	if _, err := unix.Adjtimex(&tx); err != nil {
		m.t.Fatalf("tell the kernel about the clock: %v", err)
	}
}

// moveClock sets the clock; the kernel then takes it for not synchronised.
func (m *machine) moveClock(by time.Duration) {
	m.t.Helper()
	tv := unix.NsecToTimeval(time.Now().Add(by).UnixNano())
	if err := unix.Settimeofday(&tv); err != nil {
		m.t.Fatalf("set the clock: %v", err)
	}
}

// The state has a partition of its own, behind the device mapper so that it can be told to fail.
const partition = "/dev/mapper/state"

func (m *machine) makeStatePartition() {
	m.t.Helper()
	m.sh("dmsetup create state --table '%s'", m.mapping("linear /dev/ubdb 0"))
	m.sh("mkfs.ext4 -q -m 0 %s && mkdir -p %s", partition, stateDir)
	m.mountState("rw")
}

// mountState mounts it as a Pi's fstab does: an error makes it read-only.
func (m *machine) mountState(mode string) {
	m.t.Helper()
	m.sh("mount -o errors=remount-ro,%s %s %s", mode, partition, stateDir)
}

// mapping is a device mapper's table for the whole disk.
func (m *machine) mapping(target string) string {
	m.t.Helper()
	return fmt.Sprintf("0 %s %s", strings.TrimSpace(m.sh("cat /sys/block/ubdb/size")), target)
}

func (m *machine) remap(target string) {
	m.t.Helper()
	m.sh("dmsetup load state --table '%s' && dmsetup resume state", m.mapping(target))
}

// stopwatch logs how long each step took.
func stopwatch(t testing.TB) func(string) {
	last := time.Now()
	return func(name string) {
		t.Helper()
		t.Logf("%-40s %5.1f s", name, time.Since(last).Seconds())
		last = time.Now()
	}
}

// simChip is the kernel's gpio-sim, made through configfs to look like a Pi's header.
type simChip struct {
	t    testing.TB
	base string
}

func newSimChip(t testing.TB) *simChip {
	t.Helper()
	c := &simChip{t: t, base: "/sys/kernel/config/gpio-sim/pi"}
	bank := filepath.Join(c.base, "bank0")
	for _, dir := range []string{c.base, bank} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.put(filepath.Join(bank, "num_lines"), "54")
	c.put(filepath.Join(bank, "label"), chipLabel)
	for n := range 54 {
		dir := filepath.Join(bank, fmt.Sprint("line", n))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c.put(filepath.Join(dir, "name"), fmt.Sprint("GPIO", n))
	}
	c.live(true)
	return c
}

func (c *simChip) put(path, text string) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// live plugs the chip in or pulls it out.
func (c *simChip) live(on bool) {
	c.t.Helper()
	text := "0"
	if on {
		text = "1"
	}
	c.put(filepath.Join(c.base, "live"), text)
}

// dir is where the kernel shows the chip's lines; the name changes with each plugging in.
func (c *simChip) dir() (string, error) {
	device, err := os.ReadFile(filepath.Join(c.base, "dev_name"))
	if err != nil {
		return "", err
	}
	chip, err := os.ReadFile(filepath.Join(c.base, "bank0", "chip_name"))
	if err != nil {
		return "", err
	}
	return filepath.Join("/sys/devices/platform", strings.TrimSpace(string(device)), strings.TrimSpace(string(chip))), nil
}

// pullLine sets what is connected to a line from outside: "pull-up" or "pull-down".
func (c *simChip) pullLine(n int, to string) {
	c.t.Helper()
	dir, err := c.dir()
	if err != nil {
		c.t.Fatal(err)
	}
	c.put(filepath.Join(dir, fmt.Sprintf("sim_gpio%d", n), "pull"), to)
}

// sampleEvery is how often the lines are looked at: a beep of 120 ms is seen 24 times.
const sampleEvery = 5 * time.Millisecond

// panelTrace looks at the chip's lines from outside, all the time, and remembers each change.
type panelTrace struct {
	t    testing.TB
	chip *simChip

	mu     sync.Mutex
	events []event         // guarded by mu
	levels map[string]bool // guarded by mu
	gap    time.Duration   // guarded by mu: the longest between two looks
}

func newPanelTrace(t testing.TB, chip *simChip) *panelTrace {
	p := &panelTrace{t: t, chip: chip, levels: map[string]bool{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.sample(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

// sample polls. A chip that is not there has no line that is on.
func (p *panelTrace) sample(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	files := map[string]*os.File{}
	closeAll := func() {
		for name, f := range files {
			f.Close()
			delete(files, name)
		}
	}
	defer closeAll()
	last := time.Now()
	for {
		if len(files) == 0 {
			if dir, err := p.chip.dir(); err == nil {
				for name, n := range wiring {
					f, err := os.Open(filepath.Join(dir, fmt.Sprintf("sim_gpio%d", n), "value"))
					if err != nil {
						closeAll()
						break
					}
					files[name] = f
				}
			}
		}
		now, level := time.Now(), map[string]bool{}
		for name, f := range files {
			var b [1]byte
			if _, err := f.ReadAt(b[:], 0); err != nil {
				closeAll()
				clear(level)
				break
			}
			level[name] = b[0] == '1'
		}
		p.note(now, now.Sub(last), level)
		last = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *panelTrace) note(at time.Time, gap time.Duration, level map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gap = max(p.gap, gap)
	for name := range wiring {
		if level[name] != p.levels[name] {
			p.levels[name] = level[name]
			p.events = append(p.events, event{at, name, level[name]})
		}
	}
}

// clear forgets what was; lines that are on stay known.
func (p *panelTrace) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events, p.gap = nil, 0
}

func (p *panelTrace) seen() (events []event, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]event(nil), p.events...), p.gap
}

// on names the lines that are on now.
func (p *panelTrace) on() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range []string{"red", "yellow", "blue", "green", "buzzer", "relay"} {
		if p.levels[name] {
			names = append(names, name)
		}
	}
	return names
}

// since is when the line last went on after the events were cleared.
func (p *panelTrace) since(line string) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.events) - 1; i >= 0; i-- {
		if e := p.events[i]; e.line == line && e.on {
			return e.at, true
		}
	}
	return time.Time{}, false
}

func (p *panelTrace) text() string {
	events, _ := p.seen()
	var b strings.Builder
	for i, e := range events {
		fmt.Fprintf(&b, "%8.3f %s %v\n", e.at.Sub(events[0].at).Seconds(), e.line, e.on)
		if i > 60 {
			break
		}
	}
	return b.String()
}

// span is a line that was on from .. to.
type span struct {
	line     string
	from, to time.Time
}

func (s span) length() time.Duration { return s.to.Sub(s.from) }

// spans are those that ended; a line that is still on has one that ends now.
func (p *panelTrace) spans() []span {
	events, _ := p.seen()
	since := map[string]time.Time{}
	var all []span
	for _, e := range events {
		if e.on {
			since[e.line] = e.at
		} else if from, was := since[e.line]; was {
			all = append(all, span{e.line, from, e.at})
			delete(since, e.line)
		}
	}
	for line, from := range since {
		all = append(all, span{line, from, time.Now()})
	}
	return all
}

// loopback is a camera: v4l2loopback's node, and what writes pictures into it. Pictures are YUYV, as cheap cameras give.
type loopback struct {
	t      testing.TB
	camera *camera

	mu     sync.Mutex
	frozen bool                      // guarded by mu: the same picture over and over
	first  map[*image.Gray]time.Time // guarded by mu: when a scene's first picture was written
	stop   func()
}

func newLoopback(t testing.TB, c *camera) *loopback {
	l := &loopback{t: t, camera: c, first: map[*image.Gray]time.Time{}}
	t.Cleanup(func() {
		if l.stop != nil {
			l.stop()
		}
	})
	return l
}

// v4l2Format is struct v4l2_format of linux/videodev2.h with a v4l2_pix_format in it.
type v4l2Format struct {
	kind                                                                uint32
	_                                                                   uint32
	width, height, pixelformat, field, bytesperline, sizeimage, colours uint32
	private, flags, encoding, quantization, transfer                    uint32
	_                                                                   [200 - 12*4]byte
}

const (
	vidiocSetFormat  = 0xc0d05605 // _IOWR('V', 5, struct v4l2_format)
	videoOutput      = 2          // V4L2_BUF_TYPE_VIDEO_OUTPUT
	fieldNone        = 1
	pixelYUYV        = 'Y' | 'U'<<8 | 'Y'<<16 | 'V'<<24
	colourspaceSRGB  = 8
	pictureW         = 1280
	pictureH         = 720
	loopbackSettings = "video_nr=0 exclusive_caps=1 card_label=Camera max_buffers=4"
)

// plug makes the node and begins to write pictures into it.
func (l *loopback) plug() {
	l.t.Helper()
	if out, err := exec.Command("sh", "-c", "insmod "+shared+"/v4l2loopback.ko "+loopbackSettings).CombinedOutput(); err != nil {
		l.t.Fatalf("insmod v4l2loopback: %v %s", err, out)
	}
	l.feed()
}

// feed begins to write pictures; with exclusive_caps the node is a camera only from then on.
func (l *loopback) feed() {
	l.t.Helper()
	var fd int
	var err error
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if fd, err = unix.Open("/dev/video0", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil || time.Since(start) > 5*time.Second {
			break
		}
	}
	if err != nil {
		l.t.Fatalf("open the camera's other end: %v", err)
	}
	format := v4l2Format{kind: videoOutput, width: pictureW, height: pictureH, pixelformat: pixelYUYV, field: fieldNone,
		bytesperline: 2 * pictureW, sizeimage: 2 * pictureW * pictureH, colours: colourspaceSRGB}
	if err := setFormat(fd, &format); err != nil {
		l.t.Fatalf("set the camera's format: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.write(ctx, fd) }()
	l.stop = func() {
		cancel()
		<-done
		unix.Close(fd)
		l.stop = nil
	}
}

// takeAway removes the node of a camera that gives no pictures, as soon as the daemon has let go of it: a module in use
// cannot go.
func (l *loopback) takeAway() (gone time.Duration) {
	l.t.Helper()
	start := time.Now()
	for {
		err := unix.DeleteModule("v4l2loopback", unix.O_NONBLOCK)
		if err == nil {
			return time.Since(start)
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EBUSY) || time.Since(start) > patience {
			l.t.Fatalf("take the camera away: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (l *loopback) write(ctx context.Context, fd int) {
	ticker := time.NewTicker(framesEvery)
	defer ticker.Stop()
	packed := make([]byte, 2*pictureW*pictureH)
	for i := range packed {
		packed[i] = 128
	}
	var last *image.Gray
	for n := uint64(0); ; n++ {
		img := last
		if l.moves() || last == nil {
			img = l.next(n)
		}
		for i, v := range img.Pix {
			packed[2*i] = v
		}
		l.mu.Lock()
		if _, was := l.first[img]; !was {
			l.first[img] = time.Now()
		}
		l.mu.Unlock()
		if _, err := unix.Write(fd, packed); err != nil {
			l.t.Errorf("write a picture: %v", err)
			return
		}
		last = img
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (l *loopback) next(n uint64) *image.Gray {
	l.camera.mu.Lock()
	defer l.camera.mu.Unlock()
	return l.camera.now[n%uint64(len(l.camera.now))]
}

func (l *loopback) moves() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.frozen
}

func (l *loopback) freeze(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = on
}

// shown is when the first of these pictures was written.
func (l *loopback) shown(scenes []*image.Gray) (first time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, img := range scenes {
		if at, ok := l.first[img]; ok && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// put holds pictures of a code up and forgets when others were.
func (l *loopback) put(scenes []*image.Gray) {
	l.mu.Lock()
	clear(l.first)
	l.mu.Unlock()
	l.camera.mu.Lock()
	defer l.camera.mu.Unlock()
	l.camera.now = scenes
}

// scenesOf are pictures of a phone with this code on it, in a hand that trembles.
func (m *machine) scenesOf(code string) (all []*image.Gray) {
	phone := drawn(code)
	for n := range 2 {
		img := image.NewGray(m.camera.doorway.Rect)
		copy(img.Pix, m.camera.doorway.Pix)
		qrdraw.Paste(img, phone, [4]image.Point{{X: 380 + 9*n, Y: 120}, {X: 820 + 9*n, Y: 108}, {X: 812 + 9*n, Y: 566}, {X: 388 + 9*n, Y: 556}})
		qrdraw.Blur(img, 0.8)
		qrdraw.Noise(img, 4, uint64(n))
		all = append(all, img)
	}
	return all
}
