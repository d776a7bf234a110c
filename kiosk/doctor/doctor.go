// Package doctor runs a tree of checks and prints it for an administrator. A check whose parent
// failed is not run and "waits for" it, so that the first line with a cross is the one to deal
// with.
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
	ID string // one word that never changes, as "camera"
	// Run answers the question within Limit: in a few words what was found, or what is wrong. The
	// error may have a second line that starts with "hint: " and says what to do.
	Run  func(ctx context.Context) (found string, err error)
	Then []Check // checks that only make sense if this one passes
}

// Limit is how long one check may take.
const Limit = 15 * time.Second

// Words give a check's name in the reader's language, and what is missing if it fails; "" if there
// is no translation.
type Words func(id string) (name, missing string)

// Run runs the tree and prints a line for each check. It returns how many checks failed.
func Run(ctx context.Context, out io.Writer, words Words, checks []Check) (failed int) {
	p := printer{out, words}
	for _, c := range checks {
		failed += p.run(ctx, c, 0)
	}
	return failed
}

type printer struct {
	io.Writer
	words Words
}

func (p printer) name(c Check) (name, missing string) {
	if name, missing = p.words(c.ID); name == "" {
		name = c.ID
	}
	return name, missing
}

func (p printer) run(ctx context.Context, c Check, depth int) (failed int) {
	indent := strings.Repeat("  ", depth)
	name, missing := p.name(c)
	found, err := one(ctx, c)
	if err != nil {
		text, hint, hasHint := strings.Cut(err.Error(), "\nhint: ")
		if missing != "" {
			text = missing + "\n" + indent + "    " + text
		}
		fmt.Fprintf(p, "%s✗ %s: %s\n", indent, name, text)
		if hasHint {
			fmt.Fprintf(p, "%s  → %s\n", indent, hint)
		}
		p.wait(c.Then, name, depth+1)
		return 1
	}
	fmt.Fprintf(p, "%s✓ %s: %s\n", indent, name, found)
	for _, next := range c.Then {
		failed += p.run(ctx, next, depth+1)
	}
	return failed
}

// one limits the time of a check, even of one that ignores its context: a camera's driver may hang.
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

func (p printer) wait(checks []Check, parent string, depth int) {
	for _, c := range checks {
		name, _ := p.name(c)
		fmt.Fprintf(p, "%s- %s: waits for %s\n", strings.Repeat("  ", depth), name, parent)
		p.wait(c.Then, parent, depth+1)
	}
}
