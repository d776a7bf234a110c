package pass_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestDocs compares the page for phone authors with the vectors: its example is the vector
// "rotating", byte by byte, and every result has a row.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/pass.md")
	if err != nil {
		t.Fatal(err)
	}
	v := readVectors(t)["rotating"]
	if !strings.Contains(string(page), "\n    "+v.Text+"\n") {
		t.Error("the example's text is not the vector's")
	}
	self := requestRecipe{request: "self", result: "valid"}.vector().Message
	for name, want := range map[string]string{"credential": v.SealedCredential, "message": v.RotatingCode, "self-check": self} {
		if !strings.Contains(hexBlocks(string(page)), "\n"+want+"\n") {
			t.Errorf("the example's %s is not the vector's", name)
		}
	}
	for result := range requestResults {
		if !strings.Contains(string(page), "`"+result+"`") {
			t.Errorf("a request's result %q is not explained", result)
		}
	}
	for result := range resultErrors {
		if !strings.Contains(string(page), "`"+result+"`") {
			t.Errorf("result %q is not explained", result)
		}
	}
}

// hexBlocks joins lines of pure hex, and returns one line for each block.
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
