package scanner

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/scanner/qr"
)

var videoExtensions = []string{".mp4", ".mkv", ".avi", ".mov", ".m4v", ".webm", ".mpg", ".mpeg", ".ts", ".ogv"}

// DecodeList reads file names from list, one per line, and writes what the decoder reads in each file. For a picture:
//
//	PATH <TAB> CPU milliseconds <TAB> text in hexadecimal, or NONE
//
// and for a video one such line per frame, each decoded on its own, with the frame's number, from 0, after the path.
// The time is the process's CPU time for decoding the grey pixels; loading the file is not in it. A file that cannot
// be read is reported on standard error; a picture has its line, with NONE, all the same. The error is that of reading
// list or writing to out, or says that videos could not be read.
func DecodeList(list io.Reader, out io.Writer) error {
	d := NewDecoder()
	w := bufio.NewWriter(out)
	var unread []error
	for lines := bufio.NewScanner(list); ; {
		if !lines.Scan() {
			unread = append(unread, lines.Err(), w.Flush())
			return errors.Join(unread...)
		}
		path := lines.Text()
		switch {
		case path == "":
			continue
		case slices.Contains(videoExtensions, strings.ToLower(filepath.Ext(path))):
			if err := d.decodeVideo(w, path); err != nil {
				unread = append(unread, err)
			}
		default:
			d.decodePicture(w, path)
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
}

func (d *Decoder) decodePicture(w io.Writer, path string) {
	var f Frame
	if err := readPicture(path, &f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		fmt.Fprintf(w, "%s\t0.000\tNONE\n", path)
		return
	}
	ms, text := d.timed(&f)
	fmt.Fprintf(w, "%s\t%.3f\t%s\n", path, ms, text)
}

func (d *Decoder) decodeVideo(w io.Writer, path string) error {
	frames, err := openFrames(path)
	if err != nil {
		return err
	}
	defer frames.Close()
	effort := d.Effort
	defer func() { d.Effort = effort }()
	d.Effort = qr.Quick // as the daemon does: the next frame comes in 33 ms
	var f Frame
	for n := 0; ; n++ {
		if err := frames.Read(&f); errors.Is(err, ErrEnded) && n > 0 {
			return nil
		} else if err != nil {
			return err
		}
		ms, text := d.timed(&f)
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%s\n", path, n, ms, text)
	}
}

// timed decodes one picture and says how many milliseconds of CPU that took.
func (d *Decoder) timed(f *Frame) (ms float64, text string) {
	before := processCPU()
	found, err := d.Decode(f)
	ms = float64(processCPU()-before) / float64(time.Millisecond)
	if err != nil {
		return ms, "NONE"
	}
	return ms, hex.EncodeToString(found)
}
