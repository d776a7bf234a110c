package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kernel holds what a kernel's files say about its drivers.
type kernel struct {
	builtin map[string]bool     // compatible strings that the kernel itself matches
	modules map[string][]string // compatible string, usbVVVV,PPPP or pciVVVV,DDDD: the modules that match it
}

// readKernel reads the uncompressed Image and depmod's modules.alias.
func readKernel(image, alias string) (*kernel, error) {
	data, err := os.ReadFile(image)
	if err != nil {
		return nil, fmt.Errorf("read the kernel: %w", err)
	}
	k := &kernel{builtin: compatibles(data), modules: map[string][]string{}}
	if len(k.builtin) == 0 {
		return nil, fmt.Errorf("the kernel %q names no device: is it compressed?", image)
	}
	f, err := os.Open(alias)
	if err != nil {
		return nil, fmt.Errorf("read the modules' devices: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		device, module, ok := parseAlias(lines.Text())
		if ok && !slices.Contains(k.modules[device], module) {
			k.modules[device] = append(k.modules[device], module)
		}
	}
	return k, lines.Err()
}

// The layout of a match table's entry (struct of_device_id, include/linux/mod_devicetable.h).
const (
	nameAndType   = 32 + 32
	compatibleLen = 128
	align         = 8 // it ends with a pointer
)

// compatibles finds the match tables in a kernel. Drivers that are never modules (interrupt
// controllers, timers, clocks) are only in these tables, in no list that comes with a kernel.
func compatibles(image []byte) map[string]bool {
	all := map[string]bool{}
	zero := make([]byte, compatibleLen)
	for i := nameAndType; i+compatibleLen <= len(image); i += align {
		if c := image[i]; c < ' ' || c > '~' || image[i-1] != 0 {
			continue
		}
		text, rest, _ := bytes.Cut(image[i:i+compatibleLen], zero[:1])
		if bytes.Equal(image[i-nameAndType:i], zero[:nameAndType]) && bytes.Equal(rest, zero[:len(rest)]) {
			all[string(text)] = true
		}
	}
	return all
}

// parseAlias splits a line of modules.alias: "alias of:N*T*Cbrcm,bcm2835-i2c i2c_bcm2835",
// "alias usb:v0424pEC00d*... smsc95xx", "alias pci:v00001DE4d00000001sv*... rp1_pci". Devices of
// other buses are in no device tree.
func parseAlias(line string) (device, module string, ok bool) {
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "alias" {
		return "", "", false
	}
	if rest, found := strings.CutPrefix(words[1], "of:N"); found {
		_, device, ok = strings.Cut(rest, "C")
		return strings.TrimSuffix(device, "C*"), words[2], ok
	}
	if rest, found := strings.CutPrefix(words[1], "usb:v"); found && len(rest) > 9 && rest[4] == 'p' {
		return busName("usb", rest[:4], rest[5:9]), words[2], true
	}
	if rest, found := strings.CutPrefix(words[1], "pci:v"); found && len(rest) > 17 && rest[8] == 'd' {
		return busName("pci", rest[:8], rest[9:17]), words[2], true
	}
	return "", "", false
}

// busName is a device tree's name for a device on USB (usb/usb-device.yaml) or PCI (IEEE 1275's
// binding), without leading zeros.
func busName(bus, vendor, product string) string {
	short := func(s string) string { return strings.ToLower(strings.TrimLeft(s, "0")) }
	return bus + short(vendor) + "," + short(product)
}

// driver says what serves a device: the kernel itself, or one of some modules. The most specific
// compatible that the kernel knows decides. The later ones are often names like simple-mfd, which
// serve the device's children but not the device.
func (k *kernel) driver(compatible []string) (builtin bool, modules []string) {
	for _, c := range compatible {
		if k.builtin[c] || len(k.modules[c]) > 0 {
			return k.builtin[c], k.modules[c]
		}
	}
	return false, nil
}

// moduleName is a module's name as depmod writes it, from a file like 112-gpio-regulator.ko.xz (the
// initrd adds the number).
func moduleName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".ko")
	if number, rest, ok := strings.Cut(name, "-"); ok && strings.Trim(number, "0123456789") == "" {
		name = rest
	}
	return strings.ReplaceAll(name, "-", "_")
}

// modulesIn returns the modules below a directory, with their files.
func modulesIn(dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, entry os.DirEntry, err error) error {
		if err == nil && strings.Contains(entry.Name(), ".ko") {
			all[moduleName(file)] = file
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no module in %q", dir)
	}
	return all, err
}
