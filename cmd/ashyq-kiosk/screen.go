package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// guardScreen answers only requests for this machine: by a loopback name, by the address on which
// the connection came in, or by the name in screen.listen. A browser sends the name of the page's
// own site, so a foreign site whose name points at this machine (DNS rebinding) does not get the
// camera's picture.
func guardScreen(listen string, next http.Handler) http.Handler {
	configured, _, err := net.SplitHostPort(listen)
	if err != nil {
		panic("screen.listen was not checked: " + err.Error()) // config does
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, ok := hostOf(r.Host)
		if ok && (strings.EqualFold(asked, configured) || isLoopback(asked) || isLocal(r, asked)) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = w.Write([]byte("this is a door's screen, and it does not answer to this name\nhint: use its address, as in screen.listen\n"))
	})
}

// hostOf is the name or address in a Host header, without port and brackets.
func hostOf(header string) (string, bool) {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host, true
	}
	if host, ok := strings.CutPrefix(header, "["); ok {
		return strings.CutSuffix(host, "]")
	}
	return header, !strings.Contains(header, ":")
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}

// isLocal reports whether host is the address at which the request arrived.
func isLocal(r *http.Request, host string) bool {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	addr, err := netip.ParseAddr(host)
	return ok && err == nil && addr == at.AddrPort().Addr().Unmap()
}

// openScreen says what others can see when the screen is open to the network.
const openScreen = "anybody who can connect to this address sees the camera's picture, " +
	"every verdict with its colour, and the door's figures, without a password"

func isOpen(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err != nil || !isLoopback(host)
}

func warnOpenScreen(listen string, log *slog.Logger) {
	if isOpen(listen) {
		log.Warn("the screen is open to the network: "+openScreen, "listen", listen, "hint", `screen.listen = "127.0.0.1:8081" shows it only on this machine`)
	}
}

// screenMemory is what a machine needs for the browser beside the door (docs/resources.md), as in
// ashyq-kiosk-screen.service, MiB. Boards with 512 MB have less, those with 1 GB more.
const screenMemory = 700

// screenUnit is there where the package ashyq-kiosk-screen is installed.
const screenUnit = "/usr/lib/systemd/system/ashyq-kiosk-screen.service"

// refuseScreen says why a machine with so much memory, MiB, does not start the browser of that
// unit.
func refuseScreen(unit string, memory uint64) error {
	if !exists(unit) || memory == 0 || memory >= screenMemory {
		return nil
	}
	return fmt.Errorf("this board has %d MB of memory and a browser needs %d MB: the screen beside the door does not start, and the door works without it\n"+
		"hint: use a board with 1 GB or more, remove the package ashyq-kiosk-screen, or use the card without a screen (lean)", memory, screenMemory)
}

// memory is the machine's, MiB; 0: unknown.
func memory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit) >> 20
}

// checkScreen is the doctor's line about it. An open screen is no fault: somebody may have a
// reason.
func checkScreen(listen string) (string, error) {
	if err := refuseScreen(screenUnit, memory()); err != nil {
		return "", err
	}
	if isOpen(listen) {
		return listen + ", open to the network: " + openScreen + ` (screen.listen = "127.0.0.1:8081" shows it only on this machine)`, nil
	}
	return listen + ", this machine only", nil
}
