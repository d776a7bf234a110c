// Command ashyq-demo runs the whole system on one machine, for people who want to see it: the
// registry on its embedded store, a door with simulated pins, and a presenter that draws people who
// walk up to the door with their phones. The pictures are an MJPEG stream, which the kiosk opens
// like any network camera. The door is enrolled as a real one: by a code held to its camera or put
// on its card. Around it, a country of eight regions is made, whose day goes on in the overview.
// Neither kiosk nor registry knows that this is a demo.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"ashyq-kiosk/kiosk"
)

type cli struct {
	Camera   string        `help:"Look through this camera (/dev/video0, http://...) instead of at the drawn people." placeholder:"SOURCE"`
	Venue    string        `help:"Kind of venue at the door, as shop, cinema or pharmacy. A wrong one lists them all." default:"shop" placeholder:"KIND"`
	Registry string        `help:"Address for the registry's pages." default:"127.0.0.1:8080"`
	Doors    string        `help:"Address at which the door reaches the registry." default:"127.0.0.1:8443"`
	Screen   string        `help:"Address for the door's screen." default:"127.0.0.1:8081"`
	Bin      string        `help:"Folder of ashyq-kiosk and ashyq-registry. Default: beside this program." type:"path" placeholder:"DIR"`
	Dir      string        `help:"Folder for the demo's data. Default: a new one, in memory where there is room, that is removed at the end." type:"path" placeholder:"DIR"`
	For      time.Duration `help:"End by itself after so long; 0 runs until Ctrl-C." default:"0"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := mainCode(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// mainCode returns the exit code: 0 done, 1 failed, 2 called wrongly.
func mainCode(ctx context.Context, args []string, in io.Reader, out *os.File, errOut io.Writer) int {
	var c cli
	parser := kong.Must(&c, kong.Name("ashyq-demo"), kong.Writers(out, errOut),
		kong.Description("Runs registry, door and a queue of drawn people on this machine."))
	_, err := parser.Parse(args)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		fmt.Fprintf(errOut, "ashyq-demo: %v\nhint: see ashyq-demo --help\n", err)
		return 2
	}
	if err := run(ctx, c, in, out); err != nil {
		fmt.Fprintf(errOut, "ashyq-demo: %v\n", err)
		return 1
	}
	return 0
}

// check finds what is wrong before anything is started.
func (c *cli) check() error {
	if _, err := kiosk.ParseVenue(c.Venue); err != nil {
		return fmt.Errorf("--venue: %w", err)
	}
	for name, address := range map[string]string{"registry": c.Registry, "doors": c.Doors, "screen": c.Screen} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("--%s: %q is not an address like 127.0.0.1:8080", name, address)
		}
	}
	return nil
}

func run(ctx context.Context, c cli, in io.Reader, out *os.File) (err error) {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	if c.Dir == "" {
		if c.Dir, err = temporary(); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
		defer os.RemoveAll(c.Dir)
	}
	if err := c.prepare(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	defer func() {
		if err != nil {
			stop() // what has been started
		}
		if waited := group.Wait(); waited != nil {
			err = waited // the cause; a wait that fails only sees that a program is gone
		}
	}()

	fmt.Fprintln(out, "Starting the registry ...")
	town, err := startRegistry(ctx, c, group, out)
	if err != nil {
		return err
	}
	var show *presenter
	camera := c.Camera
	if camera == "" {
		show = newPresenter()
		if camera, err = show.listen(ctx, group); err != nil {
			return err
		}
	}
	l := &light{out: out, live: term.IsTerminal(int(out.Fd())), show: show, on: map[string]bool{}}
	around := &country{town: town, data: filepath.Join(c.Dir, "registry"), dir: c.Dir}
	group.Go(func() error { return around.run(ctx, l.say) })
	trace := filepath.Join(c.Dir, "pins.tsv")
	if err := startDoor(ctx, c, group, town, show, camera, trace, out); err != nil {
		return err
	}
	if show != nil {
		show.invite(town.visitors()...)
	}
	welcome(out, c, town, camera)
	group.Go(func() error { return l.follow(ctx, trace) })
	go listen(ctx, in, town, l)
	return nil
}

// memory is where Linux keeps files that are in memory alone.
const memory, enough = "/dev/shm", 512 << 20 // bytes; an hour of the demo takes a tenth of them

// temporary makes a folder, in memory where there is room: a registry waits for its disk with each
// of the thousands of changes that make a country.
func temporary() (string, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(memory, &disk); err == nil && disk.Bavail > enough/uint64(disk.Bsize) {
		if dir, err := os.MkdirTemp(memory, "ashyq-demo-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "ashyq-demo-")
}

// prepare fills in what the command line left open.
func (c *cli) prepare() (err error) {
	if c.Bin == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program's folder: %w", err)
		}
		c.Bin = filepath.Dir(self)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	for _, address := range []*string{&c.Registry, &c.Doors, &c.Screen} {
		if *address, err = freeAddress(*address); err != nil {
			return err
		}
	}
	return nil
}

// startRegistry starts the registry and registers everybody of the demo.
func startRegistry(ctx context.Context, c cli, group *errgroup.Group, out io.Writer) (*town, error) {
	url := "http://" + c.Registry
	registry := &daemon{name: "registry", path: filepath.Join(c.Bin, "ashyq-registry"), log: filepath.Join(c.Dir, "registry.log"),
		args: []string{"serve", "--data", filepath.Join(c.Dir, "registry"), "--listen", c.Registry, "--public-url", url,
			"--doors-listen", c.Doors, "--doors-url", "https://" + c.Doors,
			"--silent-after", silentAfter.String(), "--demo-anybody-gets-any-pass"}} // codes are on the page
	group.Go(func() error { return registry.run(ctx) })
	if err := registry.waitFor(ctx, url+"/healthz"); err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "Registering four people, a laboratory and the Covid-19 centre ...")
	return settle(ctx, url, filepath.Join(c.Dir, "registry", "admin.key"), c.Venue)
}

// startDoor starts the door and enrols it: by its camera if show draws that, or by its card.
func startDoor(
	ctx context.Context, c cli, group *errgroup.Group, town *town, show *presenter, camera, trace string,
	out io.Writer,
) error {
	file, err := writeConfig(c.Dir, camera, trace, c.Screen)
	if err != nil {
		return err
	}
	if show != nil {
		fmt.Fprintln(out, "Starting the door and holding its enrolment code to its camera ...")
		show.invite(visitor{"the technician", func(time.Time) (string, error) { return town.door, nil }})
	} else {
		fmt.Fprintln(out, "Starting the door with its enrolment code on its card ...")
		if err := putOnCard(c.Dir, town.door); err != nil {
			return err
		}
	}
	kiosk := &daemon{name: "kiosk", path: filepath.Join(c.Bin, "ashyq-kiosk"), log: filepath.Join(c.Dir, "kiosk.log"), args: []string{"run", "--config", file}}
	group.Go(func() error { return kiosk.run(ctx) })
	return kiosk.waitFor(ctx, "http://"+c.Screen+"/healthz")
}

func welcome(out io.Writer, c cli, t *town, camera string) {
	fmt.Fprintf(out, `
  the door's screen    http://%s/
  citizen's page       %s
  laboratory's page    %s
  registry's admin     %s
  printed pass         %s
  camera               %s
  logs                 %s

`, c.Screen, t.citizenURL, t.labURL, t.adminURL, t.paperURL, camera, filepath.Join(c.Dir, "*.log"))
	if c.Camera == "" {
		for i, p := range t.people {
			fmt.Fprintf(out, "  %d  %-8s %s  %s\n", i+1, p.name, p.iin, p.story)
		}
		fmt.Fprintf(out, "\n  Type a number and Enter: the laboratory finds that person positive, and the next presentation is red.\n\n")
		return
	}
	fmt.Fprintf(out, "  Open the citizen's page on another screen, or print a pass, and hold it to the camera.\n\n")
}

// listen reads the numbers of people whom the laboratory finds positive.
func listen(ctx context.Context, in io.Reader, t *town, l *light) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		n, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil || n < 1 || n > len(t.people) {
			l.say(fmt.Sprintf("type 1 to %d", len(t.people)))
			continue
		}
		p := t.people[n-1]
		if err := t.result(ctx, p, "positive", time.Now()); err != nil {
			l.say("the laboratory's result was refused: " + err.Error())
			continue
		}
		l.say("the laboratory posted a positive result for " + p.name)
	}
}

// freeAddress keeps the wanted address, or takes another port where that one is in use.
func freeAddress(want string) (string, error) {
	listener, err := net.Listen("tcp", want)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, _, splitErr := net.SplitHostPort(want)
		if splitErr != nil {
			return "", splitErr
		}
		listener, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return "", fmt.Errorf("listen at %q: %w", want, err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
