package scanner

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/scanner/qrdraw"
)

// put writes a picture as a writer should: under another name first.
func put(t testing.TB, dir, name string, img image.Image) string {
	t.Helper()
	var b bytes.Buffer
	encode := func() error { return png.Encode(&b, img) }
	if strings.HasSuffix(name, ".jpg") {
		encode = func() error { return jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}) }
	}
	if err := encode(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".tmp", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// grey is a picture of one brightness, which identifies it.
func grey(level byte) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	for i := range img.Pix {
		img.Pix[i] = level
	}
	return img
}

func openDir(t *testing.T, source string) Camera {
	t.Helper()
	cam, err := OpenCamera("dir:"+source, Settings{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	return cam
}

func TestFolderShowsPicturesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, "b.png", grey(20))
		put(t, dir, "a.jpg", grey(10))
		put(t, dir, ".hidden.png", grey(1))
		for _, name := range []string{"a.png.tmp", "notes.txt"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cam, begin := openDir(t, dir+"?fps=4"), time.Now()
		defer cam.Close()
		var f Frame
		read := func(want byte, at time.Duration) {
			t.Helper()
			if err := cam.Read(&f); err != nil || f.Width != 3 || f.Height != 2 || f.Pix[5] != want {
				t.Errorf("%+v, %v; want one of %d", f, err, want)
			}
			if since := time.Since(begin); since != at || !f.Taken.Equal(time.Now()) {
				t.Errorf("picture %d after %v, taken at %v; want %v", want, since, f.Taken, at)
			}
		}
		read(10, 0)
		read(20, 250*time.Millisecond)
		if err := cam.Read(&f); err != ErrNoPicture {
			t.Errorf("%v, want ErrNoPicture", err)
		}
		put(t, dir, "aa.png", grey(15)) // too late for its place
		put(t, dir, "c.png", grey(30))
		put(t, dir, "d.png", grey(40))
		read(30, 1500*time.Millisecond)
		read(40, 1750*time.Millisecond) // the pause is not made up for
	})
}

func TestFolderLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cam := openDir(t, dir+"?loop")
		defer cam.Close()
		var f Frame
		if err := cam.Read(&f); err != ErrNoPicture {
			t.Errorf("empty: %v, want ErrNoPicture", err)
		}
		put(t, dir, "1.png", grey(1))
		put(t, dir, "2.png", grey(2))
		var got []byte
		for range 5 {
			if err := cam.Read(&f); err != nil {
				t.Fatal(err)
			}
			got = append(got, f.Pix[0])
		}
		if want := []byte{1, 2, 1, 2, 1}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// A file that is not a picture is skipped with the reason, and the folder continues.
func TestFolderPassesOverWhatIsNoPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, "1.png", grey(1))
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, whole[:len(whole)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		put(t, dir, "2.png", grey(2))
		cam := openDir(t, dir)
		defer cam.Close()
		var f Frame
		if err := cam.Read(&f); !errors.Is(err, ErrNoPicture) || !strings.Contains(err.Error(), "1.png") {
			t.Errorf("%v, want ErrNoPicture and the name", err)
		}
		if err := cam.Read(&f); err != nil || f.Pix[0] != 2 {
			t.Errorf("%v, %v", f.Pix, err)
		}
	})
}

func TestFolderFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenCamera("dir:"+dir+"/none", Settings{}, slog.Default()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want not exist", err)
	}
	if _, err := OpenCamera("dir:"+put(t, dir, "1.png", grey(1)), Settings{}, slog.Default()); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("%v", err)
	}
	gone := filepath.Join(dir, "gone")
	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	cam := openDir(t, gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	if err := cam.Read(&Frame{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want not exist", err)
	}
}

func TestFolderCloseWakesRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := openDir(t, t.TempDir())
		begin := time.Now()
		time.AfterFunc(10*time.Millisecond, func() { cam.Close() })
		if err := cam.Read(&Frame{}); !errors.Is(err, errClosed) || time.Since(begin) > 10*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if err := cam.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The spool folder of a test at the door: a pass arrives, is read, and nothing follows.
func TestScannerOnFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var read []string
		told := &states{begin: time.Now()}
		s := New(Config{
			Source:      "dir:" + dir,
			FrozenAfter: 4 * time.Second,
			OnCode:      func(text []byte, _ time.Time) { read = append(read, string(text)) },
			OnState:     told.add,
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(time.Second)
		put(t, dir, "1.png", qrdraw.Draw("FIRST", qrdraw.Options{}))
		time.Sleep(time.Second)
		put(t, dir, "2.jpg", qrdraw.Draw("SECOND", qrdraw.Options{}))
		time.Sleep(10 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if want := []string{"FIRST", "SECOND"}; !slices.Equal(read, want) {
			t.Errorf("read %q, want %q", read, want)
		}
		if len(told.log) != 2 || !strings.HasSuffix(told.log[0], "pictures") || !strings.HasSuffix(told.log[1], ErrSilent.Error()) {
			t.Errorf("states %q", told.log)
		}
	})
}

// Every format that Go decodes becomes grey: only the brightness counts.
func TestReadPictureFormats(t *testing.T) {
	dir := t.TempDir()
	rgba := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		rgba.Set(i%16, i/16, color.NRGBA{R: 200, G: 200, B: 200, A: 255})
	}
	clear := image.NewNRGBA(rgba.Rect)
	paletted := image.NewPaletted(image.Rect(0, 0, 16, 16), color.Palette{color.Gray{Y: 90}})
	for name, want := range map[string]struct {
		img  image.Image
		grey byte
	}{
		"rgba.png":     {rgba, 200},
		"rgba.jpg":     {rgba, 200},
		"clear.png":    {clear, 255},
		"paletted.png": {paletted, 90},
	} {
		var f Frame
		if err := readPicture(put(t, dir, name, want.img), &f); err != nil || f.Width != 16 || f.Height != 16 || len(f.Pix) != 256 {
			t.Errorf("%s: %dx%d, %v", name, f.Width, f.Height, err)
			continue
		}
		if got := f.Pix[100]; got < want.grey-1 || int(got) > int(want.grey)+1 {
			t.Errorf("%s: grey %d, want %d", name, got, want.grey)
		}
	}
}

// A header with more pixels than any camera has is rejected.
func TestReadPictureTooLarge(t *testing.T) {
	path := put(t, t.TempDir(), "1.png", grey(1))
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	// IHDR begins at byte 12: its type, then width and height, its CRC at 29 (PNG specification,
	// 11.2.1).
	if _, err := file.WriteAt(pngHeader(1<<16, 1<<16), 12); err != nil {
		t.Fatal(err)
	}
	if err := readPicture(path, &Frame{}); err == nil || !strings.Contains(err.Error(), "65536x65536") {
		t.Error(err)
	}
}

// pngHeader is the chunk IHDR of a grey picture, from its type to its checksum.
func pngHeader(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 0, 0, 0, 0) // 8 bits, grey
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk))
}
