// Command sbom lists the contents of a card image as CycloneDX 1.5 JSON: Debian's packages, the
// files taken out of packages that are not installed, and the modules linked into the daemon. The
// same image gives the same bytes. The script "publish" runs it.
package main

import (
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	name := flags.String("name", "", "the image's name")
	version := flags.String("version", "", "the image's version")
	packages := flags.String("packages", "", "packages.tsv of the image")
	binary := flags.String("binary", "", "the image's daemon")
	opencv := flags.String("opencv", "", "version of the OpenCV linked into the daemon")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *name == "" || *version == "" || *opencv == "" {
		return errors.New("want -name, -version and -opencv")
	}
	at, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("read SOURCE_DATE_EPOCH: %w", err)
	}
	table, err := os.ReadFile(*packages)
	if err != nil {
		return err
	}
	components, err := debian(string(table))
	if err != nil {
		return fmt.Errorf("read %q: %w", *packages, err)
	}
	built, err := buildinfo.ReadFile(*binary)
	if err != nil {
		return err
	}
	components = append(components, library("opencv", *opencv, "pkg:generic/opencv@"+escape(*opencv), "linked into ashyq-kiosk"))
	components = append(components, modules(built)...)
	return write(out, *name, *version, time.Unix(at, 0).UTC(), components)
}

// debian reads packages.tsv: a line of names, then package, version, architecture, source and kind.
func debian(table string) ([]cyclonedx.Component, error) {
	var all []cyclonedx.Component
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("line %d has %d fields, want 5: %q", i+1, len(f), line)
		}
		if i == 0 {
			continue
		}
		name, version, arch, source, kind := f[0], f[1], f[2], f[3], f[4]
		note, known := map[string]string{"installed": "installed", "part": "files taken out of the package"}[kind]
		if !known {
			return nil, fmt.Errorf("line %d: unknown kind %q, want installed or part", i+1, kind)
		}
		if strings.HasPrefix(name, "ashyq-kiosk") { // our own packages are not Debian's
			all = append(all, library(name, version, "pkg:generic/"+name+"@"+escape(version), note))
			continue
		}
		// Advisories name source packages, and scanners look for those under "upstream".
		purl := "pkg:deb/debian/" + escape(name) + "@" + escape(version) + "?arch=" + arch + "&distro=debian-13"
		if source != name {
			purl += "&upstream=" + escape(source)
		}
		all = append(all, library(name, version, purl, note))
	}
	if len(all) == 0 {
		return nil, errors.New("no packages")
	}
	return all, nil
}

// modules are Go's library and the modules that the linker put into the daemon.
func modules(built *buildinfo.BuildInfo) []cyclonedx.Component {
	version := strings.TrimPrefix(built.GoVersion, "go")
	all := []cyclonedx.Component{library("stdlib", version, "pkg:golang/stdlib@"+escape(version), "linked into ashyq-kiosk")}
	for _, m := range built.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, library(m.Path, m.Version, "pkg:golang/"+strings.ToLower(m.Path)+"@"+escape(m.Version), "linked into ashyq-kiosk"))
	}
	return all
}
