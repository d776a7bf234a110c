package setup

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// anywhere are addresses reserved for documentation (RFC 5737, RFC 3849): a route to them is a
// route out of this machine.
var anywhere = []string{"192.0.2.1", "2001:db8::1"}

// Route returns an error if the kernel has no route to the proxy or the registry, or no route out
// of this machine if the URL has a host name. It sends nothing: it connects a UDP socket and closes
// it. (Listing the interfaces needs netlink, which the unit's sandbox forbids.)
func Route(registry string) error {
	hosts := anywhere
	if proxy := ProxyFor(registry); proxy != nil {
		hosts = []string{proxy.Hostname()}
	} else if u, err := url.Parse(registry); err == nil {
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
			hosts = []string{ip.String()}
		} else if u.Hostname() == "localhost" {
			return nil
		}
	}
	var problems []error
	for _, host := range hosts {
		conn, err := net.Dial("udp", net.JoinHostPort(host, "9"))
		if err == nil {
			return conn.Close()
		}
		problems = append(problems, err)
	}
	return fmt.Errorf("this machine has no network: %w", errors.Join(problems...))
}

// ProxyFor is the proxy between this door and the registry, nil if there is no proxy. A door that
// does not know its registry yet will use the same way as for any other host.
func ProxyFor(registry string) *url.URL {
	u, err := url.Parse(cmp.Or(registry, "https://registry.invalid"))
	if err != nil {
		return nil
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil {
		return nil // the client says what is wrong with it
	}
	return proxy
}
