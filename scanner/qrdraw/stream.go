package qrdraw

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"time"
)

// Stream serves pictures as MJPEG (multipart/x-mixed-replace of image/jpeg), as network cameras do:
// frame is called every so often for each client until it leaves or frame fails. The count n starts
// at 1.
func Stream(every time.Duration, frame func(now time.Time, n uint64) (image.Image, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		var buf bytes.Buffer
		for n := uint64(1); ; n++ {
			img, err := frame(time.Now(), n)
			if err != nil {
				return
			}
			buf.Reset()
			if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 90}); err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", buf.Len(), buf.Bytes()); err != nil {
				return
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-ticker.C:
			}
		}
	})
}
