package scanner

import "time"

// Settings configure a V4L2 camera when it is opened; other sources ignore them. 0 keeps the
// camera's own value.
type Settings struct {
	Exposure time.Duration // of one picture, in steps of 100 us; switches the automatic exposure off
	Gain     float64       // in the driver's units
	Focus    float64       // in the driver's units; switches the automatic focus off
	FPS      float64       // pictures a second
	Mains    int           // 50 or 60 Hz: the lights flicker twice as often, and the camera allows for it
}
