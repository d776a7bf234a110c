//go:build hil

package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/store"
)

// fault is something that breaks while nobody is there, and is repaired.
type fault struct {
	name   string
	reason kiosk.Reason // what the door says meanwhile; "": it keeps working
	cause  func()
	person *aPhone       // whose code is shown meanwhile; the door must not decide
	during func()        // what else happens meanwhile
	mend   func()        // ends the fault; the time starts here
	back   func()        // waits until the door has recovered; nil: it has no fault
	within time.Duration // for back; 0: recovery
}

// suffer runs a fault and checks the door: no steady lamp and no open relay meanwhile, and a quick
// recovery.
func (m *machine) suffer(f fault) {
	m.t.Helper()
	m.panel.clear()
	start := time.Now()
	f.cause()
	noticed := "the door went on"
	if f.reason != kiosk.NoReason {
		m.until("the door to notice", 30*time.Second, func() bool {
			return strings.HasPrefix(m.health(), "out of order: "+string(f.reason)+"\n")
		})
		noticed = fmt.Sprintf("noticed after %.1f s", time.Since(start).Seconds())
	}
	if f.person != nil {
		m.lens.put(m.scenesOf(f.person.code()))
		time.Sleep(2 * time.Second)
		m.lens.put(m.camera.empty)
		time.Sleep(2 * framesEvery)
	}
	if f.during != nil {
		f.during()
	}
	mended := time.Now()
	f.mend()
	if f.back == nil {
		f.back = func() { m.awaitHealthy() }
	}
	f.back()
	took := time.Since(mended)
	lights := m.nobodyJudged(f.name)
	if f.within == 0 {
		f.within = recovery
	}
	m.inTime(f.name, took, f.within)
	m.t.Logf("FAULT %-40s %-22s lights: %-34s back after %4.1f s", f.name, noticed, lights, took.Seconds())
}

// nobodyJudged fails if lamps or relay show a verdict about a person, and returns what the lamps
// did.
func (m *machine) nobodyJudged(name string) string {
	m.t.Helper()
	count, longest := map[string]int{}, map[string]time.Duration{}
	_, gap := m.panel.seen()
	for _, s := range m.panel.spans() {
		if s.line == "relay" || s.line != "buzzer" && s.length() >= steadyFrom+gap {
			m.t.Errorf("%s: %s for %v while nobody was judged\n%s", name, s.line, s.length(), m.panel.text())
		}
		if heartbeat(s) {
			continue
		}
		count[s.line]++
		longest[s.line] = max(longest[s.line], s.length())
	}
	if len(count) == 0 {
		return "dark"
	}
	var parts []string
	for _, line := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s %d times, %v at the most", line, count[line], longest[line].Round(10*time.Millisecond)))
	}
	return strings.Join(parts, ", ")
}

// prove lets one person in, to show that the door really works.
func (m *machine) prove(p *aPhone, lamp string) {
	m.t.Helper()
	m.arrive(p, lamp)
	m.lens.put(m.camera.empty)
	m.until("the panel to be dark again", patience, m.quiet)
}

// arrive holds up a code and waits for the person's lamp.
func (m *machine) arrive(p *aPhone, lamp string) {
	m.t.Helper()
	scenes := m.scenesOf(p.code())
	m.panel.clear()
	m.lens.put(scenes)
	m.until(lamp+" for a person", patience, func() bool { _, on := m.panel.since(lamp); return on })
}

// welcome is arrive for somebody who is admitted; it also waits for the relay.
func (m *machine) welcome(p *aPhone, lamp string) {
	m.t.Helper()
	m.arrive(p, lamp)
	m.until("the relay", patience, func() bool { return slices.Contains(m.panel.on(), "relay") })
}

// darkWithin is how long lamps may shine and the relay may be open after a signal. Go prints all
// its goroutines before it dies of SIGQUIT or a panic, and systemctl takes a tenth of a second
// here.
const darkWithin = 2 * time.Second

// ends: however the daemon ends, the lamps go dark, the relay closes, and the daemon starts again
// by itself.
func (m *machine) ends(p people) {
	for _, signal := range []string{"SIGTERM", "SIGKILL", "SIGQUIT", "SIGABRT"} {
		m.sh("systemctl reset-failed ashyq-kiosk; systemctl start ashyq-kiosk")
		m.awaitHealthy()
		m.welcome(p.blue, "blue")
		m.lens.put(m.camera.empty)
		pid := m.pid()
		start := time.Now()
		m.sh("systemctl kill --kill-whom=main -s %s ashyq-kiosk", signal)
		m.until("dark lamps and a closed relay", patience, func() bool { return len(m.panel.on()) == 0 })
		dark := time.Since(start)
		m.until("another process", patience, func() bool { now := m.pid(); return now != pid && now != "0" })
		m.awaitHealthy()
		back := time.Since(start)
		m.inTime(signal+" to dark lamps", dark, darkWithin)
		m.inTime(signal+" to a door in order", back, recovery)
		m.t.Logf("FAULT %-40s with blue light and open relay: all dark and closed after %v, in order again after %.1f s", signal, dark.Round(time.Millisecond), back.Seconds())
	}
}

func (m *machine) pid() string {
	m.t.Helper()
	return m.sh("systemctl show -P MainPID ashyq-kiosk")
}

// cameraFaults: no camera, a camera that repeats one picture, cameras under other numbers and with
// other formats, and torn pictures.
func (m *machine) cameraFaults(p people) {
	m.suffer(fault{
		name: "camera unplugged and back", reason: kiosk.CameraFault,
		cause: func() { m.lens.stop() },
		during: func() {
			gone := m.lens.takeAway()
			m.t.Logf("the daemon let go of the camera's node %.1f s after it was out of order; for 3 s there is none", gone.Seconds())
			time.Sleep(3 * time.Second)
		},
		mend: func() { m.lens.plug() },
	})

	m.welcome(p.blue, "blue")
	m.suffer(fault{
		name: "picture frozen, with a code in it", reason: kiosk.CameraFault,
		cause:  func() { m.lens.freeze(true) },
		during: func() { time.Sleep(3 * time.Second) },
		mend:   func() { m.lens.put(m.camera.empty); m.lens.freeze(false) },
	})
	m.prove(p.green, "green")
	m.gives("YUYV 1280x720")

	m.swap("camera back under another number", func() { m.lens.number = 3 })
	m.prove(p.blue, "blue")
	m.gives("YUYV 1280x720")
	m.sh("journalctl -b -u ashyq-kiosk | grep 'the camera has another number.*now=/dev/video3'")

	m.swap("an MJPEG camera instead", func() { m.lens.number, m.lens.mjpeg = 1, true })
	m.prove(p.green, "green")
	m.gives("MJPG 1280x720")

	m.lens.tear(true)
	m.prove(p.blue, "blue")
	m.sh("journalctl -b -u ashyq-kiosk | grep 'cannot read a picture.*torn'")
	m.lens.tear(false)

	m.sh("systemctl stop ashyq-kiosk")
	said := m.sh("/usr/bin/ashyq-kiosk doctor || true") // not this test, which also has that name
	gives := regexp.MustCompile(`: MJPG 1280x720 at .* pictures a second from Camera, /dev/video1; .* a second come\n`)
	if !gives.MatchString(said) {
		m.t.Errorf("the doctor says:\n%s", said)
	}
	m.sh("systemctl start ashyq-kiosk")
	m.awaitHealthy() // found under another number at its start, too
	m.swap("the first camera again", func() { m.lens.number, m.lens.mjpeg = 0, false })
}

// swap unplugs the camera and plugs in another one.
func (m *machine) swap(name string, change func()) {
	m.t.Helper()
	m.suffer(fault{
		name: name, reason: kiosk.CameraFault,
		cause:  func() { m.lens.stop() },
		during: func() { m.lens.takeAway() },
		mend:   func() { change(); m.lens.plug() },
	})
}

// gives checks the format that the daemon reports.
func (m *machine) gives(format string) {
	m.t.Helper()
	if health := m.health(); !strings.Contains(health, format+" at ") {
		m.t.Errorf("the daemon does not say that the camera gives %s:\n%s", format, health)
	}
}

// chipFaults: lines in use by another program, a chip that disappears, lines that are held.
func (m *machine) chipFaults(p people) {
	var letGo func() error
	m.suffer(fault{
		name: "lines taken by another process at the start",
		cause: func() {
			m.sh("systemctl stop ashyq-kiosk")
			_, closer, err := hardware.OpenPins(hardware.Config{Pins: chipLabel})
			if err != nil {
				m.t.Fatal(err)
			}
			letGo = closer.Close
			m.sh("systemctl start --no-block ashyq-kiosk")
			m.until("the daemon to say who has the line", patience, func() bool {
				return strings.Contains(m.sh("journalctl -b -o cat -n 20 -u ashyq-kiosk"), "is used by")
			})
		},
		person: p.green,
		mend: func() {
			if err := letGo(); err != nil {
				m.t.Error(err)
			}
		},
	})

	m.suffer(fault{
		name: "chip pulled out and back", reason: kiosk.OutputFault,
		cause:  func() { m.chip.live(false) },
		person: p.green,
		mend:   func() { m.chip.live(true) },
	})
	m.prove(p.blue, "blue")

	m.panel.clear()
	for _, line := range wiring {
		m.chip.pullLine(line, "pull-up")
	}
	time.Sleep(time.Second)
	held := m.nobodyJudged("all lines pulled up from outside")
	m.t.Logf("FAULT %-40s lights: %s: driven lines hold; nothing tells the daemon of a line that is held, outputs are not read back", "all lines pulled up from outside", held)
	for _, line := range wiring {
		m.chip.pullLine(line, "pull-down")
	}
}

// news is something for the registry to publish: a person who never comes falls ill.
func (m *machine) news() {
	m.t.Helper()
	for n := time.Now().UnixNano() / 1e6 % 1e4; ; n++ {
		for digit := range 10 {
			iin := fmt.Sprintf("9701013%04d%d", n%1e4, digit)
			if _, err := store.ParseIIN(iin); err == nil {
				m.phone(iin)
				m.result(&citizen{iin: iin}, "positive", time.Now())
				return
			}
		}
	}
}

// registryFaults: the door decides without the registry, and follows it again by itself.
func (m *machine) registryFaults(p people) {
	m.suffer(fault{
		name:   "registry gone",
		cause:  func() { m.sh("systemctl stop ashyq-registry") },
		during: func() { m.prove(p.blue, "blue"); m.panel.clear() },
		mend:   func() { m.sh("systemctl start ashyq-registry") },
		back:   func() { m.follow(m.news) },
		within: 30 * time.Second, // long pauses between attempts keep all doors from coming at once
	})
}

// clockFaults: a clock that is not synchronised, or is behind a time that the door has already
// seen.
func (m *machine) clockFaults(p people) {
	m.sh("systemctl stop ashyq-registry") // a real one is on another machine with another clock
	defer m.sh("systemctl start ashyq-registry")
	m.suffer(fault{
		name: "clock not synchronised", reason: kiosk.ClockFault,
		cause:  func() { m.setSynchronised(false) },
		person: p.green,
		mend:   func() { m.setSynchronised(true) },
	})
	m.suffer(fault{
		name: "clock an hour ahead, not synchronised", reason: kiosk.ClockFault,
		cause:  func() { m.moveClock(time.Hour) },
		person: p.green,
		mend:   func() { m.moveClock(-time.Hour); m.setSynchronised(true) },
	})
	m.suffer(fault{
		name: "clock an hour back, synchronised", reason: kiosk.ClockFault,
		cause:  func() { m.moveClock(-time.Hour); m.setSynchronised(true) },
		person: p.green,
		mend:   func() { m.moveClock(time.Hour); m.setSynchronised(true) },
	})
	m.prove(p.blue, "blue")
}

// diskFaults: the state's partition is full, then fails and becomes read-only.
func (m *machine) diskFaults(p people) {
	m.suffer(fault{
		name: "disk full",
		cause: func() {
			m.sh("cat /dev/zero >%s/filler 2>/dev/null || true; sync", stateDir)
			m.sh("test $(df --output=avail %s | tail -1) -lt 64", stateDir) // KiB
			m.news()                                                        // cannot be stored
			time.Sleep(2 * time.Second)
		},
		during: func() { m.prove(p.green, "green"); m.panel.clear() }, // the door keeps using the old list
		mend:   func() { m.sh("rm %s/filler", stateDir) },
		back:   func() { m.awaitHealthy(); m.caughtUp() },
	})

	m.suffer(fault{
		name: "card fails and becomes read-only",
		cause: func() {
			m.remap("flakey /dev/ubdb 0 0 1 1 error_writes")
			m.news()
			m.until("the partition to take nothing more", patience, func() bool {
				f, err := os.Create(stateDir + "/probe")
				if err == nil {
					f.Close()
				}
				return err != nil
			})
		},
		during: func() { m.prove(p.blue, "blue"); m.panel.clear() },
		mend: func() { // another card with the same content
			m.sh("systemctl stop ashyq-kiosk; umount %s", stateDir)
			m.remap("linear /dev/ubdb 0")
			m.sh("e2fsck -p %s || [ $? = 1 ]", partition)
			m.mountState("rw")
			m.sh("systemctl start ashyq-kiosk")
		},
		back: func() { m.awaitHealthy(); m.caughtUp() },
	})
	m.prove(p.green, "green")
}

// hangs: systemd's watchdog ends a daemon that hangs, and closes the relay that it left open.
func (m *machine) hangs(p people) {
	m.welcome(p.blue, "blue")
	m.lens.put(m.camera.empty)
	pid := m.pid()
	start := time.Now()
	m.sh("kill -STOP %s", pid)
	m.until("dark lamps and a closed relay", patience, func() bool { return len(m.panel.on()) == 0 })
	dark := time.Since(start)
	m.until("another process", patience, func() bool { now := m.pid(); return now != pid && now != "0" })
	killed := time.Now()
	m.awaitHealthy()
	m.t.Logf("FAULT %-40s the watchdog closed the relay after %.1f s (WatchdogSec=%s), in order again %.1f s after that, %.1f s after the hang",
		"daemon hangs (SIGSTOP) with an open relay", dark.Seconds(), m.sh("systemctl show -P WatchdogUSec ashyq-kiosk"), time.Since(start).Seconds()-dark.Seconds(), time.Since(start).Seconds())
	m.inTime("a hang to a closed relay", dark, 12*time.Second)
	m.inTime("the watchdog's kill to a door in order", time.Since(killed), recovery)
}

// crashes: systemd never forgets a crash of a unit that it restarts by itself, so the last crash
// must not cost more than an outage may.
func (m *machine) crashes() {
	var took []string
	for n := range 5 {
		pid := m.pid()
		start := time.Now()
		m.sh("kill -KILL %s", pid)
		m.until("another process", patience, func() bool { now := m.pid(); return now != pid && now != "0" })
		m.awaitHealthy()
		d := time.Since(start)
		took = append(took, fmt.Sprintf("%.1f", d.Seconds()))
		m.inTime(fmt.Sprintf("crash %d to a door in order", n+1), d, recovery)
	}
	m.t.Logf("FAULT %-40s in order again after %s s", "crashes, one after another", strings.Join(took, ", "))
	says := func(cause string) {
		m.t.Helper()
		if !strings.Contains(m.health(), "started after "+cause) {
			m.t.Errorf("the daemon does not say that it started after %s:\n%s", cause, m.health())
		}
	}
	says("a crash of the daemon")
	m.sh("systemctl restart ashyq-kiosk")
	m.awaitHealthy()
	says("an ordered stop")
	m.sh("systemctl kill -s KILL ashyq-kiosk; systemctl stop ashyq-kiosk; rm -rf /run/ashyq-kiosk; systemctl start ashyq-kiosk")
	m.awaitHealthy()
	says("a power cut or reset")
}

// upgrade: a newer package keeps the administrator's configuration and the door's state.
func (m *machine) upgrade(p people) {
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			m.t.Fatal(err)
		}
		return string(data)
	}
	config, version := read(configFile), m.kioskVersion()
	info, err := os.Stat(stateDir + "/cache.db")
	if err != nil {
		m.t.Fatal(err)
	}
	m.sh("systemctl stop ashyq-registry") // so that the door has only its own state
	m.panel.clear()
	away := m.watchHealth()
	start := time.Now()
	m.sh("cd %s && DEBIAN_FRONTEND=noninteractive dpkg -i newer.deb </dev/null", shared)
	installed := time.Since(start)
	m.awaitHealthy()
	gone := away()
	lights := m.nobodyJudged("upgrade")
	if read(configFile) != config {
		m.t.Error("the upgrade changed the edited configuration")
	}
	if now := m.kioskVersion(); now != version {
		m.t.Errorf("the door had version %d of the data, after the upgrade %d", version, now)
	}
	after, err := os.Stat(stateDir + "/cache.db")
	if err != nil || !os.SameFile(info, after) {
		m.t.Errorf("the state is another file after the upgrade, %v", err)
	}
	if v := m.sh("dpkg-query -W -f '${Version}' ashyq-kiosk"); !strings.HasSuffix(v, "+newer") {
		m.t.Errorf("version %s is installed", v)
	}
	if active := m.sh("systemctl is-enabled ashyq-kiosk; systemctl is-active ashyq-kiosk"); active != "enabled\nactive" {
		m.t.Errorf("after the upgrade the unit is %q", active)
	}
	m.prove(p.green, "green")
	m.sh("systemctl start ashyq-registry")
	m.t.Logf("FAULT %-40s lights: %s; dpkg took %.1f s, the door was away for %.1f s of it; configuration and version %d of the data kept",
		"package upgraded while running", lights, installed.Seconds(), gone.Seconds(), version)
	m.inTime("the upgrade", gone, recovery)
}

// watchHealth asks the door until the returned function is called, which returns the longest time
// without health.
func (m *machine) watchHealth() (longest func() time.Duration) {
	end, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		for well := time.Now(); ; time.Sleep(50 * time.Millisecond) {
			if m.healthy() {
				most, well = max(most, time.Since(well)), time.Now()
			}
			select {
			case <-end:
				result <- max(most, time.Since(well))
				return
			default:
			}
		}
	}()
	return func() time.Duration { close(end); return <-result }
}

// inputs: the exit button opens the relay without a verdict, and an open case puts the door out of
// order.
func (m *machine) inputs() {
	file, err := os.ReadFile(configFile)
	if err != nil {
		m.t.Fatal(err)
	}
	m.put(configFile, string(file)+"[hardware.lines]\nexit = \"GPIO5\"\ntamper = \"GPIO6\"\n", 0o640)
	defer func() {
		m.put(configFile, string(file), 0o640)
		m.sh("systemctl restart ashyq-kiosk")
	}()
	m.sh("systemctl restart ashyq-kiosk")
	open := func() bool { return strings.HasPrefix(m.health(), "out of order: "+string(kiosk.TamperFault)) }
	m.until("a case whose contact is not closed", patience, open)
	m.chip.pullLine(6, "pull-down") // the driver's pull-up is weaker than a contact to ground
	m.awaitHealthy()
	m.suffer(fault{
		name: "case opened and shut", reason: kiosk.TamperFault,
		cause:  func() { m.chip.pullLine(6, "pull-up") },
		during: func() { time.Sleep(time.Second) },
		mend:   func() { m.chip.pullLine(6, "pull-down") },
	})

	m.panel.clear()
	pressed := time.Now()
	m.chip.pullLine(5, "pull-down")
	time.Sleep(150 * time.Millisecond)
	m.chip.pullLine(5, "pull-up")
	m.until("the relay", patience, func() bool { _, on := m.panel.since("relay"); return on })
	opened, _ := m.panel.since("relay")
	m.until("the relay to close", patience, func() bool { return !slices.Contains(m.panel.on(), "relay") })
	spans := m.panel.spans()
	_, gap := m.panel.seen()
	m.t.Logf("exit button: relay open %v after the press; %s", opened.Sub(pressed).Round(time.Millisecond), describe(spans))
	for _, s := range spans {
		if s.line != "relay" && s.length() >= steadyFrom+gap || s.line == "relay" && s.length() > hardware.DefaultPatterns()[kiosk.Admitted].Relay+time.Second {
			m.t.Errorf("the exit button switched %s", describe(spans))
		}
	}
}

// exposure is the highest score that systemd may give a unit, of 10.
const exposure = 1.5

// security prints systemd's rating of the units.
func (m *machine) security() {
	for _, unit := range []string{"ashyq-kiosk", "ashyq-registry"} {
		text := m.sh("systemd-analyze security --no-pager %s.service", unit)
		lines := strings.Split(text, "\n")
		m.t.Log(lines[len(lines)-1])
		_, figure, _ := strings.Cut(lines[len(lines)-1], ": ")
		if points, err := strconv.ParseFloat(strings.Fields(figure)[0], 64); err != nil || points > exposure {
			m.t.Errorf("%s: %q, want at most %v, %v", unit, lines[len(lines)-1], exposure, err)
		}
		for _, line := range lines {
			if strings.HasPrefix(line, "✗") {
				m.t.Log("   ", line)
			}
		}
	}
}
