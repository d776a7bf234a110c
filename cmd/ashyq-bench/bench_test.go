package main

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ashyq-kiosk/scanner"
	"ashyq-kiosk/scanner/qrdraw"
)

// This program stands in for two decoders: the kiosk's own, and a peer that reads A in every
// picture.
func TestMain(m *testing.M) {
	if os.Getenv("ASHYQ_BENCH_ROLE") == "" {
		os.Exit(m.Run())
	}
	decodeAs(os.Args[1], os.Args[2])
}

func decodeAs(role, path string) {
	list, err := os.ReadFile(path)
	if err == nil && role == "always" {
		for name := range strings.Lines(string(list)) {
			fmt.Printf("%s\t4.000\t41\n", strings.TrimSpace(name))
		}
	} else if err == nil {
		err = scanner.DecodeList(strings.NewReader(string(list)), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// folder has three pictures with a code and one without, and one more in a second set. One of the
// codes is not what the truth says.
func folder(t *testing.T) string {
	dir := t.TempDir()
	for name, img := range map[string]image.Image{
		"door/clean/1.png": qrdraw.Draw("A", qrdraw.Options{}), "door/clean/2.png": qrdraw.Draw("B", qrdraw.Options{}),
		"tilt/clean/1.png": qrdraw.Draw("A", qrdraw.Options{}), "door/clean/3.png": qrdraw.Draw("C",
			qrdraw.Options{}), "door/empty/1.png": qrdraw.Doorway(320, 240, 1),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(file, img); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	truth := "clean/1.png\ttext\t41\nclean/2.png\ttext\t42\nclean/3.png\ttext\t44\nempty/1.png\tnone\t-\n"
	for set, lines := range map[string]string{"door": truth, "tilt": "clean/1.png\ttext\t41\n"} {
		if err := os.WriteFile(filepath.Join(dir, set, "truth.tsv"), []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBench(t *testing.T) {
	t.Setenv("ASHYQ_BENCH_ROLE", "decoder")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	table := filepath.Join(dir, "out.csv")
	var out strings.Builder
	if err := run(cli{Dir: dir, CSV: table, Decode: []string{self, "decode"},
		Peer: []string{"guess=" + self + " always"}}, &out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"photos: there is no truth.tsv", "tilt_correct_ashyq\t1\tpictures", "stress: there is no truth.tsv", "door_correct_ashyq\t3\tpictures", "door_wrong_ashyq\t1\tpictures", "door_false_ashyq\t0\tpictures",
		"door_correct_guess\t1\tpictures", "door_wrong_guess\t2\tpictures", "door_false_guess\t1\tpictures", "door_read_median_guess\t4\tms",
		"door_correct_by_guess\t3\tours/theirs",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
	csv, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"engine,file,frame,verdict,cpu_ms\n", "ashyq,door/clean/3.png,0,wrong,",
		"guess,door/empty/1.png,0,false,4.000\n"} {
		if !strings.Contains(string(csv), line) {
			t.Errorf("no line %q in\n%s", line, csv)
		}
	}
}

func TestBenchErrors(t *testing.T) {
	empty, full := t.TempDir(), folder(t)
	table := filepath.Join(empty, "out.csv")
	for want, c := range map[string]cli{
		"has no truth.tsv": {Dir: empty, CSV: table, Decode: []string{"true"}},
		"NAME=COMMAND":     {Dir: full, CSV: table, Decode: []string{"true"}, Peer: []string{"zbar"}},
		"run ashyq: exit":  {Dir: full, CSV: table, Decode: []string{"false"}},
		"start ashyq":      {Dir: full, CSV: table, Decode: []string{"/nonexistent"}},
	} {
		if err := run(c, new(strings.Builder)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
