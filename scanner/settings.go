package scanner

import "time"

// Settings are what a V4L2 camera is told when it is opened; other sources take none. What is 0 stays as the camera has it.
type Settings struct {
	Exposure time.Duration // of one picture, in steps of 100 us; switches the automatic exposure off
	Gain     float64       // in the driver's units
	Focus    float64       // in the driver's units; switches the automatic focus off
	FPS      float64       // pictures a second
}
