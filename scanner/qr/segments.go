package qr

import (
	"errors"
	"fmt"
)

// The content of a QR code, after error correction: segments of bits, most significant bit first
// (ISO/IEC 18004:2015, 7.4). A segment is a mode of four bits, in the modes with characters their
// count, then the characters:
//
//	0001 numeric        10, 12 or 14 bits of count; three digits in 10 bits, the last two in 7 or
//	                    one in 4
//	0010 alphanumeric   9, 11 or 13 bits of count; two characters in 11 bits, a last one in 6
//	0100 byte           8, 16 or 16 bits of count; 8 bits each
//	1000 kanji          8, 10 or 12 bits of count; 13 bits each, two bytes of Shift JIS
//	0011 structured append: 4 bits of position, 4 of the last one's, 8 of parity; refused, as the
//	     text is only a part of one
//	0101 FNC1 in first position; 1001 in second, with 8 bits of application indicator
//	0111 ECI: a charset's number in 8, 16 or 24 bits, by its leading bits 0, 10 and 110
//	0000 end; it may be cut short when the bits run out
//
// The widths of the count are for versions 1 to 9, 10 to 26 and 27 to 40. The mark of a charset is
// not part of the text. With FNC1, '%' in alphanumeric stands for the separator GS and "%%" for '%'
// (7.4.8.2).

const (
	modeEnd          = 0b0000
	modeNumeric      = 0b0001
	modeAlphanumeric = 0b0010
	modeAppend       = 0b0011
	modeByte         = 0b0100
	modeFNC1First    = 0b0101
	modeECI          = 0b0111
	modeKanji        = 0b1000
	modeFNC1Second   = 0b1001
)

// errPart says that a text is spread over several codes.
var errPart = errors.New("code is a part of a text only")

var errCutShort = errors.New("code's content is cut short")

const alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// parseSegments appends the bytes that the codewords of a code of that version (1 to 40) encode.
// Content that breaks the format's rules, or is empty, is an error.
func parseSegments(text, codewords []byte, version int) ([]byte, error) {
	p := segments{bits: bitReader{data: codewords}, text: text, size: 0}
	switch {
	case version > 26:
		p.size = 2
	case version > 9:
		p.size = 1
	}
	for p.bits.left() >= 4 {
		mode := p.bits.take(4)
		if mode == modeEnd {
			break
		}
		if err := p.segment(mode); err != nil {
			return text, err
		}
		if p.bits.overrun {
			return text, errCutShort
		}
	}
	if len(p.text) == len(text) {
		return text, errors.New("code is empty")
	}
	return p.text, nil
}

type segments struct {
	bits bitReader
	text []byte
	size int // 0, 1, 2: which of the three widths counts have
	fnc1 bool
}

func (p *segments) segment(mode int) error {
	switch mode {
	case modeNumeric:
		return p.numeric(p.bits.take([...]int{10, 12, 14}[p.size]))
	case modeAlphanumeric:
		return p.alphanumeric(p.bits.take([...]int{9, 11, 13}[p.size]))
	case modeByte:
		return p.bytes(p.bits.take([...]int{8, 16, 16}[p.size]))
	case modeKanji:
		return p.kanji(p.bits.take([...]int{8, 10, 12}[p.size]))
	case modeAppend:
		at, last := p.bits.take(4), p.bits.take(4)
		return fmt.Errorf("%w: number %d of %d", errPart, at+1, last+1)
	case modeFNC1First:
		p.fnc1 = true
	case modeFNC1Second:
		p.fnc1 = true
		p.bits.take(8)
	case modeECI:
		return p.eci()
	default:
		return fmt.Errorf("unknown mode %04b", mode)
	}
	return nil
}

func (p *segments) numeric(n int) error {
	for n > 0 {
		digits := min(n, 3)
		value, limit := p.bits.take([...]int{0, 4, 7, 10}[digits]), [...]int{0, 10, 100, 1000}[digits]
		if value >= limit || p.bits.overrun {
			return fmt.Errorf("numeric group %d of %d digits", value, digits)
		}
		for limit /= 10; limit > 0; limit /= 10 {
			p.text = append(p.text, byte('0'+value/limit%10))
		}
		n -= digits
	}
	return nil
}

func (p *segments) alphanumeric(n int) error {
	begin := len(p.text)
	for ; n >= 2; n -= 2 {
		pair := p.bits.take(11)
		if pair >= 45*45 || p.bits.overrun {
			return fmt.Errorf("alphanumeric pair %d", pair)
		}
		p.text = append(p.text, alphanumerics[pair/45], alphanumerics[pair%45])
	}
	if n == 1 {
		single := p.bits.take(6)
		if single >= 45 || p.bits.overrun {
			return fmt.Errorf("alphanumeric character %d", single)
		}
		p.text = append(p.text, alphanumerics[single])
	}
	if p.fnc1 {
		p.text = unescapeFNC1(p.text, begin)
	}
	return nil
}

// unescapeFNC1 makes '%' GS and "%%" '%', in place from begin on.
func unescapeFNC1(text []byte, begin int) []byte {
	out := text[:begin]
	for i := begin; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			if i+1 < len(text) && text[i+1] == '%' {
				i++
			} else {
				c = 0x1d
			}
		}
		out = append(out, c)
	}
	return out
}

func (p *segments) bytes(n int) error {
	if p.bits.left() < 8*n {
		return errCutShort
	}
	for range n {
		p.text = append(p.text, byte(p.bits.take(8)))
	}
	return nil
}

// kanji undoes the packing of Shift JIS: lead bytes 81..9F and E0..EB, each with 192 places for the
// second byte from 40 on, of which 7F and those beyond FC are not used. The largest 13 bits are
// EBBF.
func (p *segments) kanji(n int) error {
	for range n {
		packed := p.bits.take(13)
		lead, trail := 0x81+packed/0xc0, 0x40+packed%0xc0
		if lead > 0x9f {
			lead += 0xe0 - 0xa0
		}
		if trail == 0x7f || trail > 0xfc || p.bits.overrun {
			return fmt.Errorf("kanji %d", packed)
		}
		p.text = append(p.text, byte(lead), byte(trail))
	}
	return nil
}

func (p *segments) eci() error {
	first := p.bits.take(8)
	switch {
	case first&0x80 == 0:
	case first&0xc0 == 0x80:
		p.bits.take(8)
	case first&0xe0 == 0xc0:
		p.bits.take(16)
	default:
		return fmt.Errorf("charset mark %#02x", first)
	}
	return nil
}

// bitReader takes bits from the front, most significant first.
type bitReader struct {
	data    []byte
	pos     int  // bits taken
	overrun bool // more was asked for than is there
}

func (r *bitReader) left() int { return 8*len(r.data) - r.pos }

// take gives the next n bits, at most 16; zero when there are fewer, and from then on.
func (r *bitReader) take(n int) (v int) {
	if r.left() < n {
		r.overrun, r.pos = true, 8*len(r.data)
		return 0
	}
	for ; n > 0; n-- {
		v = v<<1 | int(r.data[r.pos/8]>>(7-r.pos%8)&1)
		r.pos++
	}
	return v
}
