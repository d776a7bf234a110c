package client

import (
	"context"
	"net"
	"net/http"
)

// SetDial replaces how connections are made, for simulated networks.
func (c *Client) SetDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.http.Transport.(*http.Transport).DialContext = dial
}

const (
	MaxAnswer = maxAnswer
	Slowest   = slowest
)
