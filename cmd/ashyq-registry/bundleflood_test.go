package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"ashyq-kiosk/kiosk/api"
)

// TestBundlesThatNobodyTakes loads a bundle very often and takes nothing of it. Each connection of
// HTTP/2 does so with as many requests as it may: together they are more than the registry may have
// open files.
func TestBundlesThatNobodyTakes(t *testing.T) {
	for _, own := range []bool{false, true} {
		if own && testing.Short() {
			continue // -short leaves the registry with one port to make test
		}
		dir := t.TempDir()
		file, err := os.Create(filepath.Join(dir, "large.raucb"))
		if err == nil {
			err = file.Truncate(64 << 20)
		}
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		p := serveFew(t, own, "--bundles", dir)
		send := slow{text: requests(api.PathBundle+"/large.raucb", streams), h2: true}
		var silent []net.Conn
		for i := range polls {
			if c := p.open(p.doors, floods["many clients"](i), send); c != nil {
				silent = append(silent, c)
			}
		}
		p.answers()
		for _, c := range silent {
			c.Close()
		}
	}
}

// requests is a connection of HTTP/2 with some requests for the same. The client takes nothing of
// the answers.
func requests(path string, n int) string {
	var text, fields strings.Builder
	pack, framer := hpack.NewEncoder(&fields), http2.NewFramer(&text, nil)
	text.WriteString(http2.ClientPreface)
	_ = framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}) // strings.Builder takes everything
	for i := range n {
		fields.Reset()
		for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "127.0.0.1"}, {":path", path}} {
			_ = pack.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
		}
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: []byte(fields.String()), EndStream: true, EndHeaders: true})
	}
	return text.String()
}
