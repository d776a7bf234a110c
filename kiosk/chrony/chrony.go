// Package chrony finds out whether the time of this machine is signed: whether chronyd has it from
// servers with Network Time Security (NTS, RFC 8915) and from no others.
//
// Only root and chronyd's own user may ask chronyd (chronyc(1), authdata), and the door's daemon is
// neither. So a small program asks, and leaves a word for the daemon in /run: one line of JSON.
//
//	boot     start of the machine, 32 hex digits
//	running  how long it had been running, ns (package uptime)
//	time     the time then, RFC 3339
//	source   the server that chronyd has it from
//
// The word is believed for MaxAge after that. It holds the time itself, not only that it was
// signed: the clock may be set by somebody else a moment later.
package chrony

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/uptime"
)

// ErrUnsigned says that chronyd does not have the time from servers that sign it.
var ErrUnsigned = errors.New("the time is not signed")

const (
	// askTimeout bounds one question. chronyd answers in milliseconds.
	askTimeout = 5 * time.Second
	// maxOffset is how far the clock may be from what chronyd wants it to be, and maxError how far
	// that may be from the server's time, both seconds.
	maxOffset, maxError = 0.1, 1
)

// Chronyd is a chronyd to ask.
type Chronyd struct {
	Socket string           // its command socket; chronyc makes its own beside it
	Now    func() time.Time // the clock that it keeps
}

// Ask asks whether the time is signed now; an error wraps ErrUnsigned if it is not.
func (c Chronyd) Ask(ctx context.Context) (Word, error) {
	before, err := c.signed(ctx)
	if err != nil {
		return Word{}, err
	}
	now := c.Now()
	running := uptime.Now() // after the time, so that the word is never ahead
	after, err := c.signed(ctx)
	if err != nil {
		return Word{}, err
	}
	if before != after {
		return Word{}, fmt.Errorf("%w: chronyd has just changed from %s to %s", ErrUnsigned, before, after)
	}
	return Word{Boot: running.Boot, Running: running.For, Time: now, Source: after}, nil
}

// signed returns the server that chronyd follows.
func (c Chronyd) signed(ctx context.Context) (string, error) {
	var reports [3][][]string
	for i, report := range []struct {
		name   string
		fields int
	}{{"tracking", 14}, {"sources", 10}, {"authdata", 10}} {
		var err error
		if reports[i], err = c.report(ctx, report.name, report.fields); err != nil {
			return "", err
		}
	}
	return judge(reports[0], reports[1], reports[2])
}

// report is one of chronyc's reports: addresses, not names (-n), as CSV (-c).
func (c Chronyd) report(ctx context.Context, name string, fields int) ([][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chronyc", "-h", c.Socket, "-n", "-c", name)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		said := strings.TrimSpace(string(out) + errOut.String()) // chronyc says most on standard output
		return nil, fmt.Errorf("ask chronyd at %q for %q: %w: %s\n"+
			"hint: only root and chronyd's user may ask; is chronyd running?", c.Socket, name, err, said)
	}
	table := csv.NewReader(bytes.NewReader(out))
	table.FieldsPerRecord = fields
	rows, err := table.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read chronyd's %q: %w", name, err)
	}
	return rows, nil
}

// The columns that count, see chronyc(1).
const (
	trackingServer, trackingOffset, trackingDelay, trackingDispersion, trackingLeap = 1, 4, 10, 11, 13

	sourcesMode, sourcesState, sourcesServer, sourcesReach = 0, 1, 2, 5

	authServer, authMode, authKeyBits = 0, 1, 4
)

// judge decides by the three reports. A source is in use if it is selected (*) or combined with the
// selected one (+).
func judge(tracking, sources, auth [][]string) (server string, err error) {
	if len(tracking) != 1 {
		return "", fmt.Errorf("read chronyd's \"tracking\": %d lines, want 1", len(tracking))
	}
	t := tracking[0]
	server = t[trackingServer]
	if !slices.Contains([]string{"Normal", "Insert second", "Delete second"}, t[trackingLeap]) {
		return "", fmt.Errorf("%w: chronyd says that the clock is %q", ErrUnsigned, strings.ToLower(t[trackingLeap]))
	}
	offset, offsetErr := strconv.ParseFloat(t[trackingOffset], 64)
	delay, delayErr := strconv.ParseFloat(t[trackingDelay], 64)
	dispersion, dispersionErr := strconv.ParseFloat(t[trackingDispersion], 64)
	if err := errors.Join(offsetErr, delayErr, dispersionErr); err != nil {
		return "", fmt.Errorf("read chronyd's \"tracking\": %w", err)
	}
	if !(max(offset, -offset) <= maxOffset && delay/2+dispersion <= maxError) {
		return "", fmt.Errorf("%w: the clock is %g s off, and chronyd is sure to %g s only",
			ErrUnsigned, offset, delay/2+dispersion)
	}
	selected := false
	for _, s := range sources {
		if s[sourcesState] != "*" && s[sourcesState] != "+" {
			continue
		}
		selected = selected || s[sourcesState] == "*" && s[sourcesServer] == server
		if s[sourcesMode] != "^" || !withNTS(auth, s[sourcesServer]) {
			return "", fmt.Errorf("%w: chronyd uses %s, which does not sign", ErrUnsigned, s[sourcesServer])
		}
		if s[sourcesReach] == "0" { // octal, a bit for each of the last eight questions
			return "", fmt.Errorf("%w: chronyd has no answer of %s", ErrUnsigned, s[sourcesServer])
		}
	}
	if !selected {
		return "", fmt.Errorf("%w: chronyd follows no server now", ErrUnsigned)
	}
	return server, nil
}

// withNTS says whether everything from that address is signed with a key of NTS.
func withNTS(auth [][]string, server string) bool {
	found := false
	for _, a := range auth {
		if a[authServer] != server {
			continue
		}
		if a[authMode] != "NTS" || a[authKeyBits] == "0" {
			return false
		}
		found = true
	}
	return found
}
