package hardware

import (
	"fmt"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/pin"
	"periph.io/x/host/v3/rpi"
)

// header are the 40 positions of a Pi's header, as printed in docs/wiring.md.
var header = [41]pin.Pin{
	1: rpi.P1_1, rpi.P1_2, rpi.P1_3, rpi.P1_4, rpi.P1_5, rpi.P1_6, rpi.P1_7, rpi.P1_8, rpi.P1_9, rpi.P1_10,
	rpi.P1_11, rpi.P1_12, rpi.P1_13, rpi.P1_14, rpi.P1_15, rpi.P1_16, rpi.P1_17, rpi.P1_18, rpi.P1_19, rpi.P1_20,
	rpi.P1_21, rpi.P1_22, rpi.P1_23, rpi.P1_24, rpi.P1_25, rpi.P1_26, rpi.P1_27, rpi.P1_28, rpi.P1_29, rpi.P1_30,
	rpi.P1_31, rpi.P1_32, rpi.P1_33, rpi.P1_34, rpi.P1_35, rpi.P1_36, rpi.P1_37, rpi.P1_38, rpi.P1_39, rpi.P1_40,
}

// lineName turns a header position, "P1_11", into the line's name, "GPIO17". Other names stay.
func lineName(name string) (string, error) {
	digits, position := strings.CutPrefix(name, "P1_")
	if !position {
		return name, nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n >= len(header) {
		return "", fmt.Errorf("%q is no position of a header with 40 pins, want P1_1 to P1_40", name)
	}
	if _, isLine := header[n].(gpio.PinIO); !isLine {
		return "", fmt.Errorf("header position %q is %s and no line\nhint: docs/wiring.md shows the header", name, header[n].Name())
	}
	return header[n].Name(), nil
}
