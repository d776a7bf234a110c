package update

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Slots installs and marks systems: RAUC, or a fake in tests.
type Slots interface {
	// Booted returns the boot name of the running slot, as "A".
	Booted(ctx context.Context) (string, error)
	// Inspect verifies a bundle's signature and returns what the bundle says of itself.
	Inspect(ctx context.Context, bundle string) (Bundle, error)
	// Install asks Admit, writes a bundle, a path or URL, into the other slot and makes that the
	// next to start.
	Install(ctx context.Context, bundle string) error
	// Mark marks the running slot.
	Mark(ctx context.Context, mark Mark) error
}

// Mark of a slot.
type Mark string

// Marks of slots.
const (
	MarkGood   Mark = "good"   // it gets its starts back
	MarkBad    Mark = "bad"    // U-Boot does not start it again
	MarkActive Mark = "active" // U-Boot starts it next
)

const (
	installLimit = 2 * time.Hour // too short for a full bundle over a 2G modem: use a stick there
	askLimit     = time.Minute
	maxAnswer    = 1 << 20
)

// RAUC calls the program rauc, version 1.8 or later.
type RAUC struct {
	Out io.Writer // where the progress of an installation goes
}

// Booted asks rauc.
func (r RAUC) Booted(ctx context.Context) (string, error) {
	data, err := r.ask(ctx, "status", "--output-format=json")
	if err != nil {
		return "", err
	}
	return bootedSlot(data)
}

// bootedSlot reads what "rauc status" says in JSON.
func bootedSlot(data []byte) (string, error) {
	var status struct {
		Slots []map[string]struct {
			BootName string `json:"bootname"`
			State    string `json:"state"`
		} `json:"slots"`
	}
	if err := json.Unmarshal(data, &status); err != nil {
		return "", fmt.Errorf("read the answer of rauc status: %w", err)
	}
	for _, entry := range status.Slots {
		for _, slot := range entry {
			if slot.State == "booted" && slot.BootName != "" {
				return slot.BootName, nil
			}
		}
	}
	return "", errors.New("rauc status names no running slot\nhint: the kernel's command line needs rauc.slot=A or " +
		"rauc.slot=B")
}

// Inspect asks rauc.
func (r RAUC) Inspect(ctx context.Context, bundle string) (Bundle, error) {
	data, err := r.ask(ctx, "info", "--output-format=json", bundle)
	if err != nil {
		return Bundle{}, err
	}
	var info struct {
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return Bundle{}, fmt.Errorf("read the answer of rauc info: %w", err)
	}
	return manifest(info.Version, info.Description)
}

// ReadManifest reads the manifest.raucm that lies beside the images in a bundle.
func ReadManifest(data []byte) (Bundle, error) {
	var section, version, description string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		key, value, assigned := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "["):
			section = line
		case !assigned || section != "[update]":
		case key == "version":
			version = value
		case key == "description":
			description = value
		}
	}
	return manifest(version, description)
}

// downgradeFrom begins the description of a bundle that brings an older version. Not a [meta.*]
// section, where such things belong: RAUC before 1.9, as in Debian 12, leaves those out of the
// bundles that it makes.
const downgradeFrom = "downgrade from "

func manifest(version, description string) (Bundle, error) {
	if version == "" {
		return Bundle{}, errors.New("the bundle does not say its version")
	}
	b := Bundle{Version: version}
	if from, ok := strings.CutPrefix(description, downgradeFrom); ok {
		b.Downgrade = from
	}
	return b, nil
}

// Install runs rauc and passes its output on.
func (r RAUC) Install(ctx context.Context, bundle string) error {
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	cmd := command(ctx, "install", bundle)
	cmd.Stdout, cmd.Stderr = r.Out, r.Out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("install %q: %w", bundle, ended(ctx, err))
	}
	return nil
}

// Mark tells rauc.
func (r RAUC) Mark(ctx context.Context, mark Mark) error {
	_, err := r.ask(ctx, "status", "mark-"+string(mark), "booted")
	return err
}

func (r RAUC) ask(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var out, problems bytes.Buffer
	cmd := command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("rauc %s: %w: %s", strings.Join(args, " "), ended(ctx, err), lastLine(problems.String()))
	}
	if out.Len() > maxAnswer {
		return nil, fmt.Errorf("rauc %s: the answer has %d bytes, at most %d are read", strings.Join(args, " "),
			out.Len(), maxAnswer)
	}
	return out.Bytes(), nil
}

func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "rauc", args...)
	cmd.WaitDelay = 5 * time.Second // for children that keep the pipes open
	return cmd
}

// ended returns the context's error instead of the "signal: killed" that a deadline causes.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
