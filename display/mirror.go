package display

import (
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"time"
)

// The mirror is only for aiming: small, grey, and slow enough to cost a Pi almost nothing.
const (
	mirrorWidth   = 320
	mirrorHeight  = 240
	mirrorEvery   = time.Second / 8
	mirrorQuality = 60
	mirrorBound   = "frame"
)

// serveMirror sends the camera's picture again and again while the screen has no message for a
// person.
func (h *Hub) serveMirror(w http.ResponseWriter, r *http.Request) {
	done, ok := h.admit(w, h.mirrors)
	if !ok {
		return
	}
	defer done()
	picture := image.NewGray(image.Rect(0, 0, mirrorWidth, mirrorHeight))
	if !h.reflect(picture) {
		refuse(w, "no picture now")
		return
	}
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary="+mirrorBound)
	stream := newStream(w)
	fmt.Fprintf(stream, "--%s\r\n", mirrorBound)
	next := time.NewTicker(mirrorEvery)
	defer next.Stop()
	for {
		if err := stream.picture(picture); err != nil {
			h.log.Debug("sending the mirror", "err", err)
			return
		}
		if !h.pause(r, next.C) || !h.reflect(picture) {
			// Cut off instead of ended: a browser keeps the last picture of an image that ends
			// properly.
			panic(http.ErrAbortHandler)
		}
	}
}

// pause waits until the next picture is due; false: the mirror must end immediately.
func (h *Hub) pause(r *http.Request, next <-chan time.Time) bool {
	for {
		v, changed := h.now()
		if !mirrors(v) {
			return false
		}
		select {
		case <-next:
			return true
		case <-changed:
		case <-r.Context().Done():
			return false
		case <-h.closed:
			return false
		}
	}
}

// reflect gets the newest picture if one may be shown.
func (h *Hub) reflect(dst *image.Gray) bool {
	h.mu.Lock()
	v, mirror := h.current, h.mirror
	h.mu.Unlock()
	return mirror != nil && mirrors(v) && mirror(dst)
}

// picture sends one part. The boundary follows immediately, because a browser shows a part only
// after its end.
func (s *stream) picture(p *image.Gray) error {
	fmt.Fprint(s, "Content-Type: image/jpeg\r\n\r\n")
	if err := jpeg.Encode(s, p, &jpeg.Options{Quality: mirrorQuality}); err != nil {
		return fmt.Errorf("encoding a picture: %w", err)
	}
	fmt.Fprintf(s, "\r\n--%s\r\n", mirrorBound)
	return s.send()
}
