package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/task"
)

// liar is a time server that is ahead by as much as it is told.
type liar struct {
	conn  net.PacketConn
	ahead atomic.Int64 // ns
}

func newLiar(t *testing.T, host string) *liar {
	t.Helper()
	conn, err := net.ListenPacket("udp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{conn: conn}
	done := make(chan struct{})
	go func() { defer close(done); l.serve() }()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return l
}

// serve answers as a server of stratum 1 (RFC 5905, figure 8), until the connection is closed.
func (l *liar) serve() {
	ask := make([]byte, 512)
	for {
		n, from, err := l.conn.ReadFrom(ask)
		if err != nil {
			return
		}
		if n < 48 {
			continue
		}
		now := time.Now().Add(time.Duration(l.ahead.Load()))
		// Since 1900, in this era or the next.
		stamp := uint64(now.Unix()+2_208_988_800)<<32 | uint64(now.Nanosecond())<<32/1e9
		answer := make([]byte, 48)
		answer[0], answer[1], answer[2], answer[3] = 4<<3|4, 1, ask[2], 0xec // version 4, server; precision 2^-20 s
		copy(answer[12:], "GPS\x00")
		copy(answer[24:32], ask[40:48])
		for _, at := range []int{16, 32, 40} {
			binary.BigEndian.PutUint64(answer[at:], stamp)
		}
		_, _ = l.conn.WriteTo(answer, from)
	}
}

const chronyd = "/usr/sbin/chronyd" // not in everybody's PATH

// chronyClient is a real chronyd that follows a server and does not touch this machine's clock
// (-x).
type chronyClient struct {
	*testing.T
	port string
}

func newChrony(t *testing.T, server *liar) chronyClient {
	t.Helper()
	port := freePort(t)
	startChrony(t, fmt.Sprintf("server 127.0.0.1 port %d %s\nport 0\ncmdport %s\nbindcmdaddress 127.0.0.1\n"+
		"makestep 1 -1\nmaxjitter 1e12\n", server.port(), often, port))
	return chronyClient{t, port}
}

// often makes chronyd decide within a second.
const often = "iburst minpoll -4 maxpoll -4 maxsamples 4"

func (l *liar) port() int { return l.conn.LocalAddr().(*net.UDPAddr).Port }

// freePort is one that is free for UDP and for TCP.
func freePort(t *testing.T) string {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	_, port, _ := net.SplitHostPort(udp.LocalAddr().String())
	return port
}

// startChrony starts a chronyd that does not touch this machine's clock (-x). stop ends it before
// the test does.
func startChrony(t *testing.T, conf string) (dir string, stop func()) {
	t.Helper()
	if _, err := os.Stat(chronyd); err != nil {
		t.Skipf("there is no %s: apt-get install chrony, which takes the place of another time daemon", chronyd)
	}
	dir, err := os.MkdirTemp(t.TempDir(), "") // for the owner only, as chronyd wants it
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "chrony.conf")
	conf = strings.ReplaceAll(conf, "@DIR@", dir) + "pidfile " + dir + "/pid\n"
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chronyd, "-x", "-d", "-U", "-u", userName(t), "-f", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	return dir, stop
}

func userName(t *testing.T) string {
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// offset is how far chronyd would have set the clock ahead; the error is that of a clock that it
// does not keep.
func (c chronyClient) offset() (time.Duration, error) {
	out, err := exec.Command("chronyc", "-h", "127.0.0.1", "-p", c.port, "-n", "-c", "tracking").Output()
	fields := strings.Split(strings.TrimSpace(string(out)), ",")
	if err != nil || len(fields) != 14 || fields[13] != "Normal" {
		return 0, task.ErrUnsynced
	}
	last, err := strconv.ParseFloat(fields[5], 64) // of the clock, so below 0 when the server is ahead
	if err != nil {
		c.Fatal(err)
	}
	return -time.Duration(last * float64(time.Second)), nil
}

// follow sets the door's clock as chronyd would, until it is what the test waits for.
func (c chronyClient) follow(d *clockDoor, what string, reached func(offset time.Duration, err error) bool) {
	c.Helper()
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		offset, err := c.offset()
		d.locked(func() {
			if d.synced = err; err == nil {
				d.skew = offset
			}
		})
		if reached(offset, err) {
			d.wait(2500 * time.Millisecond) // the door looks each second
			return
		}
	}
	c.Fatalf("chronyd never was %s", what)
}

func right(offset time.Duration, err error) bool { return err == nil && offset.Abs() < time.Second }

// TestChronyOnANetworkThatLies is TestOneWrongTick with a real chronyd, whose only server is 1024
// weeks ahead for a while; and a start with a battery clock that is years behind.
func TestChronyOnANetworkThatLies(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves a real chronyd, which takes a quarter of a minute, to make test")
	}
	t.Parallel() // it mostly waits
	server := newLiar(t, "127.0.0.1")
	c := newChrony(t, server)
	d := newRealClockDoor(t)
	d.locked(func() { d.synced = task.ErrUnsynced })
	d.manifest(1, time.Now())
	c.follow(d, "right", right)
	d.expect("in the beginning", true)

	server.ahead.Store(int64(wrongTick))
	c.follow(d, "wrong", func(offset time.Duration, err error) bool { return err == nil && offset > wrongTick/2 })
	server.ahead.Store(0)
	c.follow(d, "right again", right)
	d.expect("after the tick", false)
	d.refresh()
	d.wait(2500 * time.Millisecond)
	d.expect("when the registry has signed", true)

	d.locked(func() { d.synced = task.ErrUnsynced })
	d.powerCut(-26 * 365 * 24 * time.Hour)
	d.expect("with an old battery clock", false)
	c.follow(d, "right after the start", right)
	d.expect("when chronyd has set it", true)
}
