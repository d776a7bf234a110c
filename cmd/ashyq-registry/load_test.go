package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/store"
)

// peopleFile writes a CSV file of these people.
func peopleFile(t *testing.T, people []string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "people.csv")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "iin,name,phone,region")
	for n, iin := range people {
		fmt.Fprintf(w, "%s,Person %d,+7701%07d,KZ-75\n", iin, n, n)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLoadKilled kills a load again and again. Each goes on where the one before stopped; in the
// end everybody is there once, and the last code of each in the file is valid.
func TestLoadKilled(t *testing.T) {
	const people = 30_000
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, database(t))
			file, codes := peopleFile(t, numbers(people)), filepath.Join(t.TempDir(), "codes.csv")
			args := []string{"load", "people", "--data", w.data, "--database", w.db, "--codes", codes, file}
			const kills = 6
			killed := 0
			for {
				cmd := command(args...)
				var said strings.Builder
				cmd.Stdout, cmd.Stderr = &said, &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				done := make(chan error, 1)
				go func() { done <- cmd.Wait() }()
				select {
				case err := <-done:
					if err != nil {
						t.Fatalf("load: %v\n%s", err, said.String())
					}
				case <-killAfter(killed < kills):
					_ = cmd.Process.Kill()
					<-done
					killed++
					continue
				}
				break
			}
			out, err := tool(args...)
			if err != nil || !strings.Contains(out, "0 rows taken, 0 refused; 30000 rows stored by an earlier run") {
				t.Fatalf("after %d kills: %v\n%s", killed, err, out)
			}
			t.Logf("%d kills", killed)
			if killed == 0 {
				t.Error("no load was killed")
			}
			checkLoaded(t, w, codes, people)
		})
	}
}

// killAfter is a moment in the middle of a load, or never.
func killAfter(some bool) <-chan time.Time {
	if !some {
		return nil
	}
	return time.After(100*time.Millisecond + rand.N(600*time.Millisecond))
}

func checkLoaded(t *testing.T, w *town, codes string, people int) {
	t.Helper()
	db, err := store.Open(t.Context(), (&dataDir{name: w.data}).database(w.db))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	o, err := db.Overview(t.Context(), store.Fleet{Now: time.Now()})
	if n := o.People["blue"]; err != nil || n != people {
		t.Errorf("%d people, %v, want %d", n, err, people)
	}
	text, err := os.ReadFile(codes)
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ","); len(fields) == 3 && len(fields[0]) == 12 {
			last[fields[0]] = fields[1]
		}
	}
	if len(last) != people {
		t.Errorf("codes for %d people, want %d", len(last), people)
	}
	tried := 0
	for iin, code := range last {
		if _, err := db.Activate(t.Context(), store.SecretOf(code), store.Credential{}, time.Now()); err != nil {
			t.Fatalf("the code of %s: %v", iin, err)
		}
		if tried++; tried == 100 {
			break
		}
	}
}
