// Command ashyq-bench compares QR decoders on pictures and videos with known texts: how many codes
// each reads, how many it reads wrong, and how long that takes. It runs decoders as programs; the
// last argument of each call is a file with one path per line, and package score describes their
// output.
package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"ashyq-kiosk/cmd/ashyq-bench/score"
)

type cli struct {
	CSV    string   `name:"csv" help:"File for what each decoder did with each picture and frame." default:"bench-scanner.csv" type:"path"`
	Peer   []string `help:"Another decoder to compare with, as NAME=COMMAND; may be repeated." sep:"none" placeholder:"NAME=COMMAND"`
	Dir    string   `arg:"" help:"Folder with photos, door, tilt, stress and videos, each with its truth.tsv; any of them may be missing." type:"existingdir"`
	Decode []string `arg:"" help:"The decoder and its arguments." passthrough:""`
}

func main() {
	var c cli
	parser := kong.Must(&c, kong.Name("ashyq-bench"),
		kong.Description("Compares QR decoders on pictures and videos whose texts are known."))
	if _, err := parser.Parse(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "ashyq-bench: %v\nhint: see ashyq-bench --help\n", err)
		os.Exit(2)
	}
	if err := run(c, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "ashyq-bench: %v\n", err)
		os.Exit(1)
	}
}

// engine is a decoder.
type engine struct {
	name    string
	command []string
}

func run(c cli, out io.Writer) (err error) {
	engines := []engine{{"ashyq", c.Decode}}
	for _, peer := range c.Peer {
		name, command, ok := strings.Cut(peer, "=")
		if !ok || strings.TrimSpace(command) == "" {
			return fmt.Errorf("peer %q: want NAME=COMMAND", peer)
		}
		engines = append(engines, engine{name, strings.Fields(command)})
	}
	file, err := os.Create(c.CSV)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	b := bench{out: out, dir: c.Dir, engines: engines, csv: csv.NewWriter(file)}
	if err := b.csv.Write([]string{"engine", "file", "frame", "verdict", "cpu_ms"}); err != nil {
		return err
	}
	found := false
	for _, part := range []struct {
		folder string
		bench  func(folder string, truth io.Reader) error
	}{{"photos", b.pictures}, {"door", b.pictures}, {"tilt", b.pictures}, {"stress", b.pictures}, {"videos", b.videos}} {
		truth, err := os.Open(filepath.Join(c.Dir, part.folder, "truth.tsv"))
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(out, "%s: there is no truth.tsv\n\n", part.folder)
			continue
		} else if err != nil {
			return err
		}
		found = true
		err = part.bench(part.folder, truth)
		truth.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", part.folder, err)
		}
	}
	if !found {
		return fmt.Errorf("%q has no truth.tsv in photos, door, tilt, stress or videos", c.Dir)
	}
	b.csv.Flush()
	for _, line := range b.figures {
		fmt.Fprintln(out, line)
	}
	return b.csv.Error()
}

// listFiles writes a file with the paths for a decoder.
func (b *bench) listFiles(folder string, n int, path func(i int) string) (name string, err error) {
	list, err := os.CreateTemp("", "ashyq-bench-*.txt")
	if err != nil {
		return "", err
	}
	for i := range n {
		fmt.Fprintln(list, filepath.Join(b.dir, folder, path(i)))
	}
	return list.Name(), list.Close()
}

// readings runs a decoder over the files of a list and returns its readings by the truth's paths.
func (b *bench) readings(e engine, folder, list string, ofVideos bool) ([]score.Reading, error) {
	cmd := exec.Command(e.command[0], append(e.command[1:len(e.command):len(e.command)], list)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", e.name, err)
	}
	readings, parseErr := score.Readings(out, ofVideos)
	_, drainErr := io.Copy(io.Discard, out)
	if err := errors.Join(parseErr, drainErr, cmd.Wait()); err != nil {
		return nil, fmt.Errorf("run %s: %w", e.name, err)
	}
	for i := range readings {
		path, err := filepath.Rel(filepath.Join(b.dir, folder), readings[i].Path)
		if err != nil {
			return nil, fmt.Errorf("%s: path: %w", e.name, err)
		}
		readings[i].Path = path
	}
	return readings, nil
}
