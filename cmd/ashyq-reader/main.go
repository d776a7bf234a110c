//go:build js && wasm

// Command ashyq-reader is the doors' decoder for a browser: the page for the staff's phone loads it
// as WebAssembly. It defines ashyqRead(pixels, width, height), which takes a Uint8Array of grey
// pixels and returns the text of the first QR code, or null.
package main

import (
	"syscall/js"

	"ashyq-kiosk/scanner/qr"
)

func main() {
	reader := qr.NewReader()
	var pixels []byte
	js.Global().Set("ashyqRead", js.FuncOf(func(_ js.Value, args []js.Value) any {
		width, height := args[1].Int(), args[2].Int()
		if n := width * height; n != len(pixels) {
			pixels = make([]byte, n)
		}
		if js.CopyBytesToGo(pixels, args[0]) != len(pixels) {
			return nil
		}
		text, err := reader.Read(&qr.Image{Pix: pixels, Stride: width, Width: width, Height: height}, qr.Quick)
		if err != nil {
			return nil
		}
		return string(text)
	}))
	select {}
}
