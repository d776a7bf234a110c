package pass_test

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/pass"
)

// How many codes TestMutatedPasses makes; "make mutations" makes 1,500,000.
const (
	mutationsEnv  = "ASHYQ_MUTATIONS"
	someMutations = 20_000
)

const mutationPhones = 8

// specimen is a good code, taken apart.
type specimen struct {
	text                string
	message, credential []byte
	paper               bool
	holder              ed25519.PrivateKey // nil on paper
}

// specimens are codes of several phones and papers, of two days and months.
func specimens(t *testing.T) (all []specimen) {
	for i := range mutationPhones {
		place := goodPlace
		place.Index += uint32(i)
		holder := testKey(byte(0x80 + i))
		c := goodCredential()
		c.Block, c.Holder, c.Day = pass.Block(blockByHand(dayKey, place)), publicOf(holder), c.Day+pass.Day(i%2)
		sealed := issue(t, c)
		text, err := pass.Rotate(holder, sealed, at(i).AddDate(0, 0, i%2))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, specimen{text: text, credential: sealed, holder: holder})

		c = paperCredential()
		c.Block, c.Month = pass.Block(blockByHand(monthKey, place)), c.Month+pass.Month(i%2)
		if text, err = pass.Paper(issue(t, c)); err != nil {
			t.Fatal(err)
		}
		all = append(all, specimen{text: text, credential: issue(t, c), paper: true})
	}
	for i := range all {
		message, err := pass.DecodeBase45(all[i].text[len(pass.Prefix):])
		if err != nil {
			t.Fatal(err)
		}
		all[i].message = message
	}
	return all
}

// mutator makes a code from a good one, without the issuer's key and without the holder's.
type mutator func(r *rand.Rand, one, other specimen) string

func ofMessage(change func(r *rand.Rand, one, other specimen) []byte) mutator {
	return func(r *rand.Rand, one, other specimen) string {
		return pass.Prefix + pass.EncodeBase45(change(r, one, other))
	}
}

// Where the fields are in a message, and from dayAt on in a phone's credential.
const (
	iatAt        = 1 + 4 + 1 + 2 + 1 + 1 // in a rotating code: array, header, map, payload's head, array, iat's head
	credentialAt = iatAt + 4 + 2
	dayAt        = 1 + 10 + 1 + 2 + 1 // with its head
	blockAt      = dayAt + 3 + 1
	holderAt     = blockAt + 16 + 2
	monthAt      = 1 + 10 + 1 + 1 + 1 // of a paper code, with its head
)

var mutators = map[string]mutator{
	"bits": ofMessage(func(r *rand.Rand, one, _ specimen) []byte {
		b := bytes.Clone(one.message)
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return b
	}),
	"bytes": ofMessage(func(r *rand.Rand, one, _ specimen) []byte {
		b := bytes.Clone(one.message)
		for i, n := r.IntN(len(b)), 1+r.IntN(16); n > 0 && i < len(b); i, n = i+1, n-1 {
			b[i] = byte(r.Uint32())
		}
		return b
	}),
	"lengths": ofMessage(func(r *rand.Rand, one, _ specimen) []byte {
		b, i := bytes.Clone(one.message), r.IntN(len(one.message))
		if r.IntN(2) == 0 {
			return slices.Delete(b, i, min(len(b), i+1+r.IntN(3)))
		}
		return slices.Insert(b, i, byte(r.Uint32()))
	}),
	"text": func(r *rand.Rand, one, _ specimen) string {
		const odd = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:abc\n"
		b := []byte(one.text)
		for range 1 + r.IntN(2) {
			b[r.IntN(len(b))] = odd[r.IntN(len(odd))]
		}
		return string(b)
	},
	"parts of others": ofMessage(func(r *rand.Rand, one, other specimen) []byte {
		b, n := bytes.Clone(one.message), min(len(one.message), len(other.message))
		i := r.IntN(n)
		if r.IntN(2) == 0 {
			return join(b[:i], other.message[i:])
		}
		copy(b[i:i+1+r.IntN(n-i)], other.message[i:])
		return b
	}),
	"fields of others": ofMessage(func(r *rand.Rand, one, other specimen) []byte {
		b := bytes.Clone(one.message)
		switch {
		case one.paper:
			copy(b[monthAt:], uintItem(uint64(paperMonth+r.IntN(9))))
			if r.IntN(2) == 0 {
				copy(b[monthAt+4:], other.message[monthAt+4:][:16])
			}
		case other.paper || r.IntN(2) == 0:
			copy(b[iatAt:], uintItem(uint64(nowAt + r.IntN(30)))[1:])
		default:
			from, to := credentialAt, credentialAt+len(one.credential)
			if r.IntN(2) == 0 {
				from = credentialAt + []int{dayAt, blockAt, holderAt}[r.IntN(3)]
				to = from + 16
			}
			copy(b[from:to], other.message[from:to])
		}
		return b
	}),
	"encodings": ofMessage(func(r *rand.Rand, one, other specimen) []byte {
		b := one.message
		head := []byte{b[0], b[1]} // the array, and the header as a byte string
		header, rest := b[2:2+int(b[1]&0x1f)], b[2+int(b[1]&0x1f)+1:]
		return [][]byte{
			join(unhex("d2"), b), join(unhex("d8 12"), b), join(unhex("9f"), b[1:], unhex("ff")),
			append(bytes.Clone(b), byte(r.Uint32())),
			join([]byte{b[0], 0x58, byte(len(header))}, header, emptyMap, rest),
			join(head, header, unhex("a1 04 44"), other.credential[7:11], rest),
			join(head, header, unhex("bf ff"), rest),
			join(head, header, emptyMap, []byte{0x59, 0}, rest[1:]),
		}[r.IntN(8)]
	}),
	"signatures": ofMessage(func(r *rand.Rand, one, other specimen) []byte {
		b := bytes.Clone(one.message)
		s := b[len(b)-32:]
		switch r.IntN(3) {
		case 0: // the same signature in another form: the order of the group is added
			order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
			n := new(big.Int).SetBytes(reversed(s))
			n.Add(n, order.Mul(order, big.NewInt(int64(1+r.IntN(8)))))
			copy(s, reversed(n.FillBytes(make([]byte, 33))[1:]))
		case 1:
			copy(b[len(b)-64:], other.message[len(other.message)-64:])
		default:
			clear(b[len(b)-64+r.IntN(60):])
		}
		return b
	}),
	// Somebody has a phone of their own, and with it a holder's key that signs.
	"own phone": ofMessage(func(r *rand.Rand, one, other specimen) []byte {
		own, credential := testKey(0x70), bytes.Clone(one.credential)
		if !one.paper {
			switch r.IntN(4) {
			case 0:
				copy(credential[holderAt:], publicOf(own))
			case 1:
				copy(credential[dayAt:], uintItem(uint64(nowOnDay+r.IntN(3))))
				copy(credential[holderAt:], publicOf(own))
			case 2:
				block := make([]byte, 16)
				for i := range block {
					block[i] = byte(r.Uint32())
				}
				copy(credential[blockAt:], block)
			}
		}
		return seal(own, holderHeader, emptyMap, join([]byte{0x82}, uintItem(uint64(nowAt+r.IntN(20))), bytesItem(credential)))
	}),
	// Somebody has an issuer's key of their own, and writes the real issuer's kid.
	"own issuer": ofMessage(func(r *rand.Rand, one, _ specimen) []byte {
		own, holder := testKey(0x71), testKey(0x72)
		if one.paper {
			return seal(own, issuerHeader(issuerKey), emptyMap, join([]byte{0x82}, uintItem(uint64(paperMonth+r.IntN(9))), bytesItem(one.credential[monthAt+4:][:16])))
		}
		claims := join([]byte{0x83}, uintItem(nowOnDay), bytesItem(one.credential[blockAt:blockAt+16]), bytesItem(publicOf(holder)))
		credential := seal(own, issuerHeader(issuerKey), emptyMap, claims)
		return seal(holder, holderHeader, emptyMap, join([]byte{0x82}, uintItem(uint64(nowAt+r.IntN(20))), bytesItem(credential)))
	}),
}

func reversed(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return b
}

// TestMutatedPasses: no code that was made or changed without the keys is admitted.
func TestMutatedPasses(t *testing.T) {
	codes := someMutations
	if text := os.Getenv(mutationsEnv); text != "" {
		var err error
		if codes, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", mutationsEnv, err)
		}
	}
	all, genuine := specimens(t), map[string]bool{}
	issuers := pass.NewIssuers([]ed25519.PublicKey{publicOf(issuerKey)})
	for _, one := range all {
		genuine[one.text] = true
		if code, err := pass.Parse([]byte(one.text)); err != nil || admits(code, issuers) != nil {
			t.Fatalf("a good code is refused: %v, %v", err, admits(code, issuers))
		}
	}
	for name, mutate := range mutators {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(17, uint64(len(name))))
			parsed, admitted := 0, 0
			for tried := 0; tried < codes/len(mutators); {
				text := mutate(r, all[r.IntN(len(all))], all[r.IntN(len(all))])
				if genuine[text] {
					continue
				}
				tried++
				code, err := pass.Parse([]byte(text))
				if err != nil {
					continue
				}
				parsed++
				if admits(code, issuers) == nil {
					admitted++
					t.Errorf("admitted: %q", text)
				}
			}
			t.Logf("%d tried, %d well-formed, %d admitted", codes/len(mutators), parsed, admitted)
		})
	}
}

// admits is nil if some door admits a code on one of the two days.
func admits(code *pass.Code, issuers pass.Issuers) error {
	err := code.Verify(issuers, at(mutationPhones))
	if err != nil {
		err = code.Verify(issuers, at(mutationPhones).AddDate(0, 0, 1))
	}
	return err
}
