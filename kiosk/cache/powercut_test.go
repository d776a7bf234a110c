//go:build hil

package cache

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPowerCutMachine is the whole user space of a machine whose power is cut again and again
// (image-build/hil): it is process 1, mounts the card, looks whether the cache is one complete
// version, says so, and writes on until the end. What it says is read by the host, a word and a
// number a line.
func TestPowerCutMachine(t *testing.T) {
	if os.Getpid() != 1 {
		t.Skip("not process 1 of a machine: make hil starts one")
	}
	if err := writeOn(); err != nil {
		fmt.Printf("broken: %v\n", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func writeOn() error {
	if err := unix.Mount("/dev/ubda", "/state", "ext4", unix.MS_NOATIME, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	c, err := Open("/state/cache.db")
	if err != nil {
		return err
	}
	if c.SetAside != nil {
		return c.SetAside
	}
	state, err := c.State()
	if err != nil {
		return err
	}
	if time.Now().UnixNano()/1000%2 == 0 { // every other time everything is written at once
		c.writeThrough()
	}
	if err := errors.Join(c.Check(), checkVersion(c, state.Version)); err != nil {
		return err
	}
	fmt.Println("opened", state.Version)
	if err := deliver(c); err != nil {
		return err
	}
	for version := state.Version + 1; ; version++ {
		if version%4 == 1 {
			err = load(c, version)
		} else {
			err = c.Apply(genDeltas(version))
		}
		if err != nil {
			return err
		}
		if c.pending == nil {
			fmt.Println("applied", version)
		} else {
			fmt.Println("waiting", version)
			c.budget.balance += costBase // some three versions a transaction
		}
		if err := c.Queue(fmt.Sprint(version), []byte("{}")); err != nil {
			return err
		}
		fmt.Println("queued", version)
	}
}

// deliver takes all reports out of the queue, in order, and says which there were.
func deliver(c *Cache) error {
	for {
		id, _, err := c.Next()
		if err != nil {
			return err
		}
		if id == "" {
			return nil
		}
		fmt.Println("report", id)
		if err := c.Done(id); err != nil {
			return err
		}
	}
}
