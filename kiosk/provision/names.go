package provision

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

var (
	hostNameForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`) // a label, RFC 1123 section 2.1
	timeZoneForm = regexp.MustCompile(`^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}$`)
)

func (w *wishes) askHostName(name string) {
	switch {
	case name == "":
	case !hostNameForm.MatchString(name):
		w.fail(fmt.Errorf("host name %q, want at most 63 letters, digits and hyphens, without dots", name))
	default:
		w.hostName = strings.ToLower(name)
	}
}

func (w *wishes) askTimeZone(name string) {
	switch {
	case name == "":
	case !timeZoneForm.MatchString(name):
		w.fail(fmt.Errorf("time zone %q, want one as Asia/Almaty", name))
	default:
		w.timeZone = name
	}
}

// hostsAddress is the address of the host's own name in Debian's /etc/hosts.
const hostsAddress = "127.0.1.1"

func (o Options) setHostName(name string) error {
	if err := o.place("etc/hostname", []byte(name+"\n"), 0o644, keepGroup); err != nil {
		return err
	}
	hosts, err := os.ReadFile(filepath.Join(o.Root, "etc/hosts"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := o.place("etc/hosts", withHost(hosts, name), 0o644, keepGroup); err != nil {
		return err
	}
	if o.Root == "/" {
		if err := unix.Sethostname([]byte(name)); err != nil {
			return fmt.Errorf("tell the kernel: %w", err)
		}
	}
	o.Log.Info("set the host name", "name", name)
	return nil
}

// withHost replaces or adds the host's own line.
func withHost(hosts []byte, name string) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(hosts) {
		if fields := bytes.Fields(line); len(fields) > 0 && string(fields[0]) == hostsAddress {
			continue
		}
		out.Write(bytes.TrimRight(line, "\n"))
		out.WriteByte('\n')
	}
	fmt.Fprintf(&out, "%s\t%s\n", hostsAddress, name)
	return out.Bytes()
}

const zoneDir = "/usr/share/zoneinfo"

func (o Options) setTimeZone(name string) error {
	zone, err := os.Open(filepath.Join(o.Root, zoneDir, name))
	if err != nil {
		return fmt.Errorf("this system has no time zone %q: %w", name, err)
	}
	defer zone.Close()
	magic := make([]byte, 4)
	if _, err := zone.Read(magic); err != nil || string(magic) != "TZif" { // RFC 9636 section 3.1
		return fmt.Errorf("this system has no time zone %q: that file holds something else", name)
	}
	link := filepath.Join(o.Root, "etc/localtime")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	if err := renameio.Symlink(filepath.Join(zoneDir, name), link); err != nil {
		return err
	}
	o.Log.Info("set the time zone", "zone", name)
	return nil
}
