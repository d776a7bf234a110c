package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
)

// memory is a network inside a synctest bubble, where hours pass in no time.
type memory struct {
	conns chan net.Conn // unbuffered: a dial waits until it is accepted
	done  chan struct{}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	select {
	case <-m.done:
	default:
		close(m.done)
	}
	return nil
}

func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const timeout = 7 * time.Second

// inBubble calls test with a client of a server with the given handler and Timeout.
func inBubble(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, c *client.Client)) {
	synctest.Test(t, func(t *testing.T) {
		network := &memory{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: handler}
		served := make(chan error, 1)
		go func() { served <- server.Serve(network) }()
		c, err := client.New(client.Config{URL: "http://registry.example", Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		c.SetDial(network.dial)
		test(t, c)
		c.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// after checks when a call came back, and how.
func after(t *testing.T, want time.Duration, began time.Time, err error) {
	t.Helper()
	if took := time.Since(began); took != want {
		t.Errorf("took %v, want %v", took, want)
	}
	e, ok := errors.AsType[*api.CallError](err)
	if !ok || e.Err.Error() != "no answer in time" || e.Hint == "" {
		t.Errorf("%v, want that there was no answer in time", err)
	}
}

func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the other side has gone
	<-r.Context().Done()
}

func TestSilenceEnds(t *testing.T) {
	inBubble(t, silent, func(t *testing.T, c *client.Client) {
		began := time.Now()
		_, err := c.Check(t.Context(), "AQ1:CODE")
		after(t, timeout, began, err)
		began = time.Now()
		_, err = c.Blob(t.Context(), api.Hash{})
		after(t, timeout, began, err)
		began = time.Now()
		after(t, timeout, began, c.SendCounts(t.Context(), []byte("{}")))
		began = time.Now()
		_, err = c.Manifest(t.Context(), 0, time.Hour) // a first manifest is not waited for
		after(t, timeout, began, err)
		began = time.Now()
		_, err = c.Manifest(t.Context(), 1, 25*time.Second)
		after(t, timeout+25*time.Second, began, err)
	})
}

func TestLongPollOutlastsTheTimeout(t *testing.T) {
	held := func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(25*time.Second + timeout - 1)
		_, _ = w.Write([]byte("sealed"))
	}
	inBubble(t, held, func(t *testing.T, c *client.Client) {
		if data, err := c.Manifest(t.Context(), 1, 25*time.Second); err != nil || string(data) != "sealed" {
			t.Errorf("%q, %v, want the answer", data, err)
		}
	})
}

// drip sends one part of the body each interval.
func drip(body []byte, part int, interval time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for rest := body; len(rest) > 0; {
			n := min(part, len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				return
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			rest = rest[n:]
			select {
			case <-time.After(interval):
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestSlowBlobArrives(t *testing.T) {
	body := bytes.Repeat([]byte("slow"), 100_000)
	inBubble(t, drip(body, 2*client.Slowest, 2*time.Second), func(t *testing.T, c *client.Client) {
		began := time.Now()
		if data, err := c.Blob(t.Context(), api.HashOf(body)); err != nil || !bytes.Equal(data, body) {
			t.Errorf("%d bytes, %v after %v, want all %d", len(data), err, time.Since(began), len(body))
		}
	})
}

func TestBlobThatStopsInTheMiddle(t *testing.T) {
	body := make([]byte, 10_000)
	inBubble(t, drip(body, 6_000, time.Hour), func(t *testing.T, c *client.Client) {
		began := time.Now()
		_, err := c.Blob(t.Context(), api.HashOf(body))
		after(t, timeout, began, err)
	})
}

func TestBlobThatDripsForEver(t *testing.T) {
	body := make([]byte, client.MaxBlob)
	inBubble(t, drip(body, 1, timeout-1), func(t *testing.T, c *client.Client) {
		began := time.Now()
		_, err := c.Blob(t.Context(), api.HashOf(body))
		after(t, timeout+client.MaxBlob/client.Slowest*time.Second, began, err)
	})
}

func TestCallersOwnEnd(t *testing.T) {
	inBubble(t, silent, func(t *testing.T, c *client.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Check(ctx, "AQ1:CODE")
		if _, ok := errors.AsType[*api.CallError](err); ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the context's own error", err)
		}
	})
}
