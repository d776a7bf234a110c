// Command boards checks, before a card is written, whether it serves every board that the README
// names. It reads the parts that the image build puts together, not an image: each board's device
// tree, the kernel and its modules, the modules in the initrd and on the card, the firmware files.
//
// Each enabled device of a tree needs a driver: in the kernel, on the card, or in the initrd if the
// card itself cannot be read without it. Each firmware file that a module on the card names must be
// there. The file "exceptions" lists what is left out for a reason; an exception that nothing needs
// is an error too.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

func main() {
	var c card
	flag.StringVar(&c.variant, "variant", "lean", "the card's variant, for exceptions of one only")
	flag.StringVar(&c.boards, "boards", "image-build/boards/boards", "the boards and their trees")
	flag.StringVar(&c.exceptions, "exceptions", "image-build/boards/exceptions", "what is left out, and why")
	flag.StringVar(&c.kernel, "kernel", "", "the kernel, uncompressed")
	flag.StringVar(&c.modules, "modules", "", "folder with all of its modules, after depmod")
	flag.StringVar(&c.initrd, "initrd", "", "folder with the initrd's modules")
	flag.StringVar(&c.root, "root", "", "the card's root file system")
	flag.StringVar(&c.trees, "trees", "", "folder with the device trees as the slot has them")
	flag.BoolVar(&c.overlaid, "overlaid", false, "the trees have all overlays laid over them")
	flag.StringVar(&c.uboot, "u-boot", "", "the boot loader, which asks for a tree by name")
	flag.StringVar(&c.firmwareDir, "firmware", "", "folder with an administrator's firmware files, which need no exception")
	flag.Parse()
	found, err := c.check()
	if err != nil {
		fmt.Fprintln(os.Stderr, "boards:", err)
		os.Exit(2)
	}
	os.Exit(found.print(os.Stdout))
}

// found holds what a check has counted and its complaints.
type found struct {
	boards, nodes, exceptions int
	wrong                     []string
}

func (f *found) complain(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// print prints the result and returns the exit code.
func (f *found) print(out io.Writer) int {
	for _, line := range f.wrong {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, "%d boards, %d nodes, %d exceptions, %d wrong\n", f.boards, f.nodes, f.exceptions, len(f.wrong))
	if len(f.wrong) > 0 {
		return 1
	}
	return 0
}

// board is a line of the file "boards": the README's name, the name of the tree that Debian ships,
// without ".dtb", and the name for which the boot loader asks.
type board struct{ name, tree, asked string }

// readBoards returns the boards that a variant of the card is for.
func readBoards(file, variant string) ([]board, error) {
	var all []board
	err := table(file, 4, func(w []string) error {
		if slices.Contains(strings.Split(w[1], ","), variant) {
			all = append(all, board{w[0], w[2], w[3]})
		}
		return nil
	})
	return all, err
}

// exception is a line of the file "exceptions".
type exception struct {
	kind    string // node, firmware, or by:MODULE, which serves the node and must be on the card
	variant string // of the card, several with commas, or all
	pattern string // compatible, or the firmware's file, as path.Match has it
	used    bool
}

// exceptions are those for one variant.
type exceptions []*exception

// readExceptions returns those for one variant of the card, perhaps with all overlays over the
// trees.
func readExceptions(file, variant string, overlaid bool) (exceptions, error) {
	var all exceptions
	err := table(file, 4, func(w []string) error {
		if w[0] != "node" && w[0] != "firmware" && !strings.HasPrefix(w[0], "by:") {
			return fmt.Errorf("exception of kind %q, want node, firmware or by:MODULE", w[0])
		}
		if _, err := path.Match(w[2], ""); err != nil {
			return fmt.Errorf("exception %q: %w", w[2], err)
		}
		if w[3] == "" {
			return fmt.Errorf("the exception %q has no reason", w[2])
		}
		if w[1] == "all" || slices.ContainsFunc(strings.Split(w[1], ","), func(name string) bool {
			name, needsOverlays := strings.CutSuffix(name, "+overlays")
			return name == variant && (overlaid || !needsOverlays)
		}) {
			all = append(all, &exception{kind: w[0], variant: w[1], pattern: w[2]})
		}
		return nil
	})
	return all, err
}

// covers finds the exception for a name and marks it as used; nil if there is no such exception.
func (e exceptions) covers(firmware bool, name string) *exception {
	for _, x := range e {
		if ok, _ := path.Match(x.pattern, name); ok && firmware == (x.kind == "firmware") {
			x.used = true
			return x
		}
	}
	return nil
}

// table reads a file of n columns; the last takes the rest of its line.
func table(file string, n int, row func(words []string) error) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read a table: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		words := make([]string, n)
		for i := range n - 1 {
			words[i], text, _ = strings.Cut(text, " ")
			text = strings.TrimSpace(text)
		}
		words[n-1] = text
		if words[n-2] == "" {
			return fmt.Errorf("%s:%d: want %d columns", file, number, n)
		}
		if err := row(words); err != nil {
			return fmt.Errorf("%s:%d: %w", file, number, err)
		}
	}
	return lines.Err()
}
