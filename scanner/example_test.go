package scanner_test

import (
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"time"

	"ashyq-kiosk/scanner"
	"ashyq-kiosk/scanner/qrdraw"
)

// A folder of pictures replaces the camera.
func ExampleScanner() {
	dir, err := os.MkdirTemp("", "camera")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file, err := os.Create(filepath.Join(dir, "1.png"))
	if err != nil {
		panic(err)
	}
	if err := png.Encode(file, qrdraw.Draw("AQ1:EXAMPLE", qrdraw.Options{})); err != nil {
		panic(err)
	}
	file.Close()

	ctx, cancel := context.WithCancel(context.Background())
	s := scanner.New(scanner.Config{
		Source: "dir:" + dir,
		OnCode: func(text []byte, taken time.Time) {
			fmt.Printf("%s\n", text)
			cancel()
		},
		OnState: func(err error) { fmt.Println("camera:", err) },
	})
	if err := s.Run(ctx); err != nil {
		panic(err)
	}
	// Output:
	// camera: <nil>
	// AQ1:EXAMPLE
}
