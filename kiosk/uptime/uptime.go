// Package uptime reads how long this machine has been running, by a clock that nobody can set: the
// kernel's CLOCK_MONOTONIC_RAW. A time daemon does not slow it either, which it can do to
// CLOCK_BOOTTIME by a tenth (adjtimex(2), ticks), and so can whoever answers that daemon. It stands
// still while the machine sleeps, as it does while the power is off.
package uptime

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Reading is one look at that clock. Two readings compare only if they are of the same start.
type Reading struct {
	Boot [16]byte      // of this start of the machine
	For  time.Duration // since then
}

// Now reads the clock.
func Now() Reading {
	id, began := start()
	return Reading{id, raw() - began}
}

func raw() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &now); err != nil {
		panic("uptime: " + err.Error()) // Linux has had this clock since 2.6.28
	}
	return time.Duration(now.Nano())
}

// Since is how much time has passed since an earlier reading, at least: if the machine was started
// in between, what has passed since then. Nothing is known of the time since the zero Reading.
func (r Reading) Since(earlier Reading) time.Duration {
	switch {
	case earlier == (Reading{}):
		return 0
	case r.Boot != earlier.Boot:
		return r.For
	}
	return max(0, r.For-earlier.For)
}

// start is the kernel's boot ID, and what the clock said then: 0. In a sandbox that hides
// /proc/sys, the unit hands the ID on (%b). If nobody says it, this process counts as a start of
// its own.
var start = sync.OnceValues(func() (id [16]byte, began time.Duration) {
	text := os.Getenv("BOOT_ID")
	if data, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		text = string(data)
	}
	found, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), "-", ""))
	if err != nil || len(found) != len(id) {
		rand.Read(id[:])
		return id, raw()
	}
	copy(id[:], found)
	return id, 0
})
