package qr

import "math"

type point struct{ x, y float64 }

func (p point) plus(q point) point       { return point{p.x + q.x, p.y + q.y} }
func (p point) minus(q point) point      { return point{p.x - q.x, p.y - q.y} }
func (p point) times(f float64) point    { return point{p.x * f, p.y * f} }
func (p point) length() float64          { return math.Hypot(p.x, p.y) }
func (p point) cross(q point) float64    { return p.x*q.y - p.y*q.x }
func (p point) dot(q point) float64      { return p.x*q.x + p.y*q.y }
func (p point) distance(q point) float64 { return p.minus(q).length() }

// homography maps modules to pixels: x = (h0 u + h1 v + h2) / (h6 u + h7 v + h8), y alike with h3
// to h5.
type homography [9]float64

func (h *homography) apply(u, v float64) point {
	w := h[6]*u + h[7]*v + h[8]
	return point{(h[0]*u + h[1]*v + h[2]) / w, (h[3]*u + h[4]*v + h[5]) / w}
}

// fromUnit maps the unit square's corners (0,0), (1,0), (1,1), (0,1) to q (Heckbert, Fundamentals
// of Texture Mapping, 1989, 2.2.3).
func fromUnit(q [4]point) homography {
	dx1, dy1 := q[1].x-q[2].x, q[1].y-q[2].y
	dx2, dy2 := q[3].x-q[2].x, q[3].y-q[2].y
	sx, sy := q[0].x-q[1].x+q[2].x-q[3].x, q[0].y-q[1].y+q[2].y-q[3].y
	det := dx1*dy2 - dx2*dy1
	g, h := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	return homography{
		q[1].x - q[0].x + g*q[1].x, q[3].x - q[0].x + h*q[3].x, q[0].x,
		q[1].y - q[0].y + g*q[1].y, q[3].y - q[0].y + h*q[3].y, q[0].y,
		g, h, 1,
	}
}

// adjoint is the inverse up to a factor, which a homography does not care for.
func (h *homography) adjoint() homography {
	return homography{
		h[4]*h[8] - h[5]*h[7], h[2]*h[7] - h[1]*h[8], h[1]*h[5] - h[2]*h[4],
		h[5]*h[6] - h[3]*h[8], h[0]*h[8] - h[2]*h[6], h[2]*h[3] - h[0]*h[5],
		h[3]*h[7] - h[4]*h[6], h[1]*h[6] - h[0]*h[7], h[0]*h[4] - h[1]*h[3],
	}
}

func (h *homography) after(g *homography) (out homography) {
	for i := range 3 {
		for j := range 3 {
			out[3*i+j] = h[3*i]*g[j] + h[3*i+1]*g[3+j] + h[3*i+2]*g[6+j]
		}
	}
	return out
}

// mapping takes four points to four others; false where they do not span a quadrilateral that is
// convex.
func mapping(from, to [4]point) (homography, bool) {
	for i := range 4 {
		a, b, c := to[i], to[(i+1)%4], to[(i+2)%4]
		d := to[(i+3)%4]
		if b.minus(a).cross(c.minus(b))*d.minus(c).cross(a.minus(d)) <= 0 {
			return homography{}, false
		}
	}
	source, target := fromUnit(from), fromUnit(to)
	back := source.adjoint()
	return target.after(&back), true
}
