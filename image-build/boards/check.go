package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// card names the files that the image build has put together.
type card struct {
	variant, boards, exceptions                 string
	kernel, modules, initrd, root, trees, uboot string
	firmwareDir                                 string // an administrator's, or ""
	overlaid                                    bool
}

// served says what serves a board's devices.
type served struct {
	*kernel
	onCard, inInitrd map[string]string // a module's name and file
	exceptions       exceptions
}

func (c *card) check() (*found, error) {
	boards, err := readBoards(c.boards, c.variant)
	if err != nil {
		return nil, err
	}
	s := served{}
	if s.exceptions, err = readExceptions(c.exceptions, c.variant, c.overlaid); err != nil {
		return nil, err
	}
	if s.kernel, err = readKernel(c.kernel, filepath.Join(c.modules, "modules.alias")); err != nil {
		return nil, err
	}
	if s.onCard, err = modulesIn(filepath.Join(c.root, "usr/lib/modules")); err != nil {
		return nil, err
	}
	if s.inInitrd, err = modulesIn(c.initrd); err != nil {
		return nil, err
	}
	loader, err := os.ReadFile(c.uboot)
	if err != nil {
		return nil, fmt.Errorf("read the boot loader: %w", err)
	}
	f := &found{boards: len(boards)}
	for _, b := range boards {
		if !bytes.Contains(loader, []byte("broadcom/"+b.asked+".dtb\x00")) {
			f.complain("%s: the boot loader asks for no tree %q: the table %q is wrong", b.name, b.asked, c.boards)
		}
		t, err := readTree(filepath.Join(c.trees, "broadcom", b.asked+".dtb"))
		if errors.Is(err, fs.ErrNotExist) {
			f.complain("%s: the boot loader asks for %q, which the slot lacks", b.name, b.asked+".dtb")
			continue
		}
		if err != nil {
			return nil, err
		}
		s.board(f, b.name, t)
	}
	names, err := s.wanted()
	if err != nil {
		return nil, err
	}
	if err := s.firmware(f, filepath.Join(c.root, "usr/lib/firmware"), names); err != nil {
		return nil, err
	}
	s.exceptions.unused(f, c.firmwareDir != "")
	return f, nil
}

// board checks each device of a board.
func (s *served) board(f *found, name string, t *tree) {
	cards, radios := t.hosts()
	start := t.alias("mmc0")
	if !slices.Contains(cards, start) {
		f.complain("%s: mmc0, from which the boot loader reads, is %q; cards are at %q", name, start, cards)
		if len(cards) == 0 {
			return
		}
		start = cards[0]
	}
	if len(radios) > 0 && t.alias("mmc1") != radios[0] {
		f.complain("%s: mmc1 is %q, the radio is at %q", name, t.alias("mmc1"), radios[0])
	}
	needed := t.needs(start)
	for _, d := range t.devices() {
		f.nodes++
		if why := s.lacks(d, needed[d.path]); why != "" {
			f.complain("%s: %s (%s): %s", name, d.path, strings.Join(d.compatible, " "), why)
		}
	}
}

// unused complains about exceptions that nothing needed; extra names what they allow to be there.
func (e exceptions) unused(f *found, extra bool) {
	for _, x := range e {
		if !x.used && !(extra && x.kind == "firmware") {
			f.complain("exception %s %s %s: nothing needs it any more", x.kind, x.variant, x.pattern)
		}
		f.exceptions++
	}
}

// lacks says why a device is not served; "" if it is.
func (s *served) lacks(d device, start bool) string {
	builtin, modules := s.driver(d.compatible)
	on := func(files map[string]string) bool {
		return slices.ContainsFunc(modules, func(m string) bool { return files[m] != "" })
	}
	switch {
	case builtin, start && on(s.inInitrd), !start && on(s.onCard):
		return ""
	case s.excepted(d):
		return ""
	case len(modules) == 0:
		return "this kernel has no driver"
	case start:
		return fmt.Sprintf("the card cannot be read before module %q is loaded, which the initrd lacks", modules)
	}
	return fmt.Sprintf("module %q is not on the card", modules)
}

// excepted looks for an exception for a device, and for the module that it may name.
func (s *served) excepted(d device) bool {
	for _, c := range d.compatible {
		if x := s.exceptions.covers(false, c); x != nil {
			module, by := strings.CutPrefix(x.kind, "by:")
			return !by || s.onCard[module] != ""
		}
	}
	return false
}

// wanted returns the firmware files that the card's modules ask for.
func (s *served) wanted() ([]string, error) {
	files := slices.Sorted(maps.Values(s.onCard))
	out, err := exec.Command("modinfo", append([]string{"-F", "firmware"}, files...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("ask the modules for their firmware: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// firmware checks the files that modules ask for; names may have asterisks for the parts that
// differ by board.
func (s *served) firmware(f *found, dir string, names []string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the card's firmware: %w", err)
	}
	defer root.Close()
	for _, name := range names {
		if !inRoot(root, name) && s.exceptions.covers(true, name) == nil {
			f.complain("firmware %q is not on the card", name)
		}
	}
	return nil
}

// inRoot reports whether the file is there, compressed or not. A link must lead to a file below the
// same folder: while the image is built, an absolute link leads elsewhere.
func inRoot(root *os.Root, name string) bool {
	for _, end := range []string{"", ".xz", ".zst"} {
		matches, _ := fs.Glob(root.FS(), name+end) // module names are valid patterns
		if slices.ContainsFunc(matches, func(m string) bool { _, err := root.Stat(m); return err == nil }) {
			return true
		}
	}
	return false
}
