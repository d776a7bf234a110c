package scanner

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

func TestDecodeList(t *testing.T) {
	dir := t.TempDir()
	pass := put(t, dir, "pass.jpg", held(passText, qrdraw.Options{}))
	word := put(t, dir, "сөз.png", qrdraw.Draw("сөз", qrdraw.Options{}))
	empty := put(t, dir, "empty.png", qrdraw.Doorway(320, 240, 1))
	broken := filepath.Join(dir, "broken.png")
	if err := os.WriteFile(broken, []byte("not a picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.png")

	var out strings.Builder
	if err := DecodeList(strings.NewReader(strings.Join([]string{pass, word, "", empty, broken, missing}, "\n")), &out); err != nil {
		t.Fatal(err)
	}
	ms := regexp.MustCompile(`\t[0-9]+\.[0-9]{3}\t`)
	got := ms.ReplaceAllString(out.String(), "\tMS\t")
	want := ""
	for path, text := range pairs(pass, passText, word, "сөз", empty, "", broken, "", missing, "") {
		if text = hex.EncodeToString([]byte(text)); text == "" {
			text = "NONE"
		}
		want += path + "\tMS\t" + text + "\n"
	}
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// pairs yields two of the strings at a time.
func pairs(s ...string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for ; len(s) > 1 && yield(s[0], s[1]); s = s[2:] {
		}
	}
}

// An unreadable video must not look like one without codes; the files after it are decoded all the
// same.
func TestDecodeListVideoThatIsNone(t *testing.T) {
	dir := t.TempDir()
	video := filepath.Join(dir, "broken.mp4")
	if err := os.WriteFile(video, []byte("not a video"), 0o644); err != nil {
		t.Fatal(err)
	}
	picture := put(t, dir, "1.png", qrdraw.Draw("A", qrdraw.Options{}))
	var out strings.Builder
	err := DecodeList(strings.NewReader(video+"\n"+picture+"\n"), &out)
	if err == nil || !strings.Contains(err.Error(), "broken.mp4") {
		t.Errorf("%v, want the video's name", err)
	}
	if !strings.HasPrefix(out.String(), picture+"\t") || !strings.HasSuffix(out.String(), "\t41\n") {
		t.Errorf("%q", out.String())
	}
}

func TestDecodeListStopsWhenNobodyListens(t *testing.T) {
	picture := put(t, t.TempDir(), "1.png", grey(1))
	if err := DecodeList(strings.NewReader(picture), brokenPipe{}); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }
