package scanner

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

var videoExtensions = []string{".mp4", ".mkv", ".avi", ".mov", ".m4v", ".webm", ".mpg", ".mpeg", ".ts", ".ogv"}

// DecodeList reads file names from list, one per line, and writes what the decoder reads in each file. For a picture:
//
//	PATH <TAB> CPU milliseconds <TAB> text in hexadecimal, or several with commas between, or NONE
//
// and for a video one such line per frame, with the frame's number, from 0, after the path. A picture gets all the effort
// there is. A video is looked at as the daemon looks at a camera: NONE also means that nothing had changed, or that the
// code was read in one of the last frames. Only the budget of CPU time is left out, so that the result is always the same.
// The time is the CPU time that one thread spent on the grey pixels; loading the file is not in it. A file that cannot
// be read is reported on standard error; a picture has its line, with NONE, all the same. The error is that of reading
// list or writing to out, or says that videos could not be read.
func DecodeList(list io.Reader, out io.Writer) error {
	runtime.LockOSThread() // for the thread's CPU time: the threads that unpack a video run ahead meanwhile
	defer runtime.UnlockOSThread()
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
			if err := decodeVideo(w, path); err != nil {
				unread = append(unread, err)
			}
		default:
			decodePicture(w, d, path)
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
}

func decodePicture(w io.Writer, d *Decoder, path string) {
	var f Frame
	if err := readPicture(path, &f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		fmt.Fprintf(w, "%s\t0.000\tNONE\n", path)
		return
	}
	before := threadCPU()
	texts := d.all(&f)
	ms := float64(threadCPU()-before) / float64(time.Millisecond)
	found := "NONE"
	if len(texts) > 0 {
		found = strings.Join(texts, ",")
	}
	fmt.Fprintf(w, "%s\t%.3f\t%s\n", path, ms, found)
}

func decodeVideo(w io.Writer, path string) error {
	frames, err := openFrames(path)
	if err != nil {
		return err
	}
	defer frames.Close()
	eyes := newROI()
	var f Frame
	for n := 0; ; n++ {
		if err := frames.Read(&f); errors.Is(err, ErrEnded) && n > 0 {
			return nil
		} else if err != nil {
			return err
		}
		ms, text := timed(eyes.examine, &f)
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%s\n", path, n, ms, text)
	}
}

// timed decodes one picture and says how many milliseconds of CPU that took.
func timed(decode func(*Frame) ([]byte, error), f *Frame) (ms float64, text string) {
	before := threadCPU()
	found, err := decode(f)
	ms = float64(threadCPU()-before) / float64(time.Millisecond)
	if err != nil {
		return ms, "NONE"
	}
	return ms, hex.EncodeToString(found)
}
