package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/u-root/u-root/pkg/dt"
)

func node(name string, children []*dt.Node, properties ...dt.Property) *dt.Node {
	return dt.NewNode(name, dt.WithChildren(children...), dt.WithProperty(properties...))
}

func strs(name string, values ...string) dt.Property {
	return dt.Property{Name: name, Value: []byte(strings.Join(values, "\x00") + "\x00")}
}

var u32 = dt.PropertyU32Array

// pi is a small Pi 4: a card behind two regulators, one switched by a line, and a radio.
func pi() *dt.Node {
	return node("", []*dt.Node{
		node("aliases", nil, strs("mmc0", "/bus/mmc@1"), strs("mmc1", "/bus/mmc@2")),
		node("bus", []*dt.Node{
			node("mmc@1", nil, strs("compatible", "x,card"), u32("clocks", []uint32{1, 9, 2}), u32("vmmc-supply", []uint32{3})),
			node("mmc@2", []*dt.Node{node("wifi@1", nil, strs("compatible", "brcm,bcm4329-fmac"))}, strs("compatible", "x,radio")),
			node("clock@3", nil, strs("compatible", "x,clock"), u32("phandle", []uint32{1}), u32("#clock-cells", []uint32{1})),
			node("clock@4", nil, strs("compatible", "x,other"), u32("phandle", []uint32{2}), u32("#clock-cells", []uint32{0})),
			node("lines@5", nil, strs("compatible", "x,lines"), u32("phandle", []uint32{4}), u32("#gpio-cells", []uint32{2})),
			node("off@6", nil, strs("compatible", "x,off"), strs("status", "disabled")),
		}, strs("compatible", "simple-bus")),
		node("power", nil, strs("compatible", "regulator-fixed"), u32("phandle", []uint32{3}), u32("gpios", []uint32{4, 6, 0})),
		node("off", []*dt.Node{node("below", nil, strs("compatible", "x,off"))}, strs("status", "disabled")),
		node("usb", nil, strs("compatible", "usb424,ec00")),
	}, strs("compatible", "x,board"))
}

func TestDevices(t *testing.T) {
	var got []string
	for _, d := range newTree(pi()).devices() {
		got = append(got, d.path)
	}
	want := "/bus /bus/clock@3 /bus/clock@4 /bus/lines@5 /bus/mmc@1 /bus/mmc@2 /bus/mmc@2/wifi@1 /power /usb"
	if strings.Join(got, " ") != want {
		t.Errorf("enabled devices are %s, want %s", got, want)
	}
}

// The card waits for its clocks, its power, and the line that switches the power, but not for the
// radio.
func TestNeeds(t *testing.T) {
	needed := newTree(pi()).needs("/bus/mmc@1")
	for _, path := range []string{"/bus", "/bus/mmc@1", "/bus/clock@3", "/bus/clock@4", "/bus/lines@5", "/power"} {
		if !needed[path] {
			t.Errorf("the card does not need %s", path)
		}
	}
	if needed["/bus/mmc@2"] || needed["/usb"] {
		t.Errorf("the card needs too much: %v", needed)
	}
}

func serving(modules, initrd string, e ...*exception) *served {
	s := &served{kernel: &kernel{
		builtin: map[string]bool{"simple-bus": true, "x,clock": true, "x,other": true, "x,lines": true, "x,radio": true},
		modules: map[string][]string{"x,card": {"card"}, "regulator-fixed": {"fixed"}, "usb424,ec00": {"usbnet"}},
	}, onCard: map[string]string{}, inInitrd: map[string]string{}, exceptions: e}
	for m := range strings.FieldsSeq(modules) {
		s.onCard[m] = m
	}
	for m := range strings.FieldsSeq(initrd) {
		s.inInitrd[m] = m
	}
	return s
}

func TestBoard(t *testing.T) {
	radio := func() *exception { return &exception{kind: "by:brcmfmac", pattern: "brcm,bcm4329-fmac"} }
	for _, test := range []struct {
		name, modules, initrd string
		change                func(*dt.Node)
		wrong                 string // part of the only complaint
	}{
		{"all there", "card fixed usbnet brcmfmac", "card fixed", nil, ""},
		{"power only on the card", "card fixed usbnet brcmfmac", "card", nil, "/power (regulator-fixed): the card cannot be read"},
		{"network missing", "card fixed brcmfmac", "card fixed", nil, `/usb (usb424,ec00): module ["usbnet"] is not on the card`},
		{"an exception's module missing", "card fixed usbnet", "card fixed", nil, "/bus/mmc@2/wifi@1"},
		{"no alias", "card fixed usbnet brcmfmac", "card fixed", func(n *dt.Node) { n.Children[0].RemoveProperty("mmc0") }, "mmc0"},
		{"aliases the wrong way round", "card fixed usbnet brcmfmac", "card fixed", func(n *dt.Node) {
			n.Children[0].Properties = []dt.Property{strs("mmc0", "/bus/mmc@1"), strs("mmc1", "/bus/mmc@1")}
		}, "mmc1"},
		{"specific before generic", "card fixed usbnet brcmfmac", "card fixed", func(n *dt.Node) {
			n.Children[3].Children = nil
			n.Children[3].Properties = []dt.Property{strs("compatible", "usb424,ec01", "x,absent", "simple-bus")}
		}, ""},
		{"generic does not stand for specific", "card fixed usbnet brcmfmac", "card fixed", func(n *dt.Node) {
			n.Children[3].Children = nil
			n.Children[3].Properties = []dt.Property{strs("compatible", "x,lone", "simple-bus")}
		}, "x,lone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := pi()
			if test.change != nil {
				test.change(root)
			}
			f, s := &found{}, serving(test.modules, test.initrd, radio())
			s.kernel.modules["x,lone"] = []string{"lone"}
			s.board(f, "4B", newTree(root))
			if test.wrong == "" && len(f.wrong) != 0 || test.wrong != "" && (len(f.wrong) != 1 || !strings.Contains(f.wrong[0], test.wrong)) {
				t.Errorf("wrong: %q, want %q", f.wrong, test.wrong)
			}
		})
	}
}

func TestFirmware(t *testing.T) {
	dir := t.TempDir()
	for name, target := range map[string]string{"there.bin": "", "packed.bin.xz": "", "chip.x,board.txt": "", "link": "there.bin", "away": "/etc/passwd", "dangling": "nothing"} {
		var err error
		if target == "" {
			err = os.WriteFile(filepath.Join(dir, name), nil, 0o600)
		} else {
			err = os.Symlink(target, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f, s := &found{}, serving("", "", &exception{kind: "firmware", pattern: "left[*]out"}, &exception{kind: "firmware", pattern: "stale"})
	names := []string{"there.bin", "packed.bin", "chip.*.txt", "link", "left*out", "away", "dangling", "absent"}
	if err := s.firmware(f, dir, names); err != nil {
		t.Fatal(err)
	}
	want := []string{`firmware "away" is not on the card`, `firmware "dangling" is not on the card`, `firmware "absent" is not on the card`}
	if !slices.Equal(f.wrong, want) {
		t.Errorf("wrong: %q, want %q", f.wrong, want)
	}
	f = &found{}
	s.exceptions.unused(f, false)
	if len(f.wrong) != 1 || !strings.Contains(f.wrong[0], "stale") {
		t.Errorf("unused exceptions: %q, want the stale one", f.wrong)
	}
	f = &found{}
	if s.exceptions.unused(f, true); len(f.wrong) != 0 {
		t.Errorf("with an administrator's firmware %q is wrong", f.wrong)
	}
}

// A kernel's match tables: struct of_device_id twice, then a string that only looks like one.
func TestCompatibles(t *testing.T) {
	entry := func(c string) []byte {
		e := make([]byte, nameAndType+compatibleLen+8)
		copy(e[nameAndType:], c)
		return e
	}
	image := slices.Concat(make([]byte, 64), entry("x,one"), entry("x,two"), bytes.Repeat([]byte("text\x00,,,"), 40))
	got := compatibles(image)
	if len(got) != 2 || !got["x,one"] || !got["x,two"] {
		t.Errorf("compatibles are %v", got)
	}
}

func TestParseAlias(t *testing.T) {
	for line, want := range map[string]string{
		"alias of:N*T*Cbrcm,bcm2835-i2c i2c_bcm2835":             "brcm,bcm2835-i2c i2c_bcm2835",
		"alias of:N*T*Cbrcm,bcm2835-i2cC* i2c_bcm2835":           "brcm,bcm2835-i2c i2c_bcm2835",
		"alias usb:v0424pEC00d*dc*dsc*dp*ic*isc*ip*in* smsc95xx": "usb424,ec00 smsc95xx",
		"alias usb:v*p*d*dc09dsc*dp*ic*isc*ip*in* x":             "",
		"alias pci:v00001DE4d00000001sv*sd*bc*sc*i* rp1_pci":     "pci1de4,1 rp1_pci",
		"alias pci:v*d*sv*sd*bc0Csc03i30* xhci_pci":              "",
		"# Aliases extracted from modules themselves.":           "",
	} {
		device, module, ok := parseAlias(line)
		if got := strings.TrimSpace(device + " " + module); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v, want %q", line, got, ok, want)
		}
	}
}

// The lists in the source can be read, and give reasons.
func TestLists(t *testing.T) {
	boards, err := readBoards("boards", "lean")
	if err != nil || len(boards) != 8 {
		t.Errorf("%d boards, %v, want the README's 8", len(boards), err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, named, _ := strings.Cut(string(readme), "The card image is for Pi ")
	named, _, _ = strings.Cut(named, " with a USB camera")
	var names []string
	for _, b := range boards {
		names = append(names, strings.ReplaceAll(b.name, "-", " "))
	}
	if last := len(names) - 1; named != strings.Join(names[:last], ", ")+" and "+names[last] {
		t.Errorf("the README names %q, the table has %q", named, names)
	}
	for _, variant := range []string{"lean", "screen", "pi5"} {
		if e, err := readExceptions("exceptions", variant, false); err != nil || len(e) == 0 {
			t.Errorf("%s: %d exceptions, %v", variant, len(e), err)
		}
	}
	file := filepath.Join(t.TempDir(), "exceptions")
	for _, line := range []string{"node all x,y", "nodes all x,y reason", "node all [ reason"} {
		if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readExceptions(file, "lean", false); err == nil {
			t.Errorf("%q is taken for an exception", line)
		}
	}
}
