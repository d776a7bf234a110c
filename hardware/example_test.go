package hardware_test

import (
	"context"
	"fmt"
	"time"

	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk"
)

// A panel with simulated lines; on a Raspberry Pi, Pins is a chip's label such as
// "pinctrl-bcm2835".
func Example() {
	pins, closer, err := hardware.OpenPins(hardware.Config{Pins: "sim"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closer.Close()
	lit := make(chan kiosk.Verdict, 1)
	panel := hardware.NewPanel(pins, hardware.DefaultPatterns(), hardware.Options{
		OnLit: func(v kiosk.Verdict, _ time.Time) { lit <- v },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- panel.Run(ctx) }()

	panel.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green})
	v := <-lit
	fmt.Println(v.Signal, v.Colour)

	cancel() // all dark, relay closed
	fmt.Println(<-done)
	// Output:
	// admitted green
	// <nil>
}
