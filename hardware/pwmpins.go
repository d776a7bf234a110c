package hardware

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// lastHeaderPin is GPIO27; lines above are not on the header of a Pi.
const lastHeaderPin = 27

// pwmPins are the SoC's lines on which a PWM chip ends, as far as the kernel's device tree tells:
// its node names pin settings (pinctrl-0, by their phandles), and those name lines, as numbers
// (brcm,pins) or in the general form (pins, in nodes below: pinctrl/pinmux-node.yaml). Empty where
// the tree does not say so.
func pwmPins(chip string) []int {
	of, err := filepath.EvalSymlinks(filepath.Join(chip, "device/of_node"))
	if err != nil {
		return nil
	}
	wanted := words(filepath.Join(of, "pinctrl-0"))
	if len(wanted) == 0 {
		return nil
	}
	settings, _ := filepath.Glob(filepath.Join(filepath.Dir(of), "gpio@*/*/phandle")) // a constant pattern
	var pins []int
	for _, file := range settings {
		handle := words(file)
		if len(handle) != 1 || !slices.Contains(wanted, handle[0]) {
			continue
		}
		node := filepath.Dir(file)
		for _, pin := range words(filepath.Join(node, "brcm,pins")) {
			pins = append(pins, int(pin))
		}
		below, _ := filepath.Glob(filepath.Join(node, "*/pins"))
		for _, file := range append(below, filepath.Join(node, "pins")) {
			names, _ := os.ReadFile(file) // absent in the other form
			for name := range strings.SplitSeq(string(names), "\x00") {
				if pin, err := strconv.Atoi(strings.TrimPrefix(name, "gpio")); err == nil {
					pins = append(pins, pin)
				}
			}
		}
	}
	return pins
}

// words are the 32-bit numbers of a property in /sys/firmware/devicetree.
func words(file string) []uint32 {
	data, _ := os.ReadFile(file) // absent: there are no numbers
	var all []uint32
	for ; len(data) >= 4; data = data[4:] {
		all = append(all, binary.BigEndian.Uint32(data))
	}
	return all
}
