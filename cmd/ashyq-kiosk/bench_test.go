package main

import (
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/scanner/qrdraw"
)

// iins are enough people that nobody counts as the one who is still standing there.
var iins = strings.Fields(`
	890214450109 890214450119 890214450129 890214450139 890214450149
	890214450159 890214450169 890214450179 890214450189 890214450199
	890214450208 890214450218 890214450228 890214450238 890214450248
	890214450258 890214450268 890214450278 890214450288 890214450298`)

// BenchmarkFrameToLight presents one person after another to the running daemon (registry, kiosk
// and camera as processes and network streams) and reports what the daemon itself measured: from
// the camera's frame to the lamp. The time for one operation is the time until the next person,
// which the benchmark chooses.
func BenchmarkFrameToLight(b *testing.B) {
	w := newWorld(b)
	var phones []*aPhone
	for _, iin := range iins {
		phones = append(phones, w.phone(iin))
	}
	w.startKiosk("shop", 0)
	w.awaitVersion()
	before := w.presentations()
	for n := 0; b.Loop(); n++ {
		var shown time.Time
		for w.presentations() <= before+n {
			if time.Since(shown) > pass.Period/5 { // an unreadable picture is followed by another one, as on a phone
				w.camera.show(qrdraw.Draw(phones[n%len(phones)].code(), qrdraw.Options{Module: 6}))
				shown = time.Now()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	for _, q := range []struct{ quantile, unit string }{{"0.5", "p50-ms"}, {"0.99", "p99-ms"}} {
		b.ReportMetric(w.metric(`ashyq_frame_to_light_seconds{quantile="`+q.quantile+`"}`)*1000, q.unit)
	}
}

// presentations counts all verdicts about presented codes.
func (w *world) presentations() int {
	w.t.Helper()
	return int(w.metric("ashyq_verdicts_total{") - w.metric(`ashyq_verdicts_total{colour="none"`))
}
