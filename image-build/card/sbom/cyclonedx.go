package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The fields of CycloneDX 1.5 that are used, in the order of its reference.
type document struct {
	Format       string      `json:"bomFormat"`
	Spec         string      `json:"specVersion"`
	SerialNumber string      `json:"serialNumber,omitempty"`
	Version      int         `json:"version"`
	Metadata     metadata    `json:"metadata"`
	Components   []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func library(name, version, purl, how string) component {
	return component{Type: "library", Ref: purl, Name: name, Version: version, PURL: purl, Properties: []property{{"ashyq:how", how}}}
}

// escape is a package URL's percent-encoding, in which a colon stays as it is.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%3A", ":") }

// write sorts the components and numbers the document by the hash of its content, so that nothing in it is of the hour or by chance.
func write(out io.Writer, name, version string, at time.Time, components []component) error {
	slices.SortFunc(components, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	for i := 1; i < len(components); i++ {
		if components[i].Ref == components[i-1].Ref {
			return fmt.Errorf("%q is there twice", components[i].Ref)
		}
	}
	d := document{
		Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata:   metadata{at.Format(time.RFC3339), component{Type: "operating-system", Ref: name + "@" + version, Name: name, Version: version}},
		Components: components,
	}
	content, err := json.Marshal(d)
	if err != nil {
		return err
	}
	h := sha256.Sum256(content)
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // RFC 9562 5.8: a UUID of our own making
	d.SerialNumber = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
