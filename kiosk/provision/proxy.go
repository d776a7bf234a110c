package provision

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// readProxy reads the way to the registry where a venue has only a proxy: its URL on the first line,
// and on a second one the hosts that are reached without it, with commas between.
func readProxy(data []byte) (w wishes) {
	first, second, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	first, second = strings.TrimSpace(first), strings.TrimSpace(second)
	u, err := url.Parse(first)
	// The URL may hold a password, and its parser's error quotes the URL.
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || !unquoted(first) {
		w.fail(errors.New("the proxy: want a line as http://proxy.example:3128"))
		return w
	}
	if !unquoted(second) {
		w.fail(fmt.Errorf("hosts without the proxy %q: want host,host", second))
		return w
	}
	w.proxy, w.direct = first, second
	return w
}

// unquoted tells whether systemd and pam_env take a value as it is. An @ is only a URL's user's.
func unquoted(s string) bool {
	return !strings.ContainsAny(s, " \t\r\n\"'\\$#{}") && strings.Count(s, "@") <= 1
}

// setProxy writes the environment of who logs in and of the units that reach the registry. Only
// root reads it: systemd and pam_env hand it on.
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
