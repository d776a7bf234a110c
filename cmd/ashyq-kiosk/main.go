// Command ashyq-kiosk runs a door: camera, verdict, lights.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the rules name a time zone, and a minimal image has no zone files

	"github.com/alecthomas/kong"

	"ashyq-kiosk/display"
	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk/doctor"
	"ashyq-kiosk/scanner"
)

// Set by the linker.
var (
	version = "unknown"
	built   = "" // RFC 3339; the right time is not before it
)

type cli struct {
	Config  string           `help:"Configuration file. (${default})" default:"/etc/ashyq-kiosk/ashyq-kiosk.toml" type:"path" placeholder:"FILE"`
	Verbose bool             `help:"Also log the details that help to find a fault." short:"v"`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Run      runCmd      `cmd:"" default:"1" help:"Watch the door until SIGTERM (the default)."`
	Enrol    enrolCmd    `cmd:"" help:"Enrol this door at a registry with a one-time code."`
	Doctor   doctorCmd   `cmd:"" help:"Check all parts of the door, network and registry too, and say what to do."`
	Status   statusCmd   `cmd:"" help:"Ask the running daemon for its state. Exit code 1: unhealthy."`
	LampTest lampTestCmd `cmd:"" help:"Switch on each lamp and the buzzer, one after the other, and never the relay. Stop the daemon first: systemctl stop ashyq-kiosk."`
	Patterns patternsCmd `cmd:"" help:"Print the table of lights, beeps and relay, with the changes of the configuration."`
	Decode   decodeCmd   `cmd:"" help:"Read the QR codes in pictures and videos."`
	Cache    cacheCmd    `cmd:"" help:"Verify, measure or move the status list on the card."`
	Clock    clockCmd    `cmd:"" help:"Ask chronyd whether this machine's time is signed (NTS), and tell the daemon."`
	Card     cardCmd     `cmd:"" help:"Commands that the card image runs by itself."`
	Update   updateCmd   `cmd:"" help:"Install the version of the card image that the registry wants, or a bundle. Needs root."`
	Confirm  confirmCmd  `cmd:"" help:"Test the card image after it has started. If a new image fails, go back to the old one. Needs root."`
}

// env is the outside world as values.
type env struct {
	ctx    context.Context
	out    io.Writer
	log    *slog.Logger
	config string
}

type runCmd struct{}

func (runCmd) Run(e *env) error { return runAgain(e.ctx, e.config, e.log) }

type doctorCmd struct {
	Language string `help:"Name the checks and what is missing in plain words: kk, ru or en." enum:",kk,ru,en" default:"" placeholder:"LANG"`
}

func (d doctorCmd) Run(e *env) error {
	words := func(id string) (name, missing string) {
		name, missing, _ = display.CheckWords(id, d.Language)
		return name, missing
	}
	switch failed := doctor.Run(e.ctx, e.out, words, checks(e.config)); failed {
	case 0:
		return nil
	case 1:
		return errors.New("1 check failed\nhint: it is the line with ✗")
	default:
		return fmt.Errorf("%d checks failed\nhint: begin with the first ✗", failed)
	}
}

type statusCmd struct{}

func (statusCmd) Run(e *env) error {
	cfg, err := loadConfig(e.config)
	if err != nil {
		return err
	}
	text, err := askHealth(e.ctx, cfg.Screen.Listen)
	fmt.Fprint(e.out, text)
	return err
}

// askHealth gets /healthz from the daemon on this machine. The text is empty if no daemon answers;
// the error says that, or that the door is not healthy.
func askHealth(ctx context.Context, listen string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+"/healthz", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the daemon at %q: %w\nhint: is it running? systemctl status ashyq-kiosk", listen, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return "", fmt.Errorf("read the daemon's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return string(body), errors.New("the door is not healthy")
	}
	return string(body), nil
}

type lampTestCmd struct{}

func (lampTestCmd) Run(e *env) error {
	cfg, err := loadConfig(e.config)
	if err != nil {
		return err
	}
	pins, closer, err := hardware.OpenPins(cfg.Hardware)
	if err != nil {
		return err
	}
	err = hardware.LampTest(e.ctx, pins, func(part string) { fmt.Fprintln(e.out, part) })
	return errors.Join(err, closer.Close())
}

type patternsCmd struct{}

func (patternsCmd) Run(e *env) error {
	cfg, err := loadConfig(e.config)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(e.out, cfg.Patterns)
	return err
}

type decodeCmd struct {
	List string `arg:"" help:"File with the path of one picture or video per line; - is standard input." placeholder:"LIST"`
}

// Help is shown by --help.
func (decodeCmd) Help() string {
	return "For each picture, prints PATH, CPU milliseconds and the text in hexadecimal or NONE, separated by tabs. " +
		"For each frame of a video, prints PATH, frame (from 0), CPU milliseconds and text. The time does not include reading the file."
}

func (d decodeCmd) Run(e *env) error {
	if d.List == "-" {
		return scanner.DecodeList(os.Stdin, e.out)
	}
	list, err := os.Open(d.List)
	if err != nil {
		return fmt.Errorf("open the list: %w", err)
	}
	defer list.Close()
	return scanner.DecodeList(list, e.out)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(mainCode(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// mainCode returns the exit code: 0 done, 1 failed, 2 called wrongly; an error may have its own.
func mainCode(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser := kong.Must(&c,
		kong.Name("ashyq-kiosk"),
		kong.Description("Reads the pass that a citizen holds up to the camera and shows whether the person may enter."),
		kong.Vars{"version": "ashyq-kiosk " + version, "signed": signedWord},
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
	)
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help and --version have printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "ashyq-kiosk: %v\nhint: see ashyq-kiosk --help\n", err)
		return 2
	}
	e := &env{ctx: ctx, out: out, log: logger(errOut, c.Verbose), config: c.Config}
	if err := parsed.Run(e); err != nil {
		fmt.Fprintf(errOut, "ashyq-kiosk: %v\n", err)
		if own, ok := errors.AsType[interface {
			error
			ExitCode() int
		}](err); ok {
			return own.ExitCode()
		}
		return 1
	}
	return 0
}

// logger writes text lines, without the time under systemd, whose journal has it.
func logger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	underSystemd := os.Getenv("JOURNAL_STREAM") != ""
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case underSystemd && a.Key == slog.TimeKey && len(groups) == 0:
			return slog.Attr{}
		case a.Value.Kind() == slog.KindAny:
			if err, ok := a.Value.Any().(error); ok {
				return slog.String(a.Key, strings.ReplaceAll(err.Error(), "\n", "; "))
			}
		}
		return a
	}}))
}
