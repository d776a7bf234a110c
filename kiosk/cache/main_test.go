package cache

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets the tests start their own binary as another process that works on a cache: see
// kill_test.go.
func TestMain(m *testing.M) {
	path, writer := os.LookupEnv(writerEnv)
	if !writer {
		os.Exit(m.Run())
	}
	if err := write(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
