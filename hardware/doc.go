// Package hardware drives the door's panel: four lamps, a buzzer and the door relay, one line
// (gpio.PinOut) each.
//
//	pins, closer, err := hardware.OpenPins(hardware.Config{Pins: "pinctrl-bcm2835"})
//	panel := hardware.NewPanel(pins, hardware.DefaultPatterns(), hardware.Options{OnFault: ...})
//	go panel.Run(ctx)
//	panel.Show(verdict) // returns immediately
//
// What the panel shows is data: patterns.go has the table, testdata/patterns.golden is the same for
// readers. A steady light is always about the person, a blinking light always about the door or the
// code, and two lamps never shine at the same time. The safe state is all dark, silent, relay
// closed.
//
// # Wiring
//
// The default lines work on every Raspberry Pi with 40 header pins. All six start as inputs with a
// pull-down (BCM2835 ARM Peripherals, table 6-31, column "Pull"), so nothing shines, sounds or
// opens before the daemon runs, and the header's I2C, SPI0 and UART stay free. Ground is header
// pins 6, 9, 14, 20, 25, 30, 34 and 39; 5 V is 2 and 4.
//
//	lamp     line    header  recommended: ULN2003A, load at 5 V   on the bench: LED to ground, 3.3 V
//	red      GPIO17  11      LED 2.0 V, 150 ohm: 14 mA            330 ohm: 3.9 mA
//	yellow   GPIO27  13      LED 2.1 V, 150 ohm: 13 mA            330 ohm: 3.6 mA
//	blue     GPIO22  15      LED 3.2 V, 100 ohm:  9 mA            47 ohm: 2 mA, or none (see below)
//	green    GPIO23  16      LED 3.2 V, 100 ohm:  9 mA            47 ohm: 2 mA, or none (see below)
//	buzzer   GPIO24  18      active 5 V buzzer: up to 100 mA      never directly
//	relay    GPIO25  22      5 V coil, COM to 5 V: up to 100 mA   never directly
//
// Current per pin: the pads have 3.3 V and a drive strength of 8 mA after a reset, 2 to 16 mA in
// steps of 2 ("GPIO pads control", BCM2835 register 0x7e10002c, field DRIVE); 2, 4, 8 or 12 mA on a
// Pi 5 (RP1). Up to that current the level is valid; it is not a limit that protects the pad. All
// pins together should stay below 50 mA. Hence the right column is for the bench: its current is
// (3.3 V - forward voltage) / resistor. A blue or a true green LED (InGaN) has 2.8 to 3.4 V, so it
// may not light at all.
//
// One ULN2003A (TI SLRS027) drives all six: an input takes (3.3 V - 1.4 V) / 2.7 kohm = 0.7 mA, an
// output sinks 100 mA at a typical 0.9 V, and its diodes (pin 9, COM, to 5 V) absorb the coil's
// kick. The LED currents above are (5 V - 0.9 V - forward voltage) / resistor, with the forward
// voltages of typical 5 mm LEDs; check yours. Without the chip each load needs an NPN transistor to
// ground (BC337, 1 kohm before its base: (3.3 V - 0.7 V) / 1 kohm = 2.6 mA, enough for 100 mA), and
// the relay also a 1N4148 across its coil, cathode to 5 V.
//
// "Open" is about the door: the relay is open while its coil has current. So a lock that needs
// current to stay shut (fail-safe) goes to the normally closed contact, and a lock that needs
// current to open (fail-secure) to the normally open one. A relay board with an optocoupler is
// usually active low: name "relay" in ActiveLow, and use a line that starts with a pull-up (GPIO5,
// header 29, or GPIO6, header 31), or the door opens while the Pi boots. Active high on GPIO25 does
// not have this problem and is recommended.
//
// Optional, each between its line and ground, held high by the line's own pull-up (50 kohm, 60 uA):
// a button that opens the relay from inside (Lines.Exit, such as GPIO5, header 29), and a contact
// that is closed while the case is closed (Lines.Tamper, such as GPIO6, header 31), so that a cut
// wire counts as an open case. The table's buzzer is an active one. A passive one (piezo, 3 to 30 V
// peak to peak, 2 to 5 mA) goes to the ULN2003A with 1 kohm across it, driven by the kernel's PWM.
// GPIO18 (header 12) becomes channel 0 with overlays=pwm18 in overlays.txt on the card's boot
// partition, or with dtoverlay=pwm,pin=18,func=2 in config.txt of Raspberry Pi OS; Lines.Buzzer is
// then "pwm0".
//
// # Fail-safe
//
// All lines are claimed in one request, exclusively, under the name "ashyq-kiosk", with "off" as
// their first level; their polarity is then checked with the kernel. The relay closes by itself
// 10.5 s after it was opened, whatever hangs. A chip that disappears is claimed again as soon as it
// is back; meanwhile the door is out of order. A line that is stuck outside the Pi stays unnoticed:
// reading an output returns what was written, not the level of the wire.
//
// A released line falls to its pull, so an active-low relay needs a pull-up and an active-high one
// no pull-up. When the daemon is killed, a mainline kernel turns the lines back into inputs.
// Raspberry Pi OS keeps the outputs as they were, so a relay could stay open until the daemon runs
// again: put dtparam=strict_gpiod into its config.txt. The emergency exit must not depend on this
// relay.
package hardware
