package provision

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// linkPlan is the part of a netplan device that a fixed address needs.
type linkPlan struct {
	DHCP4       bool      `yaml:"dhcp4"`
	DHCP6       bool      `yaml:"dhcp6"`
	Addresses   yaml.Node `yaml:"addresses"`
	Gateway4    string    `yaml:"gateway4"`
	Gateway6    string    `yaml:"gateway6"`
	Nameservers struct {
		Addresses []string `yaml:"addresses"`
		Search    []string `yaml:"search"`
	} `yaml:"nameservers"`
	Routes []struct {
		To  string `yaml:"to"`
		Via string `yaml:"via"`
	} `yaml:"routes"`
}

// link is a fixed address for all devices of a kind. A door has only one of a kind, so the device's
// name in the file does not matter.
type link struct {
	kind      string // systemd's: ether, wlan
	dhcp      bool   // also an address from the router
	addresses []netip.Prefix
	gateways  []netip.Addr
	names     []netip.Addr
	search    []string
}

// metrics are those of the image's own *.network files: a cable is preferred to Wi-Fi.
var metrics = map[string]int{"ether": 100, "wlan": 600}

// askLinks takes the first device of a kind that has an address. After a mistake the door
// keeps the router's address: a door with half an address could not be reached.
func (w *wishes) askLinks(kind string, plans map[string]linkPlan) {
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		l, err := plans[name].link(kind)
		if err != nil {
			w.fail(fmt.Errorf("%s: %w\nhint: until this is mended, the device gets its address from the router", name, err))
			continue
		}
		if len(l.addresses) > 0 {
			w.links = append(w.links, l)
			return
		}
	}
}

func (p linkPlan) link(kind string) (l link, err error) {
	l = link{kind: kind, dhcp: p.DHCP4 || p.DHCP6, search: p.Nameservers.Search}
	var addresses []string
	if !p.Addresses.IsZero() {
		if err := decodeNode(p.Addresses, &addresses); err != nil {
			return l, fmt.Errorf("addresses: %w", err)
		}
	}
	for _, text := range addresses {
		a, err := netip.ParsePrefix(text)
		if err != nil {
			return l, fmt.Errorf("address %q: want one like 192.0.2.10/24", text)
		}
		l.addresses = append(l.addresses, a)
	}
	gateways := []string{p.Gateway4, p.Gateway6}
	for _, r := range p.Routes {
		if r.To != "default" && r.To != "0.0.0.0/0" && r.To != "::/0" {
			return l, fmt.Errorf("route to %q: only a default route is possible", r.To)
		}
		gateways = append(gateways, r.Via)
	}
	if l.gateways, err = parseAddrs("gateway", gateways); err != nil {
		return l, err
	}
	for _, g := range l.gateways {
		if !slices.ContainsFunc(l.addresses, func(a netip.Prefix) bool { return a.Contains(g) }) && !g.IsLinkLocalUnicast() {
			return l, fmt.Errorf("gateway %q is in no network of this device", g)
		}
	}
	if l.names, err = parseAddrs("name server", p.Nameservers.Addresses); err != nil {
		return l, err
	}
	for _, s := range l.search {
		if s == "" || strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			return l, errors.New("nameservers.search: want domain names")
		}
	}
	return l, nil
}

// parseAddrs leaves out empty ones.
func parseAddrs(what string, texts []string) (all []netip.Addr, err error) {
	for _, text := range texts {
		if text == "" {
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return nil, fmt.Errorf("%s %q: want an address like 192.0.2.1", what, text)
		}
		all = append(all, a)
	}
	return all, nil
}

// text returns the link as systemd.network(5).
func (l link) text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "[Match]\nType=%s\nKind=!*\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nIPv6PrivacyExtensions=yes\nDHCP=%s\n",
		l.kind, map[bool]string{true: "yes", false: "no"}[l.dhcp])
	for _, a := range l.addresses {
		fmt.Fprintf(&b, "Address=%s\n", a)
	}
	for _, a := range l.names {
		fmt.Fprintf(&b, "DNS=%s\n", a)
	}
	if len(l.search) > 0 {
		fmt.Fprintf(&b, "Domains=%s\n", strings.Join(l.search, " "))
	}
	for _, g := range l.gateways {
		fmt.Fprintf(&b, "\n[Route]\nGateway=%s\nMetric=%d\n", g, metrics[l.kind])
	}
	fmt.Fprintf(&b, "\n[DHCPv4]\nRouteMetric=%d\n", metrics[l.kind])
	return []byte(b.String())
}

// setLinks writes the links where systemd-networkd, which starts later, looks before the image's
// own files.
func (o Options) setLinks(links []link) error {
	var errs []error
	for _, l := range links {
		errs = append(errs, o.place("etc/systemd/network/10-card-"+l.kind+".network", l.text(), 0o644, keepGroup))
	}
	return errors.Join(errs...)
}
