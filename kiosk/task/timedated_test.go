package task

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// timedate is what systemd-timedated shows on the bus.
type timedate struct{ synced atomic.Bool }

func (t *timedate) Get(iface, name string) (dbus.Variant, *dbus.Error) {
	if iface != "org.freedesktop.timedate1" || name != "NTPSynchronized" {
		return dbus.Variant{}, dbus.MakeFailedError(errors.New("no such property"))
	}
	return dbus.MakeVariant(t.synced.Load()), nil
}

// startBus starts a real message bus in place of the system's; stop ends it.
func startBus(t *testing.T) (address string, stop func()) {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("no dbus-daemon here: apt-get install dbus")
	}
	address = "unix:path=" + filepath.Join(t.TempDir(), "bus")
	bus := exec.Command(program, "--session", "--nofork", "--nopidfile", "--address="+address)
	bus.Stderr = os.Stderr
	if err := bus.Start(); err != nil {
		t.Fatal(err)
	}
	var ended bool
	stop = func() {
		if !ended {
			ended = true
			_ = bus.Process.Kill()
			_ = bus.Wait()
		}
	}
	t.Cleanup(stop)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	return address, stop
}

func TestTimedated(t *testing.T) {
	address, stop := startBus(t)
	var conn *dbus.Conn
	for tries := 0; ; tries++ { // until the bus listens
		var err error
		if conn, err = dbus.Connect(address); err == nil {
			break
		}
		if tries == 100 {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	defer conn.Close()
	clock := &timedate{}
	if err := conn.Export(clock, "/org/freedesktop/timedate1", "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName("org.freedesktop.timedate1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}

	var d timedated
	again := func() { d.asked = d.asked.Add(-timedatedEvery) } // as if that time had passed
	if err := d.synced(); !errors.Is(err, ErrUnsynced) {
		t.Errorf("a clock that is not synchronised: %v", err)
	}
	clock.synced.Store(true)
	if err := d.synced(); !errors.Is(err, ErrUnsynced) {
		t.Errorf("asked again within %v: %v", timedatedEvery, err)
	}
	if again(); d.synced() != nil {
		t.Error("a clock that is synchronised is not trusted")
	}

	stop()
	if again(); d.synced() != nil {
		t.Error("no answer counts as a bad one at once")
	}
	again()
	d.good = d.good.Add(-timedatedGrace)
	if err := d.synced(); err == nil || errors.Is(err, ErrUnsynced) {
		t.Errorf("no answer for a minute: %v", err)
	}
	if d.conn != nil {
		d.conn.Close()
	}
}

func TestStepped(t *testing.T) {
	now := time.Now()
	if stepped(now, now.Add(timedatedEvery)) {
		t.Error("time that passes counts as a clock that was set")
	}
}
