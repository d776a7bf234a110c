package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// daemon is one of the real programs as a process.
type daemon struct {
	name, path, log string
	args            []string
}

// run starts the process and waits until it or ctx ends. When ctx ends, the process gets SIGTERM
// and 10 s.
func (d *daemon) run(ctx context.Context) error {
	log, err := os.Create(d.log)
	if err != nil {
		return fmt.Errorf("make the log of the %s: %w", d.name, err)
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, d.path, d.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	// Ctrl-C goes to the whole foreground group; the demo itself decides what ends first.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("start the %s: %w\nhint: `make build` makes %s", d.name, err, d.path)
	}
	tail, readErr := os.ReadFile(d.log)
	if readErr != nil {
		tail = nil
	}
	return fmt.Errorf("the %s ended: %v; its log says:\n%s", d.name, err, tail[max(0, len(tail)-2000):])
}

// waitFor asks url, the daemon's health, until it is in order.
func (d *daemon) waitFor(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		err := get(ctx, url)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the %s is not in order: %w\nhint: its log is %s", d.name, err, d.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	said, err := io.ReadAll(io.LimitReader(resp.Body, 200))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(said), "\n")
	return fmt.Errorf("%s says %q", url, first)
}
