// Package doctor runs a tree of checks and prints it for an administrator: a check whose parent failed is not run, it
// "waits for" the parent, so that the first line with a cross is the one to deal with.
package doctor

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Check is one question about the machine.
type Check struct {
	Name string
	// Run answers it within Limit: what was found, in a few words, or what is wrong. A hint of what to do may follow in
	// the error's text on a line of its own that starts with "hint: ".
	Run  func(ctx context.Context) (found string, err error)
	Then []Check // what only makes sense when this one is well
}

// Limit is how long one check may take.
const Limit = 15 * time.Second

// Run runs the tree and prints a line for each check. It returns how many checks failed.
func Run(ctx context.Context, out io.Writer, checks []Check) (failed int) {
	for _, c := range checks {
		failed += run(ctx, out, c, 0)
	}
	return failed
}

func run(ctx context.Context, out io.Writer, c Check, depth int) (failed int) {
	indent := strings.Repeat("  ", depth)
	found, err := one(ctx, c)
	if err != nil {
		text, hint, hasHint := strings.Cut(err.Error(), "\nhint: ")
		fmt.Fprintf(out, "%s✗ %s: %s\n", indent, c.Name, text)
		if hasHint {
			fmt.Fprintf(out, "%s  → %s\n", indent, hint)
		}
		wait(out, c.Then, c.Name, depth+1)
		return 1
	}
	fmt.Fprintf(out, "%s✓ %s: %s\n", indent, c.Name, found)
	for _, next := range c.Then {
		failed += run(ctx, out, next, depth+1)
	}
	return failed
}

// one bounds a check in time, also one that does not look at its context: a camera's driver may hang.
func one(ctx context.Context, c Check) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	type answer struct {
		found string
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		found, err := c.Run(ctx)
		answers <- answer{found, err}
	}()
	select {
	case a := <-answers:
		return a.found, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("no answer within %v", Limit)
	}
}

func wait(out io.Writer, checks []Check, parent string, depth int) {
	for _, c := range checks {
		fmt.Fprintf(out, "%s- %s: waits for %s\n", strings.Repeat("  ", depth), c.Name, parent)
		wait(out, c.Then, parent, depth+1)
	}
}
