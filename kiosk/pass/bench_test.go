package pass_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// BenchmarkVerify does all that a door does with a rotating code: parse it, verify two signatures,
// and open its block.
func BenchmarkVerify(b *testing.B) {
	text := []byte(readVectors(b)["rotating"].Text)
	issuers := pass.NewIssuers([]ed25519.PublicKey{publicOf(issuerKey)})
	now := time.Unix(nowAt, 0)
	b.ReportAllocs()
	for b.Loop() {
		code, err := pass.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if err := code.Verify(issuers, now); err != nil {
			b.Fatal(err)
		}
		if _, err := code.Open(guardKeys); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(readVectors(b)["rotating"].Text)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pass.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseForeign measures the cost of a QR code that is not a pass.
func BenchmarkParseForeign(b *testing.B) {
	text := []byte("https://example.kz/menu?table=7")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pass.Parse(text); !errors.Is(err, pass.ErrNotAPass) {
			b.Fatal(err)
		}
	}
}

// BenchmarkGuardFull is the guard's worst case: a new person when it is full and every entry still
// matters.
func BenchmarkGuardFull(b *testing.B) {
	for _, size := range []int{256, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			guard := pass.NewGuard(size)
			now := time.Unix(nowAt, 0)
			code, n := &pass.Code{}, uint64(0)
			admit := func() {
				n++
				binary.BigEndian.PutUint64(code.Credential.Block[:], n)
				if err := guard.Check(code, now, time.Hour); err != nil {
					b.Fatal(err)
				}
				guard.Admitted(code, now)
			}
			for range size {
				admit()
			}
			b.ReportAllocs()
			for b.Loop() {
				admit()
			}
		})
	}
}
