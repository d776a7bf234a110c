package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFixedAddress(t *testing.T) {
	o, log := world(t, map[string]string{"boot/network-config": `
network:
  version: 2
  ethernets:
    eth0:
      dhcp4: false
      addresses: [192.0.2.10/24, "2001:db8::10/64"]
      routes: [{to: default, via: 192.0.2.1}]
      nameservers: {addresses: [192.0.2.53], search: [venue.example]}
  wifis:
    wlan0:
      dhcp4: true
      addresses: [198.51.100.7/24]
      gateway4: 198.51.100.1
      access-points: {shop: {password: "long enough"}}
`})
	Apply(o)
	for name, want := range map[string]string{
		"ether": `[Match]
Type=ether
Kind=!*

[Link]
RequiredForOnline=no

[Network]
IPv6PrivacyExtensions=yes
DHCP=no
Address=192.0.2.10/24
Address=2001:db8::10/64
DNS=192.0.2.53
Domains=venue.example

[Route]
Gateway=192.0.2.1
Metric=100

[DHCPv4]
RouteMetric=100
`,
		"wlan": `[Match]
Type=wlan
Kind=!*

[Link]
RequiredForOnline=no

[Network]
IPv6PrivacyExtensions=yes
DHCP=yes
Address=198.51.100.7/24

[Route]
Gateway=198.51.100.1
Metric=600

[DHCPv4]
RouteMetric=600
`,
	} {
		got, err := os.ReadFile(filepath.Join(o.Root, "etc/systemd/network/10-card-"+name+".network"))
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nlog: %s", name, err, got, log)
		}
	}
}

// A door whose file is wrong asks the router for an address, and says what is wrong.
func TestFixedAddressIsWholeOrNot(t *testing.T) {
	for device, want := range map[string]string{
		`addresses: [192.0.2.10]`:                                                   `"192.0.2.10"`,
		`addresses: {a: b}`:                                                         "addresses",
		`addresses: [192.0.2.10/24], gateway4: 198.51.100.1`:                        "no network of this device",
		`addresses: [192.0.2.10/24], gateway4: router`:                              `"router"`,
		`addresses: [192.0.2.10/24], routes: [{to: 10.0.0.0/8, via: 192.0.2.1}]`:    "only a default route",
		`addresses: [192.0.2.10/24], nameservers: {addresses: [dns]}`:               `"dns"`,
		`addresses: [192.0.2.10/24], nameservers: {search: ["a\nGateway=1.2.3.4"]}`: "search",
		`addresses: ["fe80::1%eth0/64"]`:                                            "address",
	} {
		w := readNetworkConfig([]byte("ethernets: {eth0: {" + device + "}}\n"))
		if len(w.links) != 0 || !strings.Contains(problems(w), want) {
			t.Errorf("%s: links %v, problems %q, want %q", device, w.links, problems(w), want)
		}
	}
	if w := readNetworkConfig([]byte("ethernets: {eth0: {dhcp4: true, optional: true}}\n")); len(w.links)+len(w.problems)+len(w.ignored) != 0 {
		t.Errorf("a device without an address: %+v", w)
	}
}
