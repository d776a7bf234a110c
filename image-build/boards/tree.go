package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/dt"
)

// A device is an enabled node of a device tree that lists its compatible strings, the most specific
// first (Devicetree Specification v0.4, 2.3.1).
type device struct {
	path       string
	compatible []string
}

// tree is a board's device tree with the properties that link its nodes.
type tree struct {
	root    *dt.Node
	paths   map[*dt.Node]string
	parent  map[*dt.Node]*dt.Node
	phandle map[uint32]*dt.Node
}

func readTree(file string) (*tree, error) {
	fdt, err := dt.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read device tree %q: %w", file, err)
	}
	return newTree(fdt.RootNode), nil
}

func newTree(root *dt.Node) *tree {
	t := &tree{root, map[*dt.Node]string{}, map[*dt.Node]*dt.Node{}, map[uint32]*dt.Node{}}
	t.index(root, nil, "/")
	return t
}

func (t *tree) index(n, parent *dt.Node, at string) {
	t.paths[n], t.parent[n] = at, parent
	if p := cells(n, "phandle"); len(p) == 1 {
		t.phandle[p[0]] = n
	}
	for _, c := range n.Children {
		t.index(c, n, path.Join(at, c.Name))
	}
}

// enabled reports whether neither the node nor any node above it is switched off.
func (t *tree) enabled(n *dt.Node) bool {
	for ; n != nil; n = t.parent[n] {
		if s := texts(n, "status"); len(s) > 0 && s[0] != "okay" && s[0] != "ok" {
			return false
		}
	}
	return true
}

// devices returns the enabled nodes with a compatible. The root's compatible names the board, not a
// device.
func (t *tree) devices() []device {
	var all []device
	for n := range t.paths {
		if c := texts(n, "compatible"); n != t.root && len(c) > 0 && t.enabled(n) {
			all = append(all, device{t.paths[n], c})
		}
	}
	slices.SortFunc(all, func(a, b device) int { return strings.Compare(a.path, b.path) })
	return all
}

// at finds a node by its path.
func (t *tree) at(path string) *dt.Node {
	for n, p := range t.paths {
		if p == path {
			return n
		}
	}
	return nil
}

// alias returns the path behind a name in /aliases; "" if there is no such name.
func (t *tree) alias(name string) string {
	if n := t.at("/aliases"); n != nil {
		if s := texts(n, name); len(s) == 1 {
			return s[0]
		}
	}
	return ""
}

// hosts returns the paths of the enabled card controllers; radio reports which one has the Wi-Fi
// chip.
func (t *tree) hosts() (card, radio []string) {
	for n, p := range t.paths {
		if name, _, _ := strings.Cut(n.Name, "@"); (name != "mmc" && name != "mmcnr") || !t.enabled(n) {
			continue
		}
		if slices.ContainsFunc(n.Children, func(c *dt.Node) bool {
			return slices.Contains(texts(c, "compatible"), "brcm,bcm4329-fmac")
		}) {
			radio = append(radio, p)
		} else {
			card = append(card, p)
		}
	}
	return card, radio
}

// suppliers are the properties that make a device wait for others. Each comes with the property of
// the other device that gives the number of argument cells. The kernel's list is
// of_supplier_bindings in drivers/of/property.c; these are the ones that a Pi's tree uses.
var suppliers = map[string]string{
	"clocks": "#clock-cells", "dmas": "#dma-cells", "mboxes": "#mbox-cells",
	"power-domains": "#power-domain-cells", "resets": "#reset-cells", "phys": "#phy-cells",
	"interrupts-extended": "#interrupt-cells", "gpios": "#gpio-cells", "gpio": "#gpio-cells",
	"interrupt-parent": "", "mmc-pwrseq": "", "firmware": "", "brcm,firmware": "", "usb-phy": "",
}

// supplier returns the name of the property with the number of cells, and whether name is a
// supplier.
func supplier(name string) (string, bool) {
	if strings.HasSuffix(name, "-gpios") || strings.HasSuffix(name, "-gpio") {
		return "#gpio-cells", true
	}
	if strings.HasSuffix(name, "-supply") {
		return "", true
	}
	if n, ok := strings.CutPrefix(name, "pinctrl-"); ok && n != "names" {
		return "", true
	}
	args, ok := suppliers[name]
	return args, ok
}

// needs returns the paths of all devices that the one at start waits for, including itself: the
// nodes above it, the suppliers that it names, and theirs.
func (t *tree) needs(start string) map[string]bool {
	seen := map[string]bool{}
	var visit func(n *dt.Node)
	visit = func(n *dt.Node) {
		if n == nil || seen[t.paths[n]] {
			return
		}
		seen[t.paths[n]] = true
		visit(t.parent[n])
		for _, p := range n.Properties {
			args, ok := supplier(p.Name)
			if !ok {
				continue
			}
			for c := cells(n, p.Name); len(c) > 0; {
				other := t.phandle[c[0]]
				visit(other)
				skip := 0
				if other != nil && args != "" {
					if count := cells(other, args); len(count) == 1 {
						skip = int(count[0])
					}
				}
				c = c[min(1+skip, len(c)):]
			}
		}
	}
	visit(t.at(start))
	return seen
}

// cells returns a property's 32-bit numbers.
func cells(n *dt.Node, name string) []uint32 {
	p, ok := n.LookProperty(name)
	if !ok {
		return nil
	}
	var all []uint32
	for v := p.Value; len(v) >= 4; v = v[4:] {
		all = append(all, binary.BigEndian.Uint32(v))
	}
	return all
}

// texts returns a property's strings.
func texts(n *dt.Node, name string) []string {
	p, ok := n.LookProperty(name)
	if !ok || len(p.Value) == 0 {
		return nil
	}
	var all []string
	for s := range bytes.SplitSeq(bytes.TrimSuffix(p.Value, []byte{0}), []byte{0}) {
		all = append(all, string(s))
	}
	return all
}
