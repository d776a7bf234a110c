package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// daemon is one of the real programs as a process.
type daemon struct {
	name, path, log string
	args            []string
}

// run starts the process and waits until it or ctx ends. With ctx it is asked to end (SIGTERM) and given 10 s.
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
	// Ctrl-C goes to the whole foreground group; the demo alone decides the order of the end.
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

// waitFor asks url until it answers.
func (d *daemon) waitFor(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the %s does not answer at %s: %w", d.name, url, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
