package main

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store/storetest"
)

// town is a registry with people, and a door that follows it.
type town struct {
	*process
	admin, lab string
	cache      *cache.Cache
}

func newTown(t *testing.T, database string) *town {
	return newTownIn(t, filepath.Join(t.TempDir(), "data"), database)
}

func newTownIn(t *testing.T, data, database string) *town {
	w := &town{process: &process{T: t, data: data, db: database}}
	w.serve()
	raw, err := os.ReadFile(filepath.Join(w.data, adminFile))
	if err != nil {
		t.Fatal(err)
	}
	w.admin = strings.TrimSpace(string(raw))
	var source server.SourceAnswer
	w.ask(w.admin, server.PathSources, server.SourceRequest{Name: "lab", Kind: "laboratory"}, &source)
	w.lab = source.Key
	if w.cache, err = cache.Open(filepath.Join(t.TempDir(), "cache")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.cache.Close(); err != nil {
			t.Error(err)
		}
		if w.cmd.ProcessState == nil {
			w.kill()
		}
	})
	return w
}

func (w *town) ask(key, path string, body, answer any) {
	w.Helper()
	if code, err := w.post(path, key, body, answer); err != nil || code >= 300 {
		w.Fatalf("POST %s: %d, %v", path, code, err)
	}
}

func (w *town) result(iin, sample, result string) {
	w.Helper()
	w.ask(w.lab, server.PathResults, server.ResultRequest{IIN: iin, Sample: sample, Result: result,
		Taken: time.Now().Add(-time.Hour)}, nil)
}

// activate returns where the pass of a new phone is in the list.
func (w *town) activate(iin string) pass.Place {
	w.Helper()
	c, err := w.phone(w.admin, iin)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func newPublicKey() string {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic("no random numbers: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(public)
}

// follow lets the door follow the registry, or something that serves its files.
func (w *town) follow(from replica.Source) error {
	key, err := (&dataDir{name: w.data}).key(registryFile)
	if err != nil {
		return err
	}
	_, err = replica.New(replica.Options{
		Source: from, Store: w.cache, Keys: listKeys{w.process}, Key: key.Public().(ed25519.PublicKey), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}).Follow1(w.Context())
	return err
}

// door is what the door, without a registry to ask, takes the pass for.
func (w *town) door(c pass.Place) (kiosk.Standing, error) {
	return w.cache.Status(w.Context(), kiosk.Person{Index: uint64(c.Index), Since: c.Since})
}

// awaits follows until the door takes the pass for that status.
func (w *town) awaits(c pass.Place, want statuslist.Status) {
	w.Helper()
	remote, err := client.New(client.Config{URL: w.url})
	if err != nil {
		w.Fatal(err)
	}
	defer remote.Close()
	for end := time.Now().Add(90 * time.Second); ; {
		if err := w.follow(noWait{remote}); err != nil {
			w.Fatal(err)
		}
		got, err := w.door(c)
		if err == nil && got.Status == want {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("the door takes the pass for %v, %v, want %v", got.Status, err, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// noWait asks for the manifest without a long poll.
type noWait struct{ replica.Source }

func (n noWait) Manifest(ctx context.Context, _ uint64, _ time.Duration) ([]byte, error) {
	return n.Source.Manifest(ctx, 0, 0)
}

// tool runs the program and returns what it prints.
func tool(args ...string) (string, error) {
	out, err := command(args...).CombinedOutput()
	return string(out), err
}

func (w *town) backup() string {
	w.Helper()
	file := filepath.Join(w.TempDir(), "backup")
	if out, err := tool("backup", "--data", w.data, "--database", w.db, file); err != nil {
		w.Fatalf("backup: %v\n%s", err, out)
	}
	return file
}

// restore replaces the registry by the one of the backup, in another database of the same kind.
func (w *town) restore(file, database string, more ...string) {
	w.Helper()
	w.kill()
	w.data, w.db = filepath.Join(w.TempDir(), "data"), database
	args := append([]string{"restore", "--data", w.data, "--database", w.db}, more...)
	if out, err := tool(append(args, file)...); err != nil {
		w.Fatalf("restore: %v\n%s", err, out)
	}
	w.serve()
}

var databases = map[string]func(testing.TB) string{
	"sqlite":   func(testing.TB) string { return "" },
	"postgres": storetest.Postgres,
}

// TestRestore loses a registry and restores it from a backup. Doors go on following it without a
// new enrolment; nobody who activated after the backup is taken for blue, not even when the index
// is given out again; and nothing is called newer than the backup until the administrator confirms
// that the sources have sent again.
func TestRestore(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			w := newTown(t, database(t))
			iins := numbers(4)
			w.result(iins[0], "1", "negative")
			before := w.activate(iins[0])
			w.awaits(before, statuslist.Green)
			var open server.CitizenAnswer // a code that is used after the backup
			w.ask(w.admin, server.PathCitizens, server.CitizenRequest{IIN: iins[3]}, &open)
			file := w.backup()
			backedUp := time.Now()
			time.Sleep(time.Until(backedUp.Truncate(time.Second).Add(time.Second))) // signed times are whole seconds

			// What the backup does not have.
			w.result(iins[0], "2", "positive")
			w.result(iins[1], "3", "positive")
			lost := w.activate(iins[1])
			w.awaits(lost, statuslist.Red)
			w.awaits(before, statuslist.Red)

			w.ask("", server.PathActivate, server.ActivateRequest{Code: open.Code, Key: newPublicKey()}, nil)

			w.restore(file, database(t))
			w.awaits(before, statuslist.Green)
			again := server.ActivateRequest{Code: open.Code, Key: newPublicKey()}
			if code, err := w.post(server.PathActivate, "", again, nil); err != nil || code != http.StatusForbidden {
				t.Errorf("a code that was used after the backup: %d, %v", code, err)
			}
			got, err := w.door(before)
			if err != nil || got.AsOf.After(backedUp) {
				t.Errorf("as of %v, %v: later than the backup of %v", got.AsOf, err, backedUp)
			}
			if got, err := w.door(lost); !errors.Is(err, kiosk.ErrUnknownPerson) {
				t.Errorf("a red person who activated after the backup is %v, %v", got.Status, err)
			}
			young := w.activate(iins[2])
			w.awaits(young, statuslist.Valid)
			taken := young // the same index, as the lost phone shows it
			taken.Since = lost.Since
			if got, err := w.door(taken); !errors.Is(err, kiosk.ErrUnknownPerson) {
				t.Errorf("a lost pass whose index was given out again is %v, %v", got.Status, err)
			}

			w.result(iins[0], "2", "positive")
			w.awaits(before, statuslist.Red)
			if got, err := w.door(before); err != nil || got.AsOf.After(backedUp) {
				t.Errorf("before it is confirmed: as of %v, %v, the backup is of %v", got.AsOf, err, backedUp)
			}
			w.ask(w.admin, server.PathRestored, struct{}{}, nil)
			if code, err := w.post(server.PathRestored, w.admin, struct{}{}, nil); err != nil || code != http.StatusConflict {
				t.Errorf("confirmed twice: %d, %v", code, err)
			}
			for end := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
				w.awaits(before, statuslist.Red)
				if got, err := w.door(before); err == nil && got.AsOf.After(backedUp) {
					break
				}
				if time.Now().After(end) {
					t.Fatal("after it is confirmed, the list stays as old as the backup")
				}
			}
		})
	}
}

// TestRestoreWithNewerList has the last list at hand. The stricter colour of list and backup counts
// until all is confirmed; who was revoked stays so.
func TestRestoreWithNewerList(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			w := newTown(t, database(t))
			iins := numbers(3)
			w.result(iins[0], "1", "negative")
			w.result(iins[1], "2", "positive")
			ill, milder, gone := w.activate(iins[0]), w.activate(iins[1]), w.activate(iins[2])
			w.awaits(ill, statuslist.Green)
			file := w.backup()
			time.Sleep(1100 * time.Millisecond) // signed times are whole seconds
			w.result(iins[0], "3", "positive")
			w.ask(w.admin, server.PathRevoke, server.CitizenRequest{IIN: iins[2]}, nil)
			w.awaits(ill, statuslist.Red)
			w.awaits(gone, statuslist.Invalid)
			public, err := tool("key", "--data", w.data)
			if err != nil {
				t.Fatal(err)
			}
			list := t.TempDir()
			if out, err := tool("offline-snapshot", "--from", w.url, "--key", strings.TrimSpace(public), list); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}

			w.restore(file, database(t), "--published", list)
			w.awaits(ill, statuslist.Red)
			w.awaits(gone, statuslist.Invalid)
			w.awaits(milder, statuslist.Red)
			w.ask(w.admin, server.PathRestored, struct{}{}, nil)
			w.awaits(ill, statuslist.Green) // the laboratory has not sent it again
			w.awaits(gone, statuslist.Invalid)
		})
	}
}

// turnOver lets the registry use another list key at once, as an hour after a door was revoked.
func (w *town) turnOver() {
	w.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.data, databaseFile)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	var before, now int64
	for end := time.Now().Add(90 * time.Second); now == before; time.Sleep(50 * time.Millisecond) {
		if err := db.QueryRowContext(w.Context(), `SELECT generation FROM registry`).Scan(&now); err != nil {
			w.Fatal(err)
		}
		if before == 0 {
			before = now
		}
		_, err := db.ExecContext(w.Context(), `UPDATE list_keys SET since = 0, known = CASE WHEN generation = $1 THEN 1 END`, before)
		if err != nil {
			w.Fatal(err)
		}
		if time.Now().After(end) {
			w.Fatal("the list key was not turned over")
		}
	}
}

// TestRestoreWithANewerListKey: the newer list is sealed with a key that the backup does not have.
func TestRestoreWithANewerListKey(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newTown(t, "")
	iin := numbers(1)[0]
	w.result(iin, "1", "negative")
	ill := w.activate(iin)
	w.awaits(ill, statuslist.Green)
	file := w.backup()
	time.Sleep(1100 * time.Millisecond) // signed times are whole seconds
	w.turnOver()
	w.result(iin, "2", "positive")
	w.awaits(ill, statuslist.Red)
	public, err := tool("key", "--data", w.data)
	if err != nil {
		t.Fatal(err)
	}
	list := t.TempDir()
	if out, err := tool("offline-snapshot", "--from", w.url, "--key", strings.TrimSpace(public), list); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	live, err := tool("list-keys", "--data", w.data)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _ := strings.Cut(live, " ")
	into := filepath.Join(t.TempDir(), "data")
	for want, more := range map[string][]string{
		"give it with --list-key":  nil,
		"is --list-key the key of": {"--list-key", "k1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		"--list-key: the key does": {"--list-key", "x"},
	} {
		args := append([]string{"restore", "--data", into, "--published", list}, more...)
		if out, err := tool(append(args, file)...); err == nil || !strings.Contains(out, want) {
			t.Errorf("restored, or said %q, want %q", out, want)
		}
	}
	w.restore(file, "", "--published", list, "--list-key", key)
	w.awaits(ill, statuslist.Red)
	again, err := tool("list-keys", "--data", w.data)
	if err != nil || strings.Contains(again, key) || strings.Count(again, "\n") != 1 {
		t.Errorf("after the restore the list keys are %q, %v", again, err)
	}
}

// TestRestoreRefuses damages a backup in many ways. Each time nothing is restored, and the good one
// still can be.
func TestRestoreRefuses(t *testing.T) {
	w := newTown(t, "")
	w.result(numbers(1)[0], "1", "positive")
	w.activate(numbers(1)[0])
	file := w.backup()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup's mode: %v, %v", info.Mode(), err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	refuse := func(what string, content []byte, more ...string) {
		t.Helper()
		bad := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := tool(append(append([]string{"restore", "--data", data}, more...), bad)...)
		if err == nil {
			t.Fatalf("%s: restored\n%s", what, out)
		}
		entries, err := os.ReadDir(data)
		if err != nil || len(entries) != 1 || entries[0].Name() != lockFile {
			t.Errorf("%s: left %v, %v\n%s", what, entries, err, out)
		}
	}
	refuse("empty", nil)
	refuse("a text", []byte("hello"))
	for range 12 {
		n := rand.IntN(len(good))
		refuse(fmt.Sprintf("the first %d of %d bytes", n, len(good)), good[:n])
		flipped := append([]byte{}, good...)
		flipped[10+rand.IntN(len(good)-10)] ^= 1 << rand.IntN(8) // the head of gzip has no checksum
		refuse("one bit differs", flipped)
	}
	refuse("something behind it", append(append([]byte{}, good...), good...))
	refuse("a list of nobody", good, "--published", t.TempDir())
	if out, err := tool("restore", "--data", data, file); err != nil {
		t.Fatalf("the good one: %v\n%s", err, out)
	}
	if out, err := tool("restore", "--data", data, file); err == nil ||
		!strings.Contains(out, "already holds a registry") {
		t.Errorf("over a registry: %v\n%s", err, out)
	}
}

// TestBackupOfTheRightDatabase forgets --database, or names an empty one: that is no backup.
func TestBackupOfTheRightDatabase(t *testing.T) {
	w := newTown(t, storetest.Postgres(t))
	for database, hint := range map[string]string{"": "hint: if its database is PostgreSQL",
		storetest.Postgres(t): "hint: name the right one"} {
		file := filepath.Join(t.TempDir(), "backup")
		out, err := tool("backup", "--data", w.data, "--database", database, file)
		if err == nil || !strings.Contains(out, hint) {
			t.Errorf("backup of the database %q: %v\n%s", database, err, out)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("backup of the database %q: there is a file, %v", database, err)
		}
	}
	people := peopleFile(t, numbers(1))
	if out, err := tool("load", "people", "--data", w.data, people); err == nil ||
		!strings.Contains(out, "hint: if its database") {
		t.Errorf("load without a database: %v\n%s", err, out)
	}
	if (&dataDir{name: w.data}).has(databaseFile) {
		t.Errorf("there is a %s now", databaseFile)
	}
}

// TestRestoreKilled kills restores at random moments. Each leaves nothing that serves, and the next
// one works, or says why it cannot.
func TestRestoreKilled(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, database(t))
			iins := numbers(300)
			for n, iin := range iins {
				w.result(iin, fmt.Sprint(n), "negative")
			}
			known := w.activate(iins[0])
			w.awaits(known, statuslist.Green)
			file := w.backup()
			w.kill()
			elsewhere := func() { w.data, w.db = filepath.Join(t.TempDir(), "data"), database(t) }
			elsewhere()
			start := time.Now()
			if out, err := tool("restore", "--data", w.data, "--database", w.db, file); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			took := time.Since(start)
			elsewhere()
			killed := 0
			for try := 0; killed < 5; try++ {
				if try == 100 {
					t.Fatalf("%d of %d restores were killed: too few to prove anything", killed, try)
				}
				out, err := w.killedRestore(file, rand.N(took))
				switch {
				case err == nil: // it was faster
					elsewhere()
				case strings.Contains(out, "hint: "): // the one before was killed after the database and before the key
					elsewhere()
				default:
					killed++
				}
			}
			out, err := tool("restore", "--data", w.data, "--database", w.db, file)
			if err != nil && strings.Contains(out, "hint: ") {
				elsewhere()
				out, err = tool("restore", "--data", w.data, "--database", w.db, file)
			}
			if err != nil {
				t.Fatalf("after %d kills: %v\n%s", killed, err, out)
			}
			w.serve()
			w.awaits(known, statuslist.Green)
		})
	}
}

// killedRestore kills a restore after a time.
func (w *town) killedRestore(file string, after time.Duration) (string, error) {
	w.Helper()
	cmd := command("restore", "--data", w.data, "--database", w.db, file)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	err := cmd.Wait()
	return out.String(), err
}
