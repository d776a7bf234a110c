package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ashyq-kiosk/kiosk/update"
)

// found is what a process without rights tells root of a stick: one JSON object, or nothing where
// the stick has no bundle.
type found struct {
	Bundle    string `json:"bundle"` // name, without its folder
	Version   string `json:"version"`
	Downgrade string `json:"downgrade,omitempty"`
}

type cardStickCmd struct {
	Dir string `arg:"" help:"Folder where the stick is mounted." type:"path" placeholder:"DIR"`
}

// Help is shown by --help.
func (cardStickCmd) Help() string {
	return "Prints as JSON the name of the one *.raucb in DIR and what it says of itself, if its signature is good; " +
		"nothing where there is no bundle. It needs no " +
		"rights but to read DIR, and should have no others: what is on a stick may be made by anybody."
}

func (c cardStickCmd) Run(e *env) error {
	bundle, err := onStick(c.Dir)
	if bundle == "" {
		return err
	}
	says, err := update.RAUC{}.Inspect(e.ctx, bundle)
	if err != nil {
		return err
	}
	return json.NewEncoder(e.out).Encode(found{filepath.Base(bundle), says.Version, says.Downgrade})
}

// onStick finds the bundle on a stick. "" without an error: there is no bundle, so the stick is
// about something else.
func onStick(dir string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "[^.]*.raucb")) // a Mac puts a hidden file beside each
	if err != nil || len(paths) == 0 {
		return "", err
	}
	if len(paths) > 1 {
		return "", fmt.Errorf("%d bundles in %q\nhint: leave the one that is to be installed", len(paths), dir)
	}
	return paths[0], nil
}

// maxFound bounds what card stick says, bytes. A name of FAT or exFAT has at most 255 characters.
const maxFound = 4096

// readFound reads what card stick printed; nil: it found no bundle. Whoever wrote it has read a
// stranger's stick.
func readFound(path string) (*found, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read what is on the stick: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFound+1))
	if err != nil {
		return nil, fmt.Errorf("read what is on the stick: %w", err)
	}
	if len(data) == 0 {
		return nil, nil
	}
	var f found
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&f); {
	case len(data) > maxFound:
		return nil, fmt.Errorf("read what is on the stick: it is longer than %d bytes", maxFound)
	case err != nil:
		return nil, fmt.Errorf("read what is on the stick: %w", err)
	case dec.More():
		return nil, fmt.Errorf("read what is on the stick: more than one bundle in %q", path)
	case f.Bundle != filepath.Base(f.Bundle) || strings.HasPrefix(f.Bundle, ".") || filepath.Ext(f.Bundle) != ".raucb":
		return nil, fmt.Errorf("read what is on the stick: %q is not the name of a bundle", f.Bundle)
	case f.Version == "":
		return nil, fmt.Errorf("read what is on the stick: %q has no version", f.Bundle)
	}
	return &f, nil
}
