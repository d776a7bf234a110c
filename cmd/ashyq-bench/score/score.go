// Package score judges what a QR decoder read in pictures and videos whose texts are known.
//
// What is known stands in a truth.tsv, tab-separated, paths relative to its folder; texts in
// hexadecimal:
//
//	PATH <TAB> KIND <TAB> HEX[,HEX...]                              a picture
//	PATH <TAB> HEX[,HEX...] <TAB> FIRST-LAST[,FIRST-LAST...]        a video
//
// A video's texts are in the order of their appearance, with the frames, from 0, in which each is
// in view; or it has - and -.
//
// Kind "text": this is the picture's text. "none": there is no code in it. "any": there is one, and
// these texts are likely; "-": none is.
//
// A decoder says, per picture or frame, how much CPU time it took and what it read:
//
//	PATH <TAB> MILLISECONDS <TAB> HEX[,HEX...] or NONE
//	PATH <TAB> FRAME <TAB> MILLISECONDS <TAB> HEX[,HEX...] or NONE
package score

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Picture is what is known about a picture.
type Picture struct {
	Path  string
	Kind  string // text, none, any
	Texts [][]byte
}

// Set is the folder that the picture is in.
func (p *Picture) Set() string {
	set, _, _ := strings.Cut(p.Path, "/")
	return set
}

// Video is what is known about a video.
type Video struct {
	Path  string
	Texts [][]byte
	Views []Span // one for each text
}

// Span is the frames in which a code is in view, both included.
type Span struct{ First, Last int }

// Reading is what a decoder said about a picture, or about a frame of a video.
type Reading struct {
	Path  string
	Frame int // 0 for a picture
	CPU   float64
	Texts [][]byte
}

// Pictures reads the truth about pictures.
func Pictures(truth io.Reader) (pictures []Picture, err error) {
	err = eachLine(truth, 3, func(cells []string) error {
		texts, err := parseTexts(cells[2])
		if kind := cells[1]; kind != "text" && kind != "none" && kind != "any" {
			err = fmt.Errorf("kind %q is not text, none or any", kind)
		}
		pictures = append(pictures, Picture{cells[0], cells[1], texts})
		return err
	})
	return pictures, err
}

// Videos reads the truth about videos.
func Videos(truth io.Reader) (videos []Video, err error) {
	err = eachLine(truth, 3, func(cells []string) error {
		v := Video{Path: cells[0]}
		if v.Texts, err = parseTexts(cells[1]); err != nil {
			return err
		}
		if v.Texts == nil {
			videos = append(videos, v)
			return nil
		}
		for view := range strings.SplitSeq(cells[2], ",") {
			var s Span
			if _, err := fmt.Sscanf(view, "%d-%d", &s.First, &s.Last); err != nil {
				return fmt.Errorf("frames %q: %w", view, err)
			}
			v.Views = append(v.Views, s)
		}
		if len(v.Views) != len(v.Texts) {
			return fmt.Errorf("%d texts in %d spans of frames", len(v.Texts), len(v.Views))
		}
		videos = append(videos, v)
		return nil
	})
	return videos, err
}

// Readings reads what a decoder said, about the frames of videos or about pictures.
func Readings(out io.Reader, ofVideos bool) (readings []Reading, err error) {
	n := 3
	if ofVideos {
		n = 4
	}
	err = eachLine(out, n, func(cells []string) error {
		r := Reading{Path: cells[0]}
		if ofVideos {
			if r.Frame, err = strconv.Atoi(cells[1]); err != nil {
				return fmt.Errorf("frame: %w", err)
			}
		}
		if r.CPU, err = strconv.ParseFloat(cells[n-2], 64); err != nil {
			return fmt.Errorf("milliseconds: %w", err)
		}
		r.Texts, err = parseTexts(cells[n-1])
		readings = append(readings, r)
		return err
	})
	return readings, err
}

// eachLine calls use with the cells, at least n, of each line that is not empty.
func eachLine(from io.Reader, n int, use func(cells []string) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for i := 1; lines.Scan(); i++ {
		if lines.Text() == "" {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) < n {
			return fmt.Errorf("line %d: %d cells, want %d", i, len(cells), n)
		}
		if err := use(cells); err != nil {
			return fmt.Errorf("line %d: %w", i, err)
		}
	}
	return lines.Err()
}

// parseTexts reads texts in hexadecimal; none is nil.
func parseTexts(cell string) (texts [][]byte, err error) {
	if cell == "-" || cell == "NONE" || cell == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(cell, ",") {
		text, err := hex.DecodeString(part)
		if err != nil {
			return nil, fmt.Errorf("text: %w", err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// Verdict is about one picture.
type Verdict string

const (
	Correct     Verdict = "correct"     // one of the texts is the truth; or nothing was read where nothing is
	Wrong       Verdict = "wrong"       // no text is the truth
	False       Verdict = "false"       // something was read where nothing is
	Unread      Verdict = "unread"      // nothing was read in a picture with a code
	Unconfirmed Verdict = "unconfirmed" // something was read, and nobody knows whether it is right
)

// Judge compares what was read in a picture with what is known.
func Judge(p *Picture, read [][]byte) Verdict {
	switch {
	case p.Kind == "none" && len(read) > 0:
		return False
	case p.Kind == "none":
		return Correct
	case len(read) == 0:
		return Unread
	case anySame(read, p.Texts):
		return Correct
	case p.Kind == "any":
		return Unconfirmed
	}
	return Wrong
}

func anySame(read, known [][]byte) bool {
	for _, r := range read {
		for _, k := range known {
			if Same(r, k) {
				return true
			}
		}
	}
	return false
}

// Same says whether two decoders' bytes are the same text: ASCII up to line ends and outer blanks,
// and what is not ASCII in any of the charsets that codes are written in, without blanks: not every
// decoder gives the bytes as encoded.
func Same(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	for _, x := range texts(a) {
		for _, y := range texts(b) {
			if x == y {
				return true
			}
		}
	}
	return false
}
