package provision

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxFile bounds each file that is read, bytes.
const maxFile = 64 << 10

// Options say where everything is.
type Options struct {
	Boot  string // the boot partition
	State string // the state partition
	Root  string // the system to set up; only for "/" the kernel is told as well

	Keep []string // names of the files in State that a factory reset keeps

	CheckConfig func([]byte) error // validates the daemon's configuration
	Log         *slog.Logger
}

// Apply sets the system up and logs what failed. Running it again changes nothing.
func Apply(o Options) {
	report := func(what string, err error) {
		if err != nil {
			o.Log.Error(what, "error", err)
		}
	}
	report("reset the door to factory state", o.reset())
	w := o.gather()
	if w.hostName != "" {
		report("set the host name", o.setHostName(w.hostName))
	}
	if w.timeZone != "" {
		report("set the time zone", o.setTimeZone(w.timeZone))
	}
	report("switch on SSH", o.setSSH(w.keys))
	report("set up the Wi-Fi", o.setWiFi(w))
	report("set up the addresses", o.setLinks(w.links))
	report("set up 802.1X", o.setWired(w.wired))
	report("set up the proxy", o.setProxy(w.proxy, w.direct))
	report("copy the daemon's configuration", o.setConfig())
}

// Check reads the files as Apply does, and returns what is wrong in them. It changes nothing.
func Check(o Options) error {
	o.Log = slog.New(slog.DiscardHandler)
	w := o.gather()
	if w.wired != nil {
		_, err := o.wiredFiles(w.wired)
		w.fail(err)
	}
	return errors.Join(w.problems...)
}

// wishes are what the files ask for.
type wishes struct {
	hostName string
	timeZone string
	keys     []string
	country  string
	networks []network
	links    []link // at most one of a kind
	wired    *wired // nil: without 802.1X
	proxy    string // URL, or ""
	direct   string // hosts that are reached without it

	ignored  []string // keys that this image does not support
	problems []error  // values that are invalid
}

// fail notes a problem, if there is one.
func (w *wishes) fail(err error) {
	if err != nil {
		w.problems = append(w.problems, err)
	}
}

// source is a file on the card. The order of sources is their precedence.
type source struct {
	file string
	read func([]byte) wishes
}

var sources = []source{
	{"hostname", readHostName},
	{"authorized_keys", readKeys},
	{"user-data", readUserData},
	{"network-config", readNetworkConfig},
	{"proxy", readProxy},
}

// enrolledWiFi is the one file that the unprivileged daemon writes.
var enrolledWiFi = source{"ashyq-kiosk/wifi.json", readEnrolled}

func (o Options) gather() wishes {
	var all wishes
	for _, s := range sources {
		o.take(&all, o.Boot, s)
	}
	o.take(&all, o.State, enrolledWiFi)
	return all
}

// take adds what a file asks for.
func (o Options) take(all *wishes, dir string, s source) {
	path := filepath.Join(dir, s.file)
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		o.Log.Error("left out a file", "file", path, "error", err)
		all.fail(err)
		return
	}
	w := s.read(data)
	for _, err := range w.problems {
		o.Log.Error("left out a part of a file", "file", path, "error", err)
		all.fail(fmt.Errorf("%s: %w", s.file, err))
	}
	for _, what := range w.ignored {
		o.Log.Warn("ignored", "file", path, "what", what)
	}
	o.Log.Info("read", "file", path)
	all.add(w)
}

// add takes from w what is not set yet.
func (all *wishes) add(w wishes) {
	if all.hostName == "" {
		all.hostName = w.hostName
	}
	if all.timeZone == "" {
		all.timeZone = w.timeZone
	}
	if all.country == "" {
		all.country = w.country
	}
	if all.proxy == "" {
		all.proxy, all.direct = w.proxy, w.direct
	}
	if all.links == nil {
		all.links = w.links
	}
	if all.wired == nil {
		all.wired = w.wired
	}
	for _, key := range w.keys {
		if !slices.Contains(all.keys, key) {
			all.keys = append(all.keys, key)
		}
	}
	for _, n := range w.networks {
		if !slices.Contains(all.networks, n) {
			all.networks = append(all.networks, n)
		}
	}
}

// readFile reads a regular file. It follows no link and does not wait for a pipe: the daemon could
// make either.
func readFile(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%q is larger than %d KiB", path, maxFile>>10)
	}
	return data, nil
}

// setConfig replaces the daemon's configuration. An invalid one changes nothing: the door keeps the
// image's.
func (o Options) setConfig() error {
	from := filepath.Join(o.Boot, "ashyq-kiosk.toml")
	data, err := readFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := o.CheckConfig(data); err != nil {
		return fmt.Errorf("%q is invalid, the door runs without it: %w", from, err)
	}
	gid, err := o.groupID("ashyq-kiosk")
	if err != nil {
		return err
	}
	if err := o.place("etc/ashyq-kiosk/ashyq-kiosk.toml", data, 0o640, gid); err != nil {
		return err
	}
	o.Log.Info("copied the daemon's configuration", "file", from)
	return nil
}

// readHostName reads the file hostname.
func readHostName(data []byte) (w wishes) {
	w.askHostName(strings.TrimSpace(string(data)))
	return w
}
