package provision

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// known are the keys of user-data that provision applies, or that need nothing done on this image.
var known = []string{
	"hostname", "timezone", "users", "manage_etc_hosts", "manage_resolv_conf", "enable_ssh", "ssh_pwauth", "keyboard",
}

// user is one entry of users. The only account is root, so the name does not matter.
type user struct {
	Keys     []string `yaml:"ssh_authorized_keys"`
	Password string   `yaml:"passwd"`
}

// readUserData reads the cloud-config that Imager writes for images whose init_format is
// "cloudinit".
func readUserData(data []byte) (w wishes) {
	if bytes.HasPrefix(data, []byte("#!")) {
		w.fail(errors.New("it is a script, and scripts on the card are not run"))
		return w
	}
	var all map[string]yaml.Node
	if err := decodeYAML(data, &all); err != nil {
		w.fail(err)
		return w
	}
	var hostName, timeZone string
	var users []yaml.Node
	w.fail(decodeKey(all, "hostname", &hostName))
	w.fail(decodeKey(all, "timezone", &timeZone))
	w.fail(decodeKey(all, "users", &users))
	w.askHostName(hostName)
	w.askTimeZone(timeZone)
	for _, n := range users {
		w.askUser(n)
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(known, key) {
			w.ignored = append(w.ignored, key)
		}
	}
	return w
}

func (w *wishes) askUser(n yaml.Node) {
	var u user
	if err := decodeNode(n, &u); err != nil {
		w.fail(fmt.Errorf("users: %w", err))
		return
	}
	for _, key := range u.Keys {
		w.askKeys(key)
	}
	if u.Password != "" {
		w.ignored = append(w.ignored, "a user's password; SSH takes keys only")
	}
}

// netplan is the part of network-config that a door needs.
type netplan struct {
	WiFis map[string]struct {
		linkPlan     `yaml:",inline"`
		Country      string                 `yaml:"regulatory-domain"`
		AccessPoints map[string]accessPoint `yaml:"access-points"`
	} `yaml:"wifis"`
	Ethernets map[string]cablePlan `yaml:"ethernets"`
}

type cablePlan struct {
	linkPlan `yaml:",inline"`
	Auth     yaml.Node `yaml:"auth"`
}

type accessPoint struct {
	Password string `yaml:"password"`
	Hidden   bool   `yaml:"hidden"`
	Auth     struct {
		Management string `yaml:"key-management"`
		Password   string `yaml:"password"`
	} `yaml:"auth"`
}

// readNetworkConfig reads netplan's YAML, with or without "network:" around it.
func readNetworkConfig(data []byte) (w wishes) {
	var outer struct {
		Network *netplan `yaml:"network"`
		Bare    netplan  `yaml:",inline"`
	}
	if err := decodeYAML(data, &outer); err != nil {
		w.fail(err)
		return w
	}
	plan := outer.Bare
	if outer.Network != nil {
		plan = *outer.Network
	}
	cables, radios := map[string]linkPlan{}, map[string]linkPlan{}
	for device, cable := range plan.Ethernets {
		cables[device] = cable.linkPlan
	}
	for device, wifi := range plan.WiFis {
		radios[device] = wifi.linkPlan
	}
	w.askLinks("ether", cables)
	w.askLinks("wlan", radios)
	w.askWired(plan.Ethernets)
	for _, device := range slices.Sorted(maps.Keys(plan.WiFis)) {
		wifi := plan.WiFis[device]
		w.askCountry(wifi.Country)
		for _, ssid := range slices.Sorted(maps.Keys(wifi.AccessPoints)) {
			w.askAccessPoint(ssid, wifi.AccessPoints[ssid])
		}
	}
	return w
}

func (w *wishes) askAccessPoint(ssid string, a accessPoint) {
	switch a.Auth.Management {
	case "", "none", "psk", "sae":
	default:
		w.fail(fmt.Errorf("network %q: key-management %q, want psk, sae or none\n"+
			"hint: a door needs a network with a passphrase, or a cable", ssid, a.Auth.Management))
		return
	}
	w.askNetwork(network{ssid: ssid, secret: a.Password + a.Auth.Password, hidden: a.Hidden})
}

// decodeYAML never panics, even where the library does: a door has to start with any file.
func decodeYAML(data []byte, to any) (err error) {
	defer caught(&err)
	if err := yaml.Unmarshal(data, to); err != nil {
		return errors.New(withoutValues(err))
	}
	return nil
}

func decodeNode(n yaml.Node, to any) (err error) {
	defer caught(&err)
	if err := n.Decode(to); err != nil {
		return errors.New(withoutValues(err))
	}
	return nil
}

func decodeKey(all map[string]yaml.Node, key string, to any) error {
	n, ok := all[key]
	if !ok {
		return nil
	}
	if err := decodeNode(n, to); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func caught(err *error) {
	if r := recover(); r != nil {
		*err = errors.New("the YAML library failed on it")
	}
}

// withoutValues cuts quoted values out of the library's message, because one may be a password.
func withoutValues(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if first, last := strings.IndexAny(line, "`'"), strings.LastIndexAny(line, "`'"); first >= 0 {
			line = line[:first] + "..." + line[last+1:]
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " ")
}
