package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// TestKilledVenueImport kills the registry while it stores 10,000 venues: there are all of them
// after that, or none.
func TestKilledVenueImport(t *testing.T) {
	const rows = 10_000
	var file strings.Builder
	file.WriteString("bin,name,kind,region\n")
	for i := range rows {
		fmt.Fprintf(&file, "990140000007,Venue %05d,shop,KZ-75\n", i)
	}
	for _, delay := range []time.Duration{50, 150, 300, 500, 900, 20_000} {
		p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
		p.serve()
		key, err := os.ReadFile(filepath.Join(p.data, adminFile))
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() {
			sent <- p.sendVenues(strings.TrimSpace(string(key)), file.String())
		}()
		select {
		case <-time.After(delay * time.Millisecond):
		case err := <-sent:
			sent <- err
		}
		p.kill()
		answered := <-sent == nil
		n := venuesIn(t, filepath.Join(p.data, databaseFile))
		t.Logf("killed after %v ms: answered %v, %d venues", int64(delay), answered, n)
		if n != 0 && n != rows || answered && n != rows {
			t.Errorf("after %d ms: %d venues of %d, answered: %v", delay, n, rows, answered)
		}
	}
}

// sendVenues uploads a file and wants it to be stored.
func (p *process) sendVenues(key, file string) error {
	req, err := http.NewRequest(http.MethodPost, p.url+server.PathVenueImport, strings.NewReader(file))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("import venues: %d, %v", res.StatusCode, err)
	}
	return nil
}

func venuesIn(t *testing.T, file string) (n int) {
	t.Helper()
	db, err := store.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for after := (*store.Venue)(nil); ; {
		page, err := db.Venues(t.Context(), "", after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if n += len(page); len(page) < 1000 {
			return n
		}
		after = &page[999]
	}
}
