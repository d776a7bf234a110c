// Package hardware drives the door's panel: four lamps, a buzzer and the door relay, each one line (gpio.PinOut).
//
//	pins, closer, err := hardware.OpenPins(hardware.Config{Pins: "pinctrl-bcm2835"})
//	panel := hardware.NewPanel(pins, hardware.DefaultPatterns(), hardware.Options{OnFault: ...})
//	go panel.Run(ctx)
//	panel.Show(verdict) // returns at once
//
// What is shown when is data: patterns.go holds the table, testdata/patterns.golden is the same for the reader.
// A steady light is always about the person, a blinking light always about the kiosk or the code, and never do two
// lamps shine at once. The safe state is all dark, silent, relay closed.
//
// # Wiring
//
// The default lines, good on every Raspberry Pi with 40 header pins. All six start as inputs with a pull-down (BCM2835
// ARM Peripherals, table 6-31, column "Pull"), so nothing shines, sounds or opens before the daemon runs, and none is needed
// for the header's I2C, SPI0 or UART. Ground is header pins 6, 9, 14, 20, 25, 30, 34 and 39; 5 V is 2 and 4.
//
//	lamp     line    header  recommended: ULN2003A, load at 5 V   on the bench: LED to ground at 3.3 V
//	red      GPIO17  11      LED 2.0 V, 150 ohm: 14 mA            330 ohm: 3.9 mA
//	yellow   GPIO27  13      LED 2.1 V, 150 ohm: 13 mA            330 ohm: 3.6 mA
//	blue     GPIO22  15      LED 3.2 V, 100 ohm:  9 mA            47 ohm: 2 mA, or nothing (see below)
//	green    GPIO23  16      LED 3.2 V, 100 ohm:  9 mA            47 ohm: 2 mA, or nothing (see below)
//	buzzer   GPIO24  18      active 5 V buzzer: up to 100 mA      never directly
//	relay    GPIO25  22      5 V coil, COM to 5 V: up to 100 mA   never directly
//
// What a pin may give: the pads are 3.3 V and their drive strength is 8 mA after a reset, 2 to 16 mA in steps of 2 ("GPIO
// pads control", BCM2835 register 0x7e10002c, field DRIVE); 2, 4, 8 or 12 mA on a Pi 5 (RP1). That is the current up to
// which the level is still a good one, not a limit that protects the pad. All pins together should stay below 50 mA.
// Hence the right column is for the bench: its current is (3.3 V - forward voltage) / resistor, and as a blue or a true
// green LED (InGaN) has 2.8 to 3.4 V, it may not light at all.
//
// One ULN2003A (TI SLRS027) drives all six: an input takes (3.3 V - 1.4 V) / 2.7 kohm = 0.7 mA, an output sinks 100 mA with
// 0.9 V typically left over it, and its diodes (pin 9, COM, to 5 V) take the coil's kick. The LED currents above are
// (5 V - 0.9 V - forward voltage) / resistor; forward voltages are those typical of 5 mm LEDs, look yours up. Without the
// chip each load needs an NPN transistor to ground (BC337, 1 kohm before its base: (3.3 V - 0.7 V) / 1 kohm = 2.6 mA, enough
// for 100 mA) and the relay a 1N4148 across its coil, cathode to 5 V.
//
// "Open" is the door's word: the relay is open while its coil has current, so a door whose lock needs current to stay
// shut (fail-safe) hangs on the normally closed contact, one whose lock needs current to open (fail-secure) on the normally open one. A relay board with an optocoupler is usually
// active low: name "relay" in ActiveLow, and put it on a line that starts with a pull-up (GPIO5, header 29, or GPIO6,
// header 31), or the door opens while the Pi boots. Active high on GPIO25 does not have this problem and is recommended.
//
// Optional, each between its line and ground, held high by the line's own pull-up (50 kohm, 60 uA): a button that opens
// the relay from inside (Lines.Exit, as GPIO5, header 29) and a contact that is shut with the case (Lines.Tamper, as
// GPIO6, header 31), so that a cut wire counts as an open case. The table's current for the buzzer is that of an active
// one. A passive one (piezo, 3 to 30 V peak to peak, 2 to 5 mA) hangs on the ULN2003A with 1 kohm across it and is driven by the
// kernel's PWM. GPIO18 (header 12) becomes channel 0 with overlays=pwm18 in overlays.txt on the card's boot partition, or with
// dtoverlay=pwm,pin=18,func=2 in config.txt of Raspberry Pi OS; Lines.Buzzer is "pwm0".
//
// # Fail-safe
//
// The lines are claimed together, exclusively, under the name "ashyq-kiosk", with "off" as their first level and their
// polarity checked by what the kernel says of them. The relay closes by itself 10.5 s after it was opened, whoever opened
// it and whatever hangs. A chip that vanishes is claimed again as soon as it is back; meanwhile the door is out of order.
// A line that is stuck outside of the Pi is not noticed: reading an output says what was written, not what the wire is.
//
// A line that is let go falls to its pull, so a relay that is active low needs one upwards, and one that is active high none.
// When the daemon is killed, a mainline kernel turns the lines back into inputs. Raspberry Pi OS leaves outputs as they
// were, so that a relay could stay open until the daemon is up again: put dtparam=strict_gpiod into its config.txt. The
// way out in an emergency must not depend on this relay.
package hardware
