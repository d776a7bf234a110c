package board

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
)

// Drivers starts periph's drivers: GPIO chips (gpioioctl) and thermal sensors (sysfs). They look at
// the machine once in a process, so call it before anything else runs. Some of them find nothing on
// most machines, which is no error; the daemon's sandbox also hides the memory that others ask for.
var Drivers = sync.OnceValues(func() (*driverreg.State, error) {
	state, err := driverreg.Init()
	// gpioioctl v3.8.5 closes file 0 where one chip has two names (Pi 5 with Raspberry Pi OS), and
	// takes a line with the file 0 for an unclaimed one.
	if _, gone := unix.FcntlInt(0, unix.F_GETFD, 0); gone != nil {
		if null, openErr := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0); openErr == nil && null != 0 {
			_ = unix.Close(null) // another file has become 0 meanwhile
		}
	}
	return state, err
})
