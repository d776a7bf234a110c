// Package sms hands messages to whoever sends them: a command on this machine, or a gateway's URL.
// Both get one JSON object:
//
//	{"number": "+77010000000", "text": "..."}
//
// Errors name neither number nor text, because they are logged.
package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

type message struct {
	Number string `json:"number"`
	Text   string `json:"text"`
}

// Command runs a program for each message and gives it the object on its standard input. Exit code
// 0 means that the message is on its way.
type Command struct {
	Path string
}

// NewCommand wants a program that can be run.
func NewCommand(path string) (*Command, error) {
	found, err := exec.LookPath(path)
	if err != nil {
		return nil, fmt.Errorf("look for the command that sends messages: %w\nhint: --sms-command names a program without arguments", err)
	}
	return &Command{found}, nil
}

// Send implements server.Messages.
func (c *Command) Send(ctx context.Context, number, text string) error {
	in, err := json.Marshal(message{number, text})
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	cmd := exec.CommandContext(ctx, c.Path)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} // not the registry's secrets
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %q: %w", c.Path, err)
	}
	return nil
}

// Gateway posts each message to a URL, with a bearer token. A status of 2xx means that the message
// is on its way.
type Gateway struct {
	url, token string
	client     *http.Client
}

// NewGateway reads the token. Plain HTTP is only for this machine: a message holds a secret.
func NewGateway(address, tokenFile string) (*Gateway, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && !(u.Scheme == "http" && isHere(u.Hostname())) {
		return nil, fmt.Errorf("the gateway's URL %q: want https\nhint: plain http only goes to this machine, as http://127.0.0.1:9000/send", address)
	}
	raw, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, fmt.Errorf("read the gateway's token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return nil, fmt.Errorf("the gateway's token in %q is empty or has several lines", tokenFile)
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Gateway{address, token, &http.Client{CheckRedirect: noRedirect, Timeout: time.Minute}}, nil
}

func isHere(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Send implements server.Messages.
func (g *Gateway) Send(ctx context.Context, number, text string) error {
	body, err := json.Marshal(message{number, text})
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("ask the gateway: its URL cannot be used")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+g.token)
	answer, err := g.client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the gateway: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection is used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the gateway answers %s", answer.Status)
	}
	return nil
}
