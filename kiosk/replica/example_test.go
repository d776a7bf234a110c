package replica_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/replica"
)

// A door puts client, cache and the registry's key together. It then runs the replica as one of its
// tasks; here it is one attempt.
func ExampleNew() {
	registry := startRegistry(new(testing.T), 1) // stands for a real one
	defer registry.stop()
	dir, err := os.MkdirTemp("", "replica")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	source, err := client.New(client.Config{URL: registry.url})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer source.Close()
	store, err := cache.Open(filepath.Join(dir, "cache.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	r := replica.New(replica.Options{
		Source: source, Store: store, Keys: ringOf(registry), // in a door it is a doorkeys.Ring
		Key:      registry.key.Public().(ed25519.PublicKey), // from the door's configuration
		OnChange: func(done replica.Result) { fmt.Println("changed:", done.Changed, "version:", done.Version) },
		Now:      registry.clock, Log: slog.Default(),
	})
	if _, err := r.Follow1(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: changed: true version: 1
}
