package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/kiosk/task"
)

type cacheCmd struct {
	Verify cacheVerifyCmd `cmd:"" help:"Compare all of the status list on the card with its hashes. Exit code 1: damaged."`
	Stat   cacheStatCmd   `cmd:"" help:"Say how old and how large the status list on the card is, and what waits."`
	Export cacheExportCmd `cmd:"" help:"Write the status list into a file, for another card."`
	Import cacheImportCmd `cmd:"" help:"Take the status list from another card's file, once the registry's changes prove it."`
}

type cacheVerifyCmd struct{}

// Help is shown by --help.
func (cacheVerifyCmd) Help() string {
	return "The daemon may run: a copy of the file is checked, without a name in the folder for temporary files."
}

func (cacheVerifyCmd) Run(e *env) error {
	copied, err := copyCache(e)
	if err != nil {
		return err
	}
	state, err := copied.State()
	if err == nil {
		fmt.Fprintf(e.out, "%s, %s: everything is as it was written\n", editionOf(state), sectionsOf(state))
	}
	return errors.Join(err, copied.Close())
}

// copyCache copies the cache of the configuration. Its error says what to do.
func copyCache(e *env) (*cache.Copy, error) {
	cfg, err := loadConfig(e.config)
	if err != nil {
		return nil, err
	}
	copied, err := unlessEnded(e.ctx, func() (*cache.Copy, error) { return cache.CopyOf(cache.Path(cfg.StateDir)) })
	if errors.Is(err, cache.ErrDamaged) {
		return nil, fmt.Errorf("%w\nhint: the running door is right for now, it answers from memory; systemctl restart ashyq-kiosk "+
			"sets the file aside and loads the list again; if it happens once more, replace the card", err)
	}
	return copied, err
}

// unlessEnded gives up on f when ctx ends: from a pipe, or from a dying card, reading may never end.
func unlessEnded[T any](ctx context.Context, f func() (T, error)) (v T, err error) {
	type outcome struct {
		v   T
		err error
	}
	done := make(chan outcome, 1) // nobody waits for it when ctx has ended
	go func() {
		v, err := f()
		done <- outcome{v, err}
	}()
	select {
	case o := <-done:
		return o.v, o.err
	case <-ctx.Done():
		return v, fmt.Errorf("stopped while reading: %w", ctx.Err())
	}
}

func editionOf(state cache.State) string {
	if state.Version == 0 {
		return "no version yet"
	}
	return "version " + state.Edition().String()
}

func sectionsOf(state cache.State) string {
	if len(state.Sections) == 1 {
		return "1 section"
	}
	return fmt.Sprintf("%d sections", len(state.Sections))
}

type cacheStatCmd struct{}

// statNames are the statuses in words. An index that nobody has reads as blue.
var statNames = []struct {
	status statuslist.Status
	name   string
}{
	{statuslist.Red, "red"}, {statuslist.Yellow, "yellow"}, {statuslist.Green, "green"},
	{statuslist.Suspended, "suspended"}, {statuslist.Invalid, "revoked"}, {statuslist.Valid, "blue, or not given out"},
}

func (cacheStatCmd) Run(e *env) error {
	copied, err := copyCache(e)
	if err != nil {
		return err
	}
	defer copied.Close()
	state, err := copied.State()
	if err != nil {
		return err
	}
	stats, err := copied.Stats()
	if err != nil {
		return err
	}
	row := func(name, format string, args ...any) {
		fmt.Fprintf(e.out, "%-26s%s\n", name, fmt.Sprintf(format, args...))
	}
	row("on the card", "%s", editionOf(state))
	if state.Version != 0 {
		row("vouched for at", "%s, %v ago", state.AsOf.Format(time.RFC3339), time.Since(state.AsOf).Round(time.Second))
		row("list", "%s", state.List)
	}
	row("sections", "%d of %d entries", len(state.Sections), statuslist.SectionSize)
	for _, each := range statNames {
		row("  "+each.name, "%d", stats.Statuses[each.status])
	}
	row("file", "%.1f MB, %.1f MB of it free", float64(stats.Size)/1e6, float64(stats.Free)/1e6)
	row("sections being loaded", "%d", stats.Staged)
	row("reports that wait", "%d", stats.Reports)
	row("versions that wait", "%s", e.unwritten(state))
	return nil
}

// unwritten asks the running daemon how many versions are in force that the card does not have.
func (e *env) unwritten(state cache.State) string {
	cfg, err := loadConfig(e.config)
	if err != nil {
		return err.Error()
	}
	version, err := runningEdition(e.ctx, cfg)
	switch {
	case err != nil:
		return "unknown, no daemon answers"
	case version < state.Version:
		return "0"
	}
	return strconv.FormatUint(version-state.Version, 10)
}

func runningEdition(ctx context.Context, cfg *config.Config) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cfg.Screen.Listen+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(io.LimitReader(resp.Body, 1<<20)); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), "ashyq_data_version "); found {
			version, err := strconv.ParseFloat(value, 64)
			return uint64(max(0, version)), err // -1: no data
		}
	}
	return 0, errors.New("the daemon does not name its version of the list")
}

type cacheExportCmd struct {
	File string `arg:"" help:"File to write; it must not exist." type:"path" placeholder:"FILE"`
}

// Help is shown by --help.
func (cacheExportCmd) Help() string {
	return "The daemon may run. The file has everybody's status by index, as the card has: keep it as secret as the card. " +
		"Only its owner may read it."
}

func (c cacheExportCmd) Run(e *env) (err error) {
	copied, err := copyCache(e)
	if err != nil {
		return err
	}
	defer copied.Close()
	state, err := copied.State()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("export the list: %w", err)
	}
	if err := errors.Join(copied.Export(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	fmt.Fprintf(e.out, "%s, %s, in %q\nnote: it has everybody's status by index; delete it when the other card has it\n",
		editionOf(state), sectionsOf(state), c.File)
	return nil
}

type cacheImportCmd struct {
	File string `arg:"" help:"File that cache export has written, or - for standard input." placeholder:"FILE"`
}

// Help is shown by --help.
func (cacheImportCmd) Help() string {
	return "For an enrolled door that has no list yet and reaches the registry. It loads what has changed since the file " +
		"was written, instead of the whole list. Nothing in the file is trusted: the registry's newest change states the hash " +
		"of the whole list that it leads to. A door without a network takes an offline snapshot instead. Stop the daemon first, " +
		"and run this as its user: systemctl stop ashyq-kiosk; runuser -u ashyq-kiosk -- ashyq-kiosk cache import - <FILE"
}

func (c cacheImportCmd) Run(e *env) error {
	cfg, err := loadConfig(e.config)
	if err != nil {
		return err
	}
	if cfg.Registry.URL == "" || !isKnown(cfg) {
		return errors.New("import the list: the door is not enrolled, so nobody can prove the list\nhint: ashyq-kiosk enrol")
	}
	if err := ownState(cfg.StateDir); err != nil {
		return err
	}
	list, err := unlessEnded(e.ctx, c.read)
	switch {
	case err != nil && e.ctx.Err() != nil:
		return err
	case err != nil:
		return fmt.Errorf("%w\nhint: ashyq-kiosk cache export, on the other door, writes it", err)
	}
	store, err := cache.OpenState(cfg.StateDir, "", e.log)
	if err != nil {
		return err
	}
	result, err := bringList(e, cfg, store, list)
	switch {
	case errors.Is(err, replica.ErrUnproven):
		err = fmt.Errorf("%w\nhint: the file was altered; delete it, and let the door load the list from the registry", err)
	case errors.Is(err, replica.ErrUnfit):
		err = fmt.Errorf("%w\nhint: export it again, or let the door load the list from the registry", err)
	case err == nil:
		fmt.Fprintf(e.out, "version %d, proven by the registry; %d bytes were loaded\n", result.Version, result.Bytes)
	}
	return errors.Join(err, store.Close())
}

func (c cacheImportCmd) read() (cache.Export, error) {
	if c.File == "-" {
		return cache.ReadExport(os.Stdin)
	}
	file, err := os.Open(c.File)
	if err != nil {
		return cache.Export{}, fmt.Errorf("read the exported list: %w", err)
	}
	defer file.Close()
	return cache.ReadExport(file)
}

// ownState refuses to write files that the daemon could not open.
func ownState(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("import the list: %w", err)
	}
	owner := strconv.FormatUint(uint64(info.Sys().(*syscall.Stat_t).Uid), 10)
	if owner == strconv.Itoa(os.Geteuid()) {
		return nil
	}
	if known, err := user.LookupId(owner); err == nil {
		owner = known.Username
	}
	return fmt.Errorf("import the list: %q belongs to the user %q\nhint: runuser -u %[2]s -- ashyq-kiosk cache import - <FILE", dir, owner)
}

// bringList fetches the door's keys, and then what proves the list.
func bringList(e *env, cfg *config.Config, store *cache.Cache, list cache.Export) (replica.Result, error) {
	identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
	if err != nil {
		return replica.Result{}, err
	}
	remote, err := registryClient(cfg, identity)
	if err != nil {
		return replica.Result{}, err
	}
	defer remote.Close()
	ring := newRing(cfg, identity, e.log)
	envelope, err := remote.DoorKeys(e.ctx)
	if err != nil {
		return replica.Result{}, err
	}
	if _, err := ring.Put(envelope, true); err != nil {
		return replica.Result{}, err
	}
	return replica.New(replica.Options{
		Source: remote, Store: store, Keys: ring, Key: cfg.Registry.Key, Now: time.Now, Log: e.log,
		ClockSet: func() bool { return cfg.Clock.Always || task.KernelSynced() == nil },
	}).Import(e.ctx, list)
}
