package web_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	citizens "ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// The load program is this test's own binary, started once more with crowdOf set: the registry's
// address, how many phones there are, and the file with the authority that has signed the registry's
// certificate, with spaces between them. It writes how many of them wait, a number on each line, and
// ends when its standard input does.
const crowdOf = "ASHYQ_CROWD_OF"

var errNotReady = errors.New("503 Service Unavailable")

// crowd are phones that wait for news, each with a pass and a connection of its own.
type crowd struct {
	url     string
	client  *http.Client
	waiting atomic.Int64
	trouble chan error // the first of them ends the program; further ones are dropped
}

// beCrowd is the load program.
func beCrowd(arguments string) error {
	var c crowd
	var phones int
	var authority string
	if _, err := fmt.Sscanf(arguments, "%s %d %s", &c.url, &phones, &authority); err != nil {
		return fmt.Errorf("read %s=%q: %w", crowdOf, arguments, err)
	}
	trusted, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(trusted) {
		return fmt.Errorf("there is no certificate in %q", authority)
	}
	// HTTP/2 would put all phones on one connection.
	c.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: phones, TLSClientConfig: &tls.Config{RootCAs: pool},
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}
	c.trouble = make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test has ended
		cancel()
	}()
	together := make(chan struct{}, 400) // the line of one address has 500 places
	for n := range phones {
		go func() {
			if err := c.phone(ctx, n, together); err != nil && ctx.Err() == nil {
				select {
				case c.trouble <- fmt.Errorf("phone %d: %w", n, err):
				default:
				}
			}
		}()
	}
	for {
		select {
		case err := <-c.trouble:
			return err
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
			fmt.Println(c.waiting.Load())
		}
	}
}

func (c *crowd) post(ctx context.Context, path string, body, answer any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	got, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode == http.StatusServiceUnavailable {
		return errNotReady
	}
	if got.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", path, got.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(got.Body).Decode(answer)
}

// codeOf is the one-time code of a phone, as the test has put it into the registry.
func codeOf(phone int) string { return fmt.Sprintf("%05d-%05d-%05d", phone, 0, 0) }

func (c *crowd) activate(ctx context.Context, n int) (*citizens.Phone, error) {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint64(seed, uint64(n)+1)
	phone := citizens.New(ed25519.NewKeyFromSeed(seed))
	err := errNotReady
	for errors.Is(err, errNotReady) { // a busy registry asks to try again
		err = c.post(ctx, server.PathActivate, server.ActivateRequest{Code: codeOf(n), Key: phone.Key()}, nil)
	}
	return phone, err
}

// phone activates a pass and waits for news of it again and again.
func (c *crowd) phone(ctx context.Context, n int, together chan struct{}) error {
	together <- struct{}{}
	phone, err := c.activate(ctx, n)
	<-together
	if err != nil {
		return err
	}
	for seen := ""; ctx.Err() == nil; {
		self, err := phone.Self(time.Now())
		if err != nil {
			return err
		}
		var a server.SelfAnswer
		if seen != "" {
			c.waiting.Add(1)
		}
		err = c.post(ctx, server.PathSelf, server.SelfRequest{Self: self, Seen: seen, Wait: 50}, &a)
		if seen != "" {
			c.waiting.Add(-1)
		}
		if err != nil {
			return err
		}
		if seen != "" && a.State == seen && a.Waited < 10_000 {
			return fmt.Errorf("it waited only %d ms", a.Waited)
		}
		seen = a.State
	}
	return nil
}

// crowdWaits starts the load program, and returns when all phones wait. waiting counts those that do.
func crowdWaits(t *testing.T, url string, options server.Options, phones int) (waiting func() int) {
	t.Helper()
	codes := make([]store.NewCode, phones)
	for n := range codes {
		codes[n] = store.NewCode{IIN: store.IIN(madeUp(n)), Code: store.SecretOf(codeOf(n))}
	}
	if err := options.Store.PutCodes(t.Context(), codes, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	authority := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: options.Authority.Certificate.Raw})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(context.Background(), os.Args[0]) // it ends in Cleanup
	program.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", crowdOf, url, phones, authority))
	program.Stderr = os.Stderr
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	var now atomic.Int64
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var n int64
			if _, err := fmt.Sscan(strings.TrimSpace(lines.Text()), &n); err == nil {
				now.Store(n)
			}
		}
		now.Store(-1)
	})
	t.Cleanup(func() {
		_ = in.Close() // then it ends
		reading.Wait()
		if err := program.Wait(); err != nil {
			t.Errorf("the load program: %v", err)
		}
	})
	end := time.Now().Add(patience + time.Duration(phones)*50*time.Millisecond)
	for ; now.Load() < int64(phones); time.Sleep(50 * time.Millisecond) {
		if now.Load() < 0 || time.Now().After(end) {
			t.Fatalf("%d of %d phones wait", now.Load(), phones)
		}
	}
	return func() int { return int(now.Load()) }
}
