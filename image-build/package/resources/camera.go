package main

import (
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ashyq-kiosk/scanner/qrdraw"
)

const (
	width, height = 1280, 720
	fps           = 10 // pictures a second
	noises        = 6  // different noise over one scene: the door takes a repeated picture for a dead camera
)

// camera is what the door sees: a doorway, and a phone in it while somebody is there. It sends each
// change to the camera's programs as one raw grey picture.
type camera struct {
	mu    sync.Mutex
	scene []byte        // guarded by mu
	next  chan struct{} // guarded by mu: closed when the scene changes
}

func newCamera() *camera {
	return &camera{scene: qrdraw.Doorway(width, height, 3).Pix, next: make(chan struct{})}
}

// sceneWith is a doorway with a code, turned a little as a hand does, and moved to the right.
func sceneWith(text string, moved int) []byte {
	img := qrdraw.Doorway(width, height, 3)
	if text != "" {
		x := func(at int) int { return at + moved }
		qrdraw.Paste(img, qrdraw.Draw(text, qrdraw.Options{}),
			[4]image.Point{{X: x(440), Y: 150}, {X: x(850), Y: 165}, {X: x(835), Y: 570}, {X: x(430), Y: 555}})
		qrdraw.Blur(img, 1)
	}
	return img.Pix
}

// show holds a code up to the camera; "" takes it away.
func (c *camera) show(text string) {
	scene := sceneWith(text, 0)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scene = scene
	close(c.next)
	c.next = make(chan struct{})
}

func (c *camera) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go c.send(conn)
	}
}

func (c *camera) send(conn net.Conn) {
	defer conn.Close()
	for {
		c.mu.Lock()
		scene, next := c.scene, c.next
		c.mu.Unlock()
		if _, err := conn.Write(scene); err != nil {
			return // the camera's program has ended
		}
		<-next
	}
}

// film is the camera's program: it writes pictures of the scene with a sensor's noise until writing
// fails.
func film(world string, out io.Writer) error {
	conn, err := net.Dial("tcp", world)
	if err != nil {
		return fmt.Errorf("reach the world: %w", err)
	}
	defer conn.Close()
	scenes := make(chan [][]byte) // full: the film takes the next one with its next picture
	lost := make(chan error, 1)
	go func() { lost <- receive(conn, scenes) }()
	var now [][]byte
	for n, tick := 0, time.Tick(time.Second/fps); ; n++ {
		select {
		case now = <-scenes:
		case err := <-lost:
			return err
		case <-tick:
			if now == nil {
				continue
			}
			if _, err := out.Write(now[n%noises]); err != nil {
				return fmt.Errorf("write a picture: %w", err)
			}
		}
	}
}

// draw writes still-N.ppm and person-N.ppm: the doorway, and a phone that moves in it, with a
// sensor's noise in each colour.
func draw(dir string) error {
	code := strings.Repeat("AQ1:6BFOXN*TS0BI$ZD", 18)
	for _, what := range []struct{ name, text string }{{"still", ""}, {"person", code}} {
		for n := range noises {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			ppm := fmt.Appendf(nil, "P6 %d %d 255\n", width, height)
			for _, p := range sceneWith(what.text, 8*n) {
				for range 3 {
					ppm = append(ppm, byte(min(max(int(p)+random.IntN(11)-5, 0), 255)))
				}
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.ppm", what.name, n)), ppm, 0o644); err != nil {
				return fmt.Errorf("draw: %w", err)
			}
		}
	}
	return nil
}

// receive makes noisy pictures of each scene that comes.
func receive(conn io.Reader, scenes chan<- [][]byte) error {
	grain := image.NewGray(image.Rect(0, 0, width, height+noises))
	qrdraw.Light(grain, 0, 128)
	qrdraw.Noise(grain, 3, 1)
	scene := make([]byte, width*height)
	for {
		if _, err := io.ReadFull(conn, scene); err != nil {
			return fmt.Errorf("the world has ended: %w", err)
		}
		noisy := make([][]byte, noises)
		for n := range noisy {
			noisy[n] = make([]byte, len(scene))
			for i, p := range scene {
				noisy[n][i] = byte(min(max(int(p)+int(grain.Pix[i+n*width])-128, 0), 255))
			}
		}
		scenes <- noisy
	}
}
