//go:build gocv_videoio

package scanner

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What OpenCV does not offer of V4L2: which camera is behind a node, and two controls. The numbers
// and structures are those of linux/videodev2.h and linux/v4l2-controls.h.
const (
	vidiocQueryCapability = 0x80685600 // _IOR('V', 0, struct v4l2_capability)
	vidiocGetControl      = 0xc008561b // _IOWR('V', 27, struct v4l2_control)
	vidiocSetControl      = 0xc008561c // _IOWR('V', 28, struct v4l2_control)

	capVideoCapture = 0x00000001
	capM2M          = 0x00008000 // an encoder or decoder, no camera
	capDevice       = 0x80000000 // device holds what this node can do; otherwise whole does

	powerLineFrequency       = 0x00980918 // V4L2_CID_POWER_LINE_FREQUENCY: 1 is 50 Hz, 2 is 60 Hz
	exposureDynamicFramerate = 0x009a0903 // V4L2_CID_EXPOSURE_AUTO_PRIORITY: 0 keeps the frame rate in dim light
)

type v4l2Capability struct {
	driver        [16]byte
	card, bus     [32]byte
	version       uint32
	whole, device uint32
	_             [3]uint32
}

type v4l2Control struct {
	id    uint32
	value int32
}

// node is a camera's device node.
type node struct {
	path string
	id   identity
}

// identity tells cameras apart, whatever numbers their nodes get.
type identity struct {
	bus  string // where it is plugged in: usb-0000:01:00.0-1.3
	card string // what it calls itself
	nth  int    // of the nodes of this camera: an infrared camera may be the second one
}

func ioctl(path string, request uintptr, arg unsafe.Pointer) error {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// cameras lists the nodes that give pictures, by number.
func cameras() (all []node) {
	paths, _ := filepath.Glob("/dev/video*") // its only error is a bad pattern
	paths = slices.DeleteFunc(paths, func(path string) bool { return !numbered.MatchString(path) })
	slices.SortFunc(paths, func(a, b string) int { return number(a) - number(b) })
	count := map[identity]int{}
	for _, path := range paths {
		var c v4l2Capability
		if ioctl(path, vidiocQueryCapability, unsafe.Pointer(&c)) != nil {
			continue // unplugged and still open, or not ours to open
		}
		can := c.whole
		if can&capDevice != 0 {
			can = c.device
		}
		if can&capVideoCapture == 0 || can&capM2M != 0 {
			continue
		}
		id := identity{bus: text(c.bus[:]), card: text(c.card[:])}
		nth := count[id]
		count[id]++
		id.nth = nth
		all = append(all, node{path: path, id: id})
	}
	return all
}

func text(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

// numbered is a node's name that the kernel gives in the order of plugging in. Names below
// /dev/v4l stay.
var numbered = regexp.MustCompile(`^/dev/video[0-9]+$`)

func number(path string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(path, "/dev/video"))
	return n
}

// finder finds a camera again after its node has got another number.
type finder struct {
	mine   node
	others []node // that were there beside it
}

// find returns the node to open for a configured path. It never returns another camera that was
// there beside the one that was opened before.
func (f *finder) find(path string, nodes []node) (string, error) {
	has := func(is func(node) bool) (string, bool) {
		i := slices.IndexFunc(nodes, is)
		if i < 0 {
			return "", false
		}
		return nodes[i].path, true
	}
	if !numbered.MatchString(path) {
		return path, nil
	}
	if f.mine.path != "" {
		if same, ok := has(func(n node) bool { return n == f.mine }); ok {
			return same, nil
		}
		if same, ok := has(func(n node) bool { return n.id == f.mine.id }); ok {
			return same, nil
		}
		isOther := func(n node) bool {
			return slices.ContainsFunc(f.others, func(other node) bool { return other.id == n.id })
		}
		if _, ok := has(func(n node) bool { return n.path == path && isOther(n) }); ok {
			return "", fmt.Errorf("open camera: %s is gone, and another camera has its number", f.mine.id.card)
		}
		nodes = slices.DeleteFunc(slices.Clone(nodes), isOther)
	}
	if configured, ok := has(func(n node) bool { return n.path == path }); ok {
		return configured, nil
	}
	if len(nodes) == 1 {
		return nodes[0].path, nil
	}
	return path, nil
}

// found remembers which camera was opened.
func (f *finder) found(path string, nodes []node) {
	f.mine, f.others = node{}, nil
	for _, n := range nodes {
		if n.path == path {
			f.mine = n
		} else {
			f.others = append(f.others, n)
		}
	}
}

// choice is a hint for whoever has to name a camera.
func choice(nodes []node) string {
	if len(nodes) == 0 {
		return "hint: no camera is plugged in"
	}
	var names []string
	for _, n := range nodes {
		names = append(names, fmt.Sprintf("%s (%s)", n.path, n.id.card))
	}
	return "hint: set camera.source to one of these cameras: " + strings.Join(names, ", ")
}

// setControl sets a control of the camera and returns the value that it has then.
func setControl(path string, id uint32, value int32) (now int32, err error) {
	c := v4l2Control{id: id, value: value}
	if err := ioctl(path, vidiocSetControl, unsafe.Pointer(&c)); err != nil {
		return 0, err
	}
	err = ioctl(path, vidiocGetControl, unsafe.Pointer(&c))
	return c.value, err
}
