// Command ashyq-kiosk is the door: camera, verdict, lights.
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
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/doctor"
	"ashyq-kiosk/scanner"
)

// Set by the linker.
var (
	version = "unknown"
	built   = "" // RFC 3339; the clock is never before it
)

type cli struct {
	Config  string           `help:"Configuration file." default:"/etc/ashyq-kiosk/ashyq-kiosk.toml" type:"path" placeholder:"FILE"`
	Verbose bool             `help:"Log what is only of interest while looking for a fault." short:"v"`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Run      runCmd      `cmd:"" default:"1" help:"Watch the door until SIGTERM (the default)."`
	Enrol    enrolCmd    `cmd:"" help:"Make this door one of a registry's, with a one-time code."`
	Doctor   doctorCmd   `cmd:"" help:"Check configuration, clock, state, panel, camera, network, registry and enrolment, and say what to do."`
	Status   statusCmd   `cmd:"" help:"Ask the running daemon how it is. Exit code 1: not well."`
	LampTest lampTestCmd `cmd:"" help:"Switch on each lamp and the buzzer, one after the other. The relay stays closed."`
	Patterns patternsCmd `cmd:"" help:"Print the table of lights, beeps and relay with the configuration's changes."`
	Decode   decodeCmd   `cmd:"" help:"Read the QR codes in pictures and videos."`
	Card     cardCmd     `cmd:"" help:"What the card image does as root when it starts."`
	Update   updateCmd   `cmd:"" help:"Bring the card image to the version that the registry wants, or to a bundle. As root."`
	Confirm  confirmCmd  `cmd:"" help:"Test the card image after it has started, and go back to the old one where a new one fails. As root."`
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
	Language string `help:"Say what is checked and what is missing in plain words: kk, ru or en." enum:",kk,ru,en" default:"" placeholder:"LANG"`
}

func (d doctorCmd) Run(e *env) error {
	words := func(id string) (name, missing string) {
		name, missing, _ = display.CheckWords(id, d.Language)
		return name, missing
	}
	if failed := doctor.Run(e.ctx, e.out, words, checks(e.config)); failed > 0 {
		return fmt.Errorf("%d of the checks failed; begin with the first ✗", failed)
	}
	return nil
}

type statusCmd struct{}

func (statusCmd) Run(e *env) error {
	cfg, err := config.Load(e.config)
	if err != nil {
		return err
	}
	text, err := askHealth(e.ctx, cfg.Screen.Listen)
	fmt.Fprint(e.out, text)
	return err
}

// askHealth asks the daemon on this machine for /healthz. The error says that it is not there or not well.
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
		return string(body), errors.New("the door is not well")
	}
	return string(body), nil
}

type lampTestCmd struct{}

func (lampTestCmd) Run(e *env) error {
	cfg, err := config.Load(e.config)
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
	cfg, err := config.Load(e.config)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(e.out, cfg.Patterns)
	return err
}

type decodeCmd struct {
	List string `arg:"" help:"File with one path of a picture or video a line; - is the standard input." placeholder:"LIST"`
}

// Help is shown by --help.
func (decodeCmd) Help() string {
	return "Prints PATH, CPU milliseconds and the text in hexadecimal or NONE, separated by tabs; for videos PATH, frame (from 0), " +
		"CPU milliseconds, text. Reading the file is not part of the time."
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

// mainCode returns the exit code: 0 done, 1 it failed, 2 it was called wrongly; an error may have another one of its own.
func mainCode(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser := kong.Must(&c,
		kong.Name("ashyq-kiosk"),
		kong.Description("Reads the pass that a citizen holds to the camera and shows at the door whether the way is open."),
		kong.Vars{"version": "ashyq-kiosk " + version},
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
	)
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help and --version print and leave
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

// logger writes text lines; under systemd the journal stamps the time.
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
