package pass

import "errors"

// base45 as in RFC 9285: three characters for two bytes, the least significant character first, and
// two for a last single byte. The alphabet is that of a QR code's alphanumeric mode, which spends
// 5.5 bits on a character.
//
// Each text that decodes is the only encoding of its bytes: lengths 3n+1, lower case, triples above
// 65535 and pairs above 255 are refused.

const base45Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

const notBase45 = 0xff

// base45Value maps a character to its place in the alphabet.
var base45Value = func() (value [256]byte) {
	for i := range value {
		value[i] = notBase45
	}
	for i := range len(base45Alphabet) {
		value[base45Alphabet[i]] = byte(i)
	}
	return value
}()

var (
	errBase45Length    = errors.New("base45: a single character is left over")
	errBase45Character = errors.New("base45: character outside of the alphabet")
	errBase45Overflow  = errors.New("base45: group of characters is too large")
)

// base45Len is the number of characters that n bytes take.
func base45Len(n int) int { return n/2*3 + n%2*2 }

// appendBase45 appends the encoding of data to text.
func appendBase45(text, data []byte) []byte {
	for ; len(data) >= 2; data = data[2:] {
		n := int(data[0])<<8 | int(data[1])
		text = append(text, base45Alphabet[n%45], base45Alphabet[n/45%45], base45Alphabet[n/(45*45)])
	}
	if len(data) == 1 {
		n := int(data[0])
		text = append(text, base45Alphabet[n%45], base45Alphabet[n/45])
	}
	return text
}

// decodeBase45 returns the bytes that text encodes.
func decodeBase45(text []byte) ([]byte, error) {
	if len(text)%3 == 1 {
		return nil, errBase45Length
	}
	data := make([]byte, 0, (len(text)+2)/3*2)
	for len(text) > 0 {
		size := min(3, len(text))
		n := 0
		for i := size - 1; i >= 0; i-- {
			digit := base45Value[text[i]]
			if digit == notBase45 {
				return nil, errBase45Character
			}
			n = n*45 + int(digit)
		}
		switch {
		case size == 3 && n <= 0xffff:
			data = append(data, byte(n>>8), byte(n))
		case size == 2 && n <= 0xff:
			data = append(data, byte(n))
		default:
			return nil, errBase45Overflow
		}
		text = text[size:]
	}
	return data, nil
}

// EncodeBase45 encodes data for the alphanumeric mode of a QR code.
func EncodeBase45(data []byte) string { return string(appendBase45(nil, data)) }

// DecodeBase45 accepts only what EncodeBase45 returns.
func DecodeBase45(text string) ([]byte, error) { return decodeBase45([]byte(text)) }
