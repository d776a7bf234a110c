//go:build gocv_videoio

package scanner

import (
	"log/slog"
	"time"

	"gocv.io/x/gocv"
)

// exposureManual is V4L2_EXPOSURE_MANUAL, which OpenCV passes to V4L2_CID_EXPOSURE_AUTO unchanged.
// The time itself is V4L2_CID_EXPOSURE_ABSOLUTE, in units of 100 us.
const (
	exposureManual = 1
	exposureUnit   = 100 * time.Microsecond
)

// properties is the part of gocv.VideoCapture that adjust needs.
type properties interface {
	Set(property gocv.VideoCaptureProperties, value float64)
	Get(property gocv.VideoCaptureProperties) float64
}

// adjust gives a camera its settings and logs the result: a driver may round them or not support
// them.
func adjust(camera properties, s Settings, log *slog.Logger) {
	set := func(name string, value float64, property gocv.VideoCaptureProperties) {
		camera.Set(property, value)
		log.Info("camera setting", "setting", name, "asked", value, "now", camera.Get(property))
	}
	if s.FPS > 0 {
		set("fps", s.FPS, gocv.VideoCaptureFPS)
	}
	if s.Exposure > 0 {
		set("automatic exposure", exposureManual, gocv.VideoCaptureAutoExposure)
		set("exposure, 100 us", float64(s.Exposure/exposureUnit), gocv.VideoCaptureExposure)
	}
	if s.Gain > 0 {
		set("gain", s.Gain, gocv.VideoCaptureGain)
	}
	if s.Focus > 0 {
		set("automatic focus", 0, gocv.VideoCaptureAutoFocus)
		set("focus", s.Focus, gocv.VideoCaptureFocus)
	}
}

// adjustControls sets what OpenCV has no name for: in dim light the frame rate stays, and the
// exposure fits the lights. A camera without such a control keeps what it has.
func adjustControls(
	set func(id uint32, value int32) (now int32, err error), s Settings, log *slog.Logger,
) {
	adjust := func(name string, id uint32, value int32) {
		if now, err := set(id, value); err != nil {
			log.Info("the camera does not have this setting", "setting", name, "asked", value, "error", err)
		} else {
			log.Info("camera setting", "setting", name, "asked", value, "now", now)
		}
	}
	adjust("exposure_dynamic_framerate", exposureDynamicFramerate, 0)
	switch s.Mains {
	case 50:
		adjust("power_line_frequency", powerLineFrequency, 1)
	case 60:
		adjust("power_line_frequency", powerLineFrequency, 2)
	}
}
