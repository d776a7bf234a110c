package sms

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const want = `{"number":"+77010000000","text":"code \u003c6\u003e"}`

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func secretive(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, secret := range []string{"7701", "code", "tok"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q tells %q", err, secret)
		}
	}
}

func TestCommand(t *testing.T) {
	t.Setenv("ASHYQ_DATABASE", "secret")
	out := filepath.Join(t.TempDir(), "out")
	c, err := NewCommand(write(t, "send", "#!/bin/sh\ncat > "+out+"; echo \"$ASHYQ_DATABASE\" >> "+out+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), "+77010000000", "code <6>"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != want+"\n" {
		t.Errorf("the command got %q, %v", got, err)
	}
	if c, err = NewCommand(write(t, "fail", "#!/bin/sh\ncat; cat >&2; exit 3\n")); err != nil {
		t.Fatal(err)
	}
	secretive(t, c.Send(t.Context(), "+77010000000", "code"))
	if c, err = NewCommand(write(t, "hang", "#!/bin/sh\nsleep 60\n")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	secretive(t, c.Send(ctx, "+77010000000", "code"))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("a command that hangs took %v", took)
	}
	if _, err := NewCommand("/nothing/here"); err == nil {
		t.Error("a command that is not there")
	}
}

func TestGateway(t *testing.T) {
	status, got := http.StatusAccepted, ""
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.Header.Get("Authorization") + " " + string(body)
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(status)
	}))
	defer at.Close()
	g, err := NewGateway(at.URL, write(t, "token", "tok\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Send(t.Context(), "+77010000000", "code <6>"); err != nil || got != "POST Bearer tok "+want {
		t.Errorf("%q, %v", got, err)
	}
	for _, status = range []int{500, 302, 401} {
		secretive(t, g.Send(t.Context(), "+77010000000", "code"))
	}
	at.Close()
	secretive(t, g.Send(t.Context(), "+77010000000", "code"))
	for _, address := range []string{"http://gateway.example/", "ftp://x/", "", "https:///x"} {
		if _, err := NewGateway(address, write(t, "token", "tok")); err == nil {
			t.Errorf("the address %q is taken", address)
		}
	}
	if _, err := NewGateway("https://gateway.example/", write(t, "token", "\n")); err == nil {
		t.Error("an empty token is taken")
	}
}
