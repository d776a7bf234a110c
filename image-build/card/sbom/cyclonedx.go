package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

func library(name, version, purl, how string) cyclonedx.Component {
	return cyclonedx.Component{
		Type: cyclonedx.ComponentTypeLibrary, BOMRef: purl, Name: name, Version: version, PackageURL: purl,
		Properties: &[]cyclonedx.Property{{Name: "ashyq:how", Value: how}},
	}
}

// escape is a package URL's percent-encoding, in which a colon stays as it is.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%3A", ":") }

// write sorts the components and makes the serial number from the content, so that the same image
// gives the same bytes.
func write(out io.Writer, name, version string, at time.Time, components []cyclonedx.Component) error {
	slices.SortFunc(components, func(a, b cyclonedx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	for i := 1; i < len(components); i++ {
		if components[i].BOMRef == components[i-1].BOMRef {
			return fmt.Errorf("%q is there twice", components[i].BOMRef)
		}
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{
		Timestamp: at.Format(time.RFC3339),
		Component: &cyclonedx.Component{
			Type: cyclonedx.ComponentTypeOS, BOMRef: name + "@" + version, Name: name, Version: version,
		},
	}
	bom.Components = &components
	var content bytes.Buffer
	if err := encode(&content, bom); err != nil {
		return err
	}
	h := sha256.Sum256(content.Bytes())
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8, a UUID of our own making (RFC 9562 5.8)
	bom.SerialNumber = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
	return encode(out, bom)
}

func encode(out io.Writer, bom *cyclonedx.BOM) error {
	return cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).
		EncodeVersion(bom, cyclonedx.SpecVersion1_5)
}
