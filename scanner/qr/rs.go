package qr

// The field of 256 elements of QR codes: x^8 + x^4 + x^3 + x^2 + 1 (7.5.2), by powers of 2.
var (
	power [510]byte // of 2; twice, so that sums of logarithms need no modulo
	log   [256]int
)

func init() {
	x := 1
	for i := range 255 {
		power[i], power[i+255] = byte(x), byte(x)
		log[x] = i
		if x *= 2; x > 255 {
			x ^= 0x11d
		}
	}
}

func multiply(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return power[log[a]+log[b]]
}

func inverse(a byte) byte { return power[255-log[a]] }

// maxCheck is the largest number of check codewords in a block, in any version and level.
const maxCheck = 30

// polynomial has the coefficient of x^i at i.
type polynomial [maxCheck + 1]byte

func (p *polynomial) at(x byte) (sum byte) {
	for i := maxCheck; i >= 0; i-- {
		sum = multiply(sum, x) ^ p[i]
	}
	return sum
}

// correct repairs a block in place, of which the last check codewords are redundant and those at
// the indices erased are not trusted. An erased one costs one check codeword, a wrong one two;
// spare of them must be left, as proof that this is the code that was meant. Blahut, Theory and
// Practice of Error Control Codes, 1983, 9.2, and Forney's algorithm.
func correct(block []byte, check int, erased []int, spare int) bool {
	if len(erased)+spare > check {
		return false
	}
	var syndromes polynomial
	clean := true
	for j := range check {
		sum := byte(0)
		for _, word := range block {
			sum = multiply(sum, power[j]) ^ word
		}
		syndromes[j] = sum
		clean = clean && sum == 0
	}
	if clean {
		return true
	}
	locator, degree := locate(&syndromes, len(block), check, erased)
	if 2*degree-len(erased)+spare > check {
		return false
	}
	return repair(block, check, &syndromes, &locator, degree)
}

// locate gives the polynomial whose roots are the inverses of the places of errors and erasures,
// and its degree.
func locate(syndromes *polynomial, size, check int, erased []int) (polynomial, int) {
	locator := polynomial{1}
	for _, at := range erased {
		x := power[size-1-at]
		for i := maxCheck; i > 0; i-- {
			locator[i] ^= multiply(locator[i-1], x)
		}
	}
	other, degree := locator, len(erased)
	for r := len(erased); r < check; r++ {
		discrepancy := byte(0)
		for i := 0; i <= r; i++ {
			discrepancy ^= multiply(locator[i], syndromes[r-i])
		}
		copy(other[1:], other[:maxCheck])
		other[0] = 0
		if discrepancy == 0 {
			continue
		}
		before := locator
		for i := range other {
			locator[i] ^= multiply(other[i], discrepancy)
		}
		if 2*degree <= r+len(erased) {
			degree = r + 1 + len(erased) - degree
			back := inverse(discrepancy)
			for i := range other {
				other[i] = multiply(before[i], back)
			}
		}
	}
	return locator, degree
}

// repair changes the codewords at the locator's roots; false: they are not as many as its degree.
func repair(block []byte, check int, syndromes, locator *polynomial, degree int) bool {
	var evaluator, derivative polynomial
	for i := range check {
		for j := 0; j <= i; j++ {
			evaluator[i] ^= multiply(syndromes[i-j], locator[j])
		}
	}
	for i := 1; i <= maxCheck; i += 2 {
		derivative[i-1] = locator[i]
	}
	roots := 0
	for at := range block {
		place := len(block) - 1 - at
		x := power[255-place%255]
		if locator.at(x) != 0 {
			continue
		}
		slope := derivative.at(x)
		if slope == 0 {
			return false
		}
		roots++
		block[at] ^= multiply(power[place], multiply(evaluator.at(x), inverse(slope)))
	}
	return roots == degree
}
