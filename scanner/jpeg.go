//go:build gocv_videoio

package scanner

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
)

// errTorn says that a camera's JPEG picture is not whole.
var errTorn = errors.New("the JPEG picture is torn")

// JPEG's markers (ITU-T T.81, table B.1), each after a byte 0xff.
const (
	markSOF0 = 0xc0 // baseline; 0xc1: the same with longer tables
	markSOF1 = 0xc1
	markDHT  = 0xc4 // the other codes up to 0xcf are for kinds of JPEG that no camera sends
	markRST0 = 0xd0 // to 0xd7: within the picture's data
	markRST7 = 0xd7
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda // the picture's data follow
)

// wholeJPEG returns the one JPEG picture at the beginning of a camera's buffer, or why the decoder
// must not have it. libjpeg repeats the last row of a torn picture without an error, and a broken
// or hostile camera could make it work for minutes (many scans) or take gigabytes (a size of 65500
// squared). So the picture is one scan, has the size that the camera promised, and has an end.
func wholeJPEG(data []byte, size image.Point) ([]byte, error) {
	if len(data) < 2 || data[0] != 0xff || data[1] != markSOI {
		return nil, fmt.Errorf("%w: it does not begin as one", errTorn)
	}
	sized := false
	for at := 2; ; {
		for at < len(data) && data[at] == 0xff { // any number of them
			at++
		}
		if at+3 > len(data) || data[at-1] != 0xff {
			return nil, fmt.Errorf("%w in its header", errTorn)
		}
		mark, length := data[at], int(binary.BigEndian.Uint16(data[at+1:]))
		if at+1+length > len(data) || length < 2 {
			return nil, fmt.Errorf("%w in its header", errTorn)
		}
		segment := data[at+3 : at+1+length]
		switch {
		case mark == markSOF0 || mark == markSOF1:
			if err := checkSize(segment, size); sized || err != nil {
				return nil, errors.Join(err, errTorn)
			}
			sized = true
		case mark >= markSOF0 && mark <= 0xcf && mark != markDHT:
			return nil, fmt.Errorf("the picture is not a baseline JPEG (marker 0x%x)", mark)
		case mark == markSOS && sized:
			return wholeScan(data, at+1+length)
		case mark == markSOS || mark >= markRST0 && mark <= markEOI:
			return nil, fmt.Errorf("%w in its header", errTorn)
		}
		at += 1 + length
	}
}

// checkSize checks the frame header after its length: precision, height, width, components.
func checkSize(header []byte, want image.Point) error {
	if len(header) < 6 || header[0] != 8 {
		return fmt.Errorf("%w in its header", errTorn)
	}
	got := image.Pt(int(binary.BigEndian.Uint16(header[3:])), int(binary.BigEndian.Uint16(header[1:])))
	if got != want {
		return fmt.Errorf("the picture has %dx%d px, the camera promised %dx%d", got.X, got.Y, want.X, want.Y)
	}
	return nil
}

// wholeScan cuts data behind the end of the scan that begins at at.
func wholeScan(data []byte, at int) ([]byte, error) {
	for {
		next := bytes.IndexByte(data[at:], 0xff)
		if next < 0 || at+next+1 >= len(data) {
			return nil, fmt.Errorf("%w: it has no end", errTorn)
		}
		at += next + 1
		switch mark := data[at]; {
		case mark == markEOI:
			return data[:at+1], nil
		case mark == 0xff: // fill byte
		case mark == 0 || mark >= markRST0 && mark <= markRST7:
			at++
		default:
			return nil, fmt.Errorf("%w: marker 0x%x in its data", errTorn, mark)
		}
	}
}
