package qrdraw

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// Paste draws src into dst so that its corners come to lie at quad: top left, top right, bottom
// right, bottom left, in px of dst. As with a flat card held up in front of a camera, straight
// lines stay straight. The quad must be convex; what falls outside of dst is cut off. src may be
// any picture, a phone's screenshot too.
func Paste(dst *image.Gray, src image.Image, quad [4]image.Point) {
	grey := toGray(src)
	toSrc := quadToUnit(quad)
	box := image.Rectangle{Min: quad[0], Max: quad[0]}
	for _, p := range quad {
		box = box.Union(image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))})
	}
	box = box.Intersect(dst.Rect)
	const n = 3 // samples per pixel and axis, for smooth edges
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			sum, hits := 0, 0
			for i := range n * n {
				u, v := toSrc.apply(float64(x)+(float64(i%n)+.5)/n, float64(y)+(float64(i/n)+.5)/n)
				if u >= 0 && u < 1 && v >= 0 && v < 1 {
					sum += int(grey.Pix[int(v*float64(grey.Rect.Dy()))*grey.Stride+int(u*float64(grey.Rect.Dx()))])
					hits++
				}
			}
			if hits > 0 {
				at := &dst.Pix[dst.PixOffset(x, y)]
				*at = byte((sum + (n*n-hits)*int(*at)) / (n * n))
			}
		}
	}
}

func toGray(src image.Image) *image.Gray {
	b := src.Bounds()
	grey := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			grey.SetGray(x, y, color.GrayModel.Convert(src.At(b.Min.X+x, b.Min.Y+y)).(color.Gray))
		}
	}
	return grey
}

// homography maps (x, y) to (X/Z, Y/Z), where X, Y and Z are its rows times (x, y, 1).
type homography [3][3]float64

func (m *homography) apply(x, y float64) (u, v float64) {
	z := m[2][0]*x + m[2][1]*y + m[2][2]
	return (m[0][0]*x + m[0][1]*y + m[0][2]) / z, (m[1][0]*x + m[1][1]*y + m[1][2]) / z
}

// quadToUnit maps a quad's corners to those of the unit square: the inverse, by its adjugate, of
// the mapping from the square to the quad, which has a closed form (Heckbert, "Fundamentals of
// Texture Mapping", 1989, 2.2.3).
func quadToUnit(quad [4]image.Point) homography {
	var x, y [4]float64
	for i, p := range quad {
		x[i], y[i] = float64(p.X), float64(p.Y)
	}
	dx1, dx2, sx := x[1]-x[2], x[3]-x[2], x[0]-x[1]+x[2]-x[3]
	dy1, dy2, sy := y[1]-y[2], y[3]-y[2], y[0]-y[1]+y[2]-y[3]
	det := dx1*dy2 - dx2*dy1
	g, h := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	m := homography{
		{x[1] - x[0] + g*x[1], x[3] - x[0] + h*x[3], x[0]},
		{y[1] - y[0] + g*y[1], y[3] - y[0] + h*y[3], y[0]},
		{g, h, 1},
	}
	var inverse homography // but for a factor, which cancels out
	for i := range 3 {
		for j := range 3 {
			a, b, c, d := (j+1)%3, (j+2)%3, (i+1)%3, (i+2)%3
			inverse[i][j] = m[a][c]*m[b][d] - m[a][d]*m[b][c]
		}
	}
	return inverse
}

// Square is the quad of an upright square at (x, y), for Paste.
func Square(x, y, side int) [4]image.Point {
	return [4]image.Point{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}
}

// Blur smears the picture as a lens out of focus does: three passes of a box, which together come
// close to a Gaussian with this standard deviation, in px.
func Blur(img *image.Gray, sigma float64) {
	radius := int(math.Round((math.Sqrt(4*sigma*sigma+1) - 1) / 2)) // three boxes of 2r+1 have variance r(r+1)
	if radius < 1 {
		return
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	line := make([]byte, max(w, h))
	for range 3 {
		for y := range h {
			boxLine(img.Pix[y*img.Stride:], line[:w], 1, radius)
		}
		for x := range w {
			boxLine(img.Pix[x:], line[:h], img.Stride, radius)
		}
	}
}

// boxLine averages over radius px to both sides along one line of pixels that are step bytes apart;
// its ends go on as they are. copyOf is scratch of the line's length.
func boxLine(pix, copyOf []byte, step, radius int) {
	last := len(copyOf) - 1
	sum := 0
	for i := range copyOf {
		copyOf[i] = pix[i*step]
	}
	for i := -radius; i <= radius; i++ {
		sum += int(copyOf[min(max(i, 0), last)])
	}
	for i := range copyOf {
		pix[i*step] = byte((sum + radius) / (2*radius + 1))
		sum += int(copyOf[min(i+radius+1, last)]) - int(copyOf[max(i-radius, 0)])
	}
}

// Noise adds a sensor's noise, normally distributed with this standard deviation in grey levels.
func Noise(img *image.Gray, sigma float64, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	for i, p := range img.Pix {
		img.Pix[i] = clamp(float64(p) + sigma*r.NormFloat64())
	}
}

// Light makes the picture brighter or darker: each pixel times gain, plus offset.
func Light(img *image.Gray, gain, offset float64) {
	for i, p := range img.Pix {
		img.Pix[i] = clamp(gain*float64(p) + offset)
	}
}

func clamp(v float64) byte { return byte(min(max(math.Round(v), 0), 255)) }

// Doorway is a plausible view of an empty entrance: walls and floor in uneven light, a door frame,
// panes, tiles, a poster with lines of print, and the sensor's noise. The same seed gives the same
// picture.
func Doorway(w, h int, seed uint64) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(seed, 1))
	lampX, lampY := (.2+.6*r.Float64())*float64(w), .3*float64(h)
	for y := range h {
		for x := range w {
			far := math.Hypot(float64(x)-lampX, float64(y)-lampY) / float64(w)
			level := 190 - 110*far
			if y > h*4/5 { // floor, in tiles
				level *= .6
				if (x+y*2)%(w/12+1) < 3 || (y-h*4/5)%(h/15+1) < 2 {
					level *= .7
				}
			}
			img.Pix[y*img.Stride+x] = clamp(level)
		}
	}
	door := image.Rect(w*3/8, h/8, w*5/8, h*4/5)
	shade(img, door.Inset(-w/60), .45)
	shade(img, door, 1.9)
	for i := range 6 { // panes
		at := image.Pt(door.Min.X+(i%2)*door.Dx()/2, door.Min.Y+(i/2)*door.Dy()/3)
		pane := image.Rectangle{Min: at, Max: at.Add(image.Pt(door.Dx()/2, door.Dy()/3))}
		shade(img, pane.Inset(w/90), .5+.8*r.Float64())
	}
	poster := image.Rect(w/12, h/4, w/4, h*11/20)
	shade(img, poster, 1.3)
	for y := poster.Min.Y + h/40; y < poster.Max.Y-h/40; y += h/36 + 1 {
		for x := poster.Min.X + w/80; x < poster.Max.X-w/80; x += 3 + r.IntN(w/60+1) {
			shade(img, image.Rect(x, y, x+2+r.IntN(w/90+1), y+h/60), .35)
		}
	}
	Blur(img, 1.2)
	Noise(img, 3, seed)
	return img
}

// shade multiplies the brightness of a part of the picture.
func shade(img *image.Gray, part image.Rectangle, gain float64) {
	part = part.Intersect(img.Rect)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			at := &img.Pix[y*img.Stride+x]
			*at = clamp(gain * float64(*at))
		}
	}
}

// Held is the quad, for Paste, of a square card in front of a camera without distortion. Its middle
// is at (x, y) px; facing the camera it would be side px wide. It is away times its side from the
// camera: the nearer, the stronger the perspective. It is turned in its plane, then tilted about an
// axis in the picture. Angles are in degrees.
func Held(x, y, side, away, turn, tilt, axis float64) (quad [4]image.Point) {
	turned, tilted, about := turn*math.Pi/180, tilt*math.Pi/180, axis*math.Pi/180
	for i, corner := range [4][2]float64{{-.5, -.5}, {.5, -.5}, {.5, .5}, {-.5, .5}} {
		u, v := corner[0]*math.Cos(turned)-corner[1]*math.Sin(turned), corner[0]*math.Sin(turned)+corner[1]*math.Cos(turned)
		along, across := u*math.Cos(about)+v*math.Sin(about), -u*math.Sin(about)+v*math.Cos(about)
		scale := side * away / (away + across*math.Sin(tilted))
		across *= math.Cos(tilted)
		quad[i].X = int(math.Round(x + scale*(along*math.Cos(about)-across*math.Sin(about))))
		quad[i].Y = int(math.Round(y + scale*(along*math.Sin(about)+across*math.Cos(about))))
	}
	return quad
}
