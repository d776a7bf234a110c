package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// light shows the simulated pins in the terminal, in a line that changes in place. Where the output
// is not a terminal, it prints a line for each change of a lamp or the relay.
type light struct {
	out  io.Writer
	live bool
	show *presenter

	mu     sync.Mutex
	on     map[string]bool // guarded by mu
	buzzed time.Time       // guarded by mu: when the buzzer was last on
}

// lamps are the panel's lines with their colours in a terminal.
var lamps = []struct{ line, colour string }{{"red", "\x1b[91m"}, {"yellow", "\x1b[93m"}, {"blue", "\x1b[94m"},
	{"green", "\x1b[92m"}}

// follow reads the trace that the simulated pins write, as tail -f does.
func (l *light) follow(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the pins' trace: %w", err)
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	var part string
	for {
		more, err := lines.ReadString('\n')
		part += more
		switch {
		case err == nil:
			l.change(strings.Split(strings.TrimSpace(part), "\t"))
			part = ""
			continue
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("read the pins' trace: %w", err)
		}
		select {
		case <-ctx.Done():
			if l.live {
				fmt.Fprintln(l.out)
			}
			return nil
		case <-time.After(30 * time.Millisecond):
		}
		l.draw()
	}
}

func (l *light) change(fields []string) {
	if len(fields) != 3 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	line, on := fields[1], fields[2] == "1"
	l.on[line] = on
	if line == "buzzer" && on {
		l.buzzed = time.Now()
	}
	if !l.live && (line != "buzzer" || on) {
		fmt.Fprintf(l.out, "%s  %-6s %s\n", time.Now().Format("15:04:05.000"), line,
			map[bool]string{true: "on", false: "off"}[on])
	}
}

func (l *light) draw() {
	if !l.live {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	b.WriteString("\r  ")
	for _, lamp := range lamps {
		if l.on[lamp.line] {
			b.WriteString(lamp.colour + "●\x1b[0m ")
		} else {
			b.WriteString("\x1b[90m○\x1b[0m ")
		}
	}
	b.WriteString(map[bool]string{true: "  door open  ", false: "  door closed"}[l.on["relay"]])
	b.WriteString(map[bool]string{true: "  ♪", false: "   "}[time.Since(l.buzzed) < 300*time.Millisecond])
	if l.show != nil {
		who := "nobody at the door"
		if v, near := l.show.at(time.Now()); near > 0 {
			who = v.name + " is at the door"
		}
		fmt.Fprintf(&b, "   %-28s", who)
	}
	fmt.Fprint(l.out, b.String())
}

// say prints a line above the light.
func (l *light) say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
	fmt.Fprintln(l.out, "  "+text)
}
