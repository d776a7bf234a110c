// Command ashyq-registry is the registry: it takes laboratories' results and the Covid-19 centre's
// contacts, derives each citizen's colour, issues passes, and publishes the status list that doors
// follow.
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// version is set by the linker.
var version = "devel"

type cli struct {
	Init            initCmd          `cmd:"" help:"Make the keys and the database of a new registry."`
	Serve           serveCmd         `cmd:"" help:"Run the registry. In an empty data directory it first does what init does."`
	Backup          backupCmd        `cmd:"" help:"Write all that this registry is, keys and database, into one file, while the registry runs."`
	Restore         restoreCmd       `cmd:"" help:"Make a registry from a backup, in an empty data directory and an empty database."`
	Load            loadCmd          `cmd:"" help:"Take people or venues out of a CSV file, while the registry runs."`
	Key             keyCmd           `cmd:"" help:"Print the registry's public key: what a door needs to trust it."`
	ListKeys        listKeysCmd      `cmd:"" help:"Print the keys with which the list is sealed for doors: whoever has one reads everybody's status by index."`
	OfflineSnapshot snapshotCmd      `cmd:"" help:"Write what a door with an empty cache needs to a directory, for cards and sticks: doors then know the list without a network."`
	Export          exportCmd        `cmd:"" help:"Keep a mirror of the list for doors: plain files that any web server can serve. It runs on any machine, with no secret of the registry."`
	Version         kong.VersionFlag `help:"Print the version and exit."`
}

// Level implements slog.Leveler for the command that runs.
func (c *cli) Level() slog.Level {
	if c.Serve.Verbose || c.Export.Verbose {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

const description = `The registry of Ashyq: colours of citizens, passes, and the signed status list that doors follow.

Everything but starting it goes through its HTTP interface, with the administrator's key in DIR/admin.key: citizens,
sources, rules, one-time codes for doors, releases of updates. The page /admin leads to the forms for all that.`

// dataFlag names the registry's directory.
type dataFlag struct {
	Data string `required:"" placeholder:"DIR" env:"ASHYQ_DATA" help:"Directory of the keys and, unless --database says otherwise, of the database. Back it up: doors trust only the keys in it."`
}

// databaseFlag names its database.
type databaseFlag struct {
	Database string `placeholder:"URL" env:"ASHYQ_DATABASE" help:"PostgreSQL, as postgres://user@host/name, instead of the SQLite file in DIR. In the environment its password is hidden from other users."`
}

// Validate refuses what would be taken for the name of an SQLite file.
func (f *databaseFlag) Validate() error {
	if strings.Contains(f.Database, "://") && !store.IsPostgres(f.Database) {
		return fmt.Errorf("%q is not PostgreSQL: write postgres://user@host/name, or leave it out for SQLite", f.Database)
	}
	return nil
}

func main() {
	syscall.Umask(0o077) // no other user may read what this program writes
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usage is an error in how the program was called: exit code 2.
type usage struct{ error }

// run is the program: 0, 1 after a failure, 2 after wrong use.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("ashyq-registry"), kong.Description(description),
		kong.Vars{"version": version, "doors": defaultDoors},
		kong.Writers(stdout, stderr), kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.Bind(newLog(stderr, &c)))
	if err != nil {
		panic("ashyq-registry: command line: " + err.Error())
	}
	call, err := parser.Parse(args)
	if err != nil {
		err = usage{err}
	} else {
		err = call.Run()
	}
	if err == nil {
		return 0
	}
	err = withHint(err)
	fmt.Fprintln(stderr, "ashyq-registry:", err)
	if _, wrong := errors.AsType[usage](err); !wrong {
		return 1
	}
	if !strings.Contains(err.Error(), "\nhint: ") {
		fmt.Fprintln(stderr, "hint: ashyq-registry --help shows the commands, ashyq-registry COMMAND --help their options")
	}
	return 2
}

// withHint adds what helps where another registry does not answer.
func withHint(err error) error {
	hint := ""
	if failed, ok := errors.AsType[*api.CallError](err); ok {
		hint = strings.ReplaceAll(failed.Hint, "the door's", "this machine's")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		hint = "--ca names the certificate of its authority: ca.pem in the registry's data directory"
	}
	if hint == "" || strings.Contains(err.Error(), "\nhint: ") {
		return err
	}
	return fmt.Errorf("%w\nhint: %s", err, hint)
}

// newLog writes lines for people, without the time where the journal adds its own.
func newLog(w io.Writer, c *cli) *slog.Logger {
	options := &slog.HandlerOptions{Level: c}
	if os.Getenv("JOURNAL_STREAM") != "" {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(w, options))
}
