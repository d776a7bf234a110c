package server_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// A registry needs a database, its keys and somebody to run it; then it is an http.Handler.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp("", "registry")
	check(err)
	defer os.RemoveAll(dir)
	db, err := store.Open(ctx, filepath.Join(dir, "registry.db"))
	check(err)
	registryPublic, registryKey, err := ed25519.GenerateKey(nil)
	check(err)
	_, issuerKey, err := ed25519.GenerateKey(nil)
	check(err)

	authorityKey, err := server.NewAuthorityKey()
	check(err)
	certificate, err := server.SelfSign(authorityKey)
	check(err)
	authority, err := server.LoadAuthority(authorityKey, certificate)
	check(err)

	registry, err := server.New(ctx, server.Options{
		Store: db, RegistryKey: registryKey, IssuerKey: issuerKey, AdminKey: server.NewKey(),
		PublicURL: "https://registry.example", DoorsURL: "https://registry.example:8443", Authority: authority,
		Log: slog.New(slog.DiscardHandler),
	})
	check(err)
	done := make(chan error)
	go func() { done <- registry.Run(ctx) }()

	answer := httptest.NewRecorder()
	registry.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, api.PathManifest, nil))
	manifest, err := api.OpenManifest(answer.Body.Bytes(), registryPublic)
	check(err)
	fmt.Println("version", manifest.Version, "with", len(manifest.Sections), "section")

	stop()
	check(<-done)
	check(db.Close())
	// Output: version 2 with 1 section
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
