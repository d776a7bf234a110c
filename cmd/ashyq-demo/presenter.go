package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/scanner/qrdraw"
)

// The drawn camera's picture, and one visit.
const (
	width, height = 1280, 720
	frameTime     = time.Second / 15
	comes         = 1500 * time.Millisecond // walking up
	holds         = 3500 * time.Millisecond // code in front of the camera
	leaves        = 1000 * time.Millisecond
	pause         = 1500 * time.Millisecond // nobody there
	visit         = comes + holds + leaves + pause
)

// visitor is somebody who holds a code to the door's camera.
type visitor struct {
	name string
	code func(now time.Time) (string, error)
}

// presenter draws visitors who walk up to the door one after the other and hold up their phones, as
// the camera above the door sees them. Everybody who connects sees the same picture.
type presenter struct {
	doorway *image.Gray

	mu       sync.Mutex // guards the rest
	visitors []visitor
	start    time.Time   // of the first one's visit
	text     string      // the code that phone is a picture of
	phone    *image.Gray // nil at first
}

func newPresenter() *presenter { return &presenter{doorway: qrdraw.Doorway(width, height, 7)} }

// invite replaces the visitors. The new ones come round and round.
func (p *presenter) invite(visitors ...visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.visitors, p.start = visitors, time.Now()
}

// at tells who is there and how near the phone is: 0 nobody, 1 in front of the camera.
func (p *presenter) at(now time.Time) (who visitor, near float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := now.Sub(p.start)
	if len(p.visitors) == 0 || since < 0 {
		return visitor{}, 0
	}
	who = p.visitors[int(since/visit)%len(p.visitors)]
	switch t := since % visit; {
	case t < comes:
		return who, float64(t) / float64(comes)
	case t < comes+holds:
		return who, 1
	case t < comes+holds+leaves:
		return who, 1 - float64(t-comes-holds)/float64(leaves)
	}
	return visitor{}, 0
}

// frame draws the picture of a moment.
func (p *presenter) frame(now time.Time, n uint64) (image.Image, error) {
	img := image.NewGray(p.doorway.Rect)
	copy(img.Pix, p.doorway.Pix)
	if who, near := p.at(now); near > 0.15 {
		phone, err := p.phoneOf(who, now)
		if err != nil {
			return nil, err
		}
		drawPerson(img, near)
		sway := int(6 * (float64(now.UnixMilli()%1800)/900 - 1))
		h := int(near * 620)
		w := h * 3 / 5
		x, y := width/2-w/2+sway+int((1-near)*300), height-int(near*float64(height-50))
		tilt := h / 30
		qrdraw.Paste(img, phone, [4]image.Point{{X: x, Y: y + tilt}, {X: x + w, Y: y}, {X: x + w - tilt, Y: y + h},
			{X: x + tilt/2, Y: y + h + tilt}})
		if near < 1 {
			qrdraw.Blur(img, 3*(1-near)) // out of focus until it is where the camera looks
		}
	}
	qrdraw.Noise(img, 3, n)
	return img, nil
}

// drawPerson is a dark shape behind the phone.
func drawPerson(img *image.Gray, near float64) {
	cx, cy, r := width/2+60, int(float64(height)*(1.15-0.85*near)), int(130*near)
	for y := max(0, cy-r); y < height; y++ {
		half := r
		if y > cy+r {
			half = r * 2
		}
		for x := max(0, cx-half); x < min(width, cx+half); x++ {
			dx, dy := x-cx, y-cy
			if y > cy+r || dx*dx+dy*dy < r*r {
				img.SetGray(x, y, color.Gray{Y: 45})
			}
		}
	}
}

// phoneOf is the phone's screen with the current code. It is drawn again only when the code has
// changed.
func (p *presenter) phoneOf(who visitor, now time.Time) (*image.Gray, error) {
	text, err := who.code(now)
	if err != nil {
		return nil, fmt.Errorf("make %s's code: %w", who.name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if text == p.text {
		return p.phone, nil
	}
	code := qrdraw.Draw(text, qrdraw.Options{Module: 6})
	side := code.Rect.Dx()
	phone := image.NewGray(image.Rect(0, 0, side*11/10, side*11/6))
	draw.Draw(phone, phone.Rect, image.NewUniform(color.Gray{Y: 20}), image.Point{}, draw.Src)
	glass := phone.Rect.Inset(side / 40)
	draw.Draw(phone, glass, image.NewUniform(color.Gray{Y: 245}), image.Point{}, draw.Src)
	at := image.Pt((phone.Rect.Dx()-side)/2, (phone.Rect.Dy()-side)/3)
	draw.Draw(phone, code.Rect.Add(at), code, image.Point{}, draw.Src)
	p.text, p.phone = text, phone
	return phone, nil
}

// listen serves the camera at a free port and returns its URL.
func (p *presenter) listen(ctx context.Context, group *errgroup.Group) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for the drawn camera: %w", err)
	}
	group.Go(func() error { return p.serve(ctx, listener) })
	return "http://" + listener.Addr().String() + "/camera.mjpeg", nil
}

// serve streams the picture as MJPEG (multipart/x-mixed-replace) until ctx ends, as network cameras
// do.
func (p *presenter) serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /camera.mjpeg", qrdraw.Stream(frameTime, p.frame))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return fmt.Errorf("serve the drawn camera: %w", err)
	}
	return nil
}
