package pass_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestDocs keeps the page for phone authors and the vectors together: its example is the vector "rotating", byte by byte,
// and every result has its row.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/pass.md")
	if err != nil {
		t.Fatal(err)
	}
	v := readVectors(t)["rotating"]
	if !strings.Contains(string(page), "\n    "+v.Text+"\n") {
		t.Error("the example's text is not the vector's")
	}
	for name, want := range map[string]string{"credential": v.SealedCredential, "message": v.RotatingCode} {
		if !strings.Contains(hexBlocks(string(page)), "\n"+want+"\n") {
			t.Errorf("the example's %s is not the vector's", name)
		}
	}
	for result := range resultErrors {
		if !strings.Contains(string(page), "`"+result+"`") {
			t.Errorf("result %q is not explained", result)
		}
	}
}

// hexBlocks joins the lines that are nothing but hex, one block to a line.
func hexBlocks(page string) string {
	var out strings.Builder
	for line := range strings.Lines(page) {
		digits := strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		if _, err := hex.DecodeString(digits); err == nil && digits != "" {
			out.WriteString(digits)
		} else {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
