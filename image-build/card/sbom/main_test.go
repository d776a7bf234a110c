package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
)

const table = `package	version	architecture	source	kind
libstdc++6	14.2.0-19	arm64	gcc-14	installed
ashyq-kiosk	0~20261123.g0123456	arm64	ashyq-kiosk	installed
busybox-static	1:1.37.0-6+b9	arm64	busybox	part
tzdata	2025b-4	all	tzdata	installed
`

// made runs the command with this test's own program as the daemon.
func made(t *testing.T, table string) ([]byte, error) {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1795000000")
	file := filepath.Join(t.TempDir(), "packages.tsv")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = run([]string{"-name", "ashyq-kiosk-lean", "-version", "1.2.3", "-packages", file, "-binary", program, "-opencv", "4.6.0+dfsg-12"}, &out)
	return out.Bytes(), err
}

func TestDocument(t *testing.T) {
	out, err := made(t, table)
	if err != nil {
		t.Fatal(err)
	}
	var d cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(out), cyclonedx.BOMFileFormatJSON).Decode(&d); err != nil {
		t.Fatal(err)
	}
	if d.BOMFormat != "CycloneDX" || d.SpecVersion != cyclonedx.SpecVersion1_5 || d.Version != 1 ||
		d.Metadata.Timestamp != "2026-11-18T11:06:40Z" {
		t.Errorf("head: %+v", d)
	}
	// The pattern of the specification.
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`).MatchString(d.SerialNumber) {
		t.Errorf("serial number %q", d.SerialNumber)
	}
	for _, want := range []string{
		"pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=arm64&distro=debian-13&upstream=gcc-14",
		"pkg:deb/debian/busybox-static@1:1.37.0-6%2Bb9?arch=arm64&distro=debian-13&upstream=busybox",
		"pkg:deb/debian/tzdata@2025b-4?arch=all&distro=debian-13",
		"pkg:generic/ashyq-kiosk@0~20261123.g0123456",
		"pkg:generic/opencv@4.6.0%2Bdfsg-12",
	} {
		if !slices.ContainsFunc(*d.Components, func(c cyclonedx.Component) bool { return c.PackageURL == want && c.BOMRef == want }) {
			t.Errorf("no component %q in\n%s", want, out)
		}
	}
	if !slices.ContainsFunc(*d.Components, func(c cyclonedx.Component) bool {
		return strings.HasPrefix(c.PackageURL, "pkg:golang/stdlib@1.")
	}) {
		t.Error("Go's own library is missing")
	}
}

func TestSameBytes(t *testing.T) {
	first, err := made(t, table)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	slices.Reverse(lines[1:])
	second, err := made(t, strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the same packages in another order give another document")
	}
	newer, err := made(t, strings.Replace(table, "2025b-4", "2025b-5", 1))
	if err != nil {
		t.Fatal(err)
	}
	serial := regexp.MustCompile(`urn:uuid:[^"]*`)
	if bytes.Equal(serial.Find(first), serial.Find(newer)) {
		t.Error("different content has the same serial number")
	}
}

func TestRefused(t *testing.T) {
	for name, bad := range map[string]string{
		"nothing":      "package\tversion\tarchitecture\tsource\tkind\n",
		"four fields":  table + "a\t1\tall\ta\n",
		"unknown kind": table + "a\t1\tall\ta\tdreamt\n",
		"twice":        table + "tzdata\t2025b-4\tall\ttzdata\tinstalled\n",
	} {
		if _, err := made(t, bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
