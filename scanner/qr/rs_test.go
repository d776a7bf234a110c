package qr

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/makiuchi-d/gozxing/common/reedsolomon"
)

// encoded is a random block with its check codewords, by gozxing's encoder.
func encoded(t *testing.T, r *rand.Rand, data, check int) []byte {
	words := make([]int, data+check)
	for i := range data {
		words[i] = r.IntN(256)
	}
	if err := reedsolomon.NewReedSolomonEncoder(reedsolomon.GenericGF_QR_CODE_FIELD_256).Encode(words, check); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, len(words))
	for i, w := range words {
		block[i] = byte(w)
	}
	return block
}

// Any mixture of errors and erasures within the bound is repaired; beyond it hardly ever anything
// is, and then to another codeword.
func TestCorrect(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		check := []int{7, 10, 13, 17, 22, 26, 30}[r.IntN(7)]
		want := encoded(t, r, 9+r.IntN(110), check)
		erasures, spare := r.IntN(check+1), r.IntN(3)
		wrong := 0
		if left := check - erasures - spare; left > 0 {
			wrong = r.IntN(left/2 + 1)
		}
		places := r.Perm(len(want))[:erasures+wrong]
		got := slices.Clone(want)
		for i, at := range places {
			if i < erasures {
				got[at] = byte(r.IntN(256)) // may happen to be right
			} else {
				got[at] ^= byte(1 + r.IntN(255))
			}
		}
		ok := correct(got, check, places[:erasures], spare)
		if fits := erasures+spare <= check; ok != fits || fits && !bytes.Equal(got, want) {
			t.Fatalf("%d of %d check codewords, %d erased, %d wrong, %d spare: %v", len(want), check, erasures, wrong, spare, ok)
		}
	}
}

func TestCorrectRefusesGarbage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	passed := 0
	for range 2000 {
		block := make([]byte, 44)
		for i := range block {
			block[i] = byte(r.Uint32())
		}
		if correct(block, 18, []int{1, 5, 9, 20, 30, 40}, 2) {
			passed++
		}
	}
	if passed > 2 {
		t.Errorf("%d of 2000 random blocks were taken for damaged ones", passed)
	}
}
