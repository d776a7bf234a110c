package provision

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// readProxy reads the way to the registry for a venue that has only a proxy: the proxy's URL on the
// first line, and on a second one the hosts that are reached without it, separated by commas.
func readProxy(data []byte) (w wishes) {
	first, second, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	first, second = strings.TrimSpace(first), strings.TrimSpace(second)
	u, err := url.Parse(first)
	// The URL may hold a password, and its parser's error quotes the URL.
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		strings.Trim(u.Path, "/") != "" || !unquoted(first) {
		w.fail(errors.New("the proxy: want a line like http://proxy.example:3128"))
		return w
	}
	if !unquoted(second) {
		w.fail(fmt.Errorf("hosts without the proxy %q: want host,host", second))
		return w
	}
	w.proxy, w.direct = first, second
	return w
}

// unquoted reports whether systemd and pam_env take a value as it is. A URL may have one @,
// after its user.
func unquoted(s string) bool {
	return !strings.ContainsAny(s, " \t\r\n\"'\\$#{}") && strings.Count(s, "@") <= 1
}

// setProxy writes the environment for logins and for the units that reach the registry. Only root
// can read the file; systemd and pam_env pass it on.
func (o Options) setProxy(proxy, direct string) error {
	if proxy == "" {
		return nil
	}
	var b strings.Builder
	for _, name := range []string{"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"} {
		fmt.Fprintf(&b, "%s=%s\n", name, proxy)
	}
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		fmt.Fprintf(&b, "%s=%s\n", name, strings.Trim("localhost,127.0.0.1,::1,"+direct, ","))
	}
	return o.place("etc/environment", []byte(b.String()), 0o600, keepGroup)
}
