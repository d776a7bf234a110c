package store

import (
	"errors"
	"log/slog"
)

// IIN is a citizen's individual identification number: 12 digits, the last one a check digit. It is
// stored here and leaves the registry only on the administrator's list of disagreements.
type IIN string

// errIIN does not quote the number: it may be a real one with a typing error.
var errIIN = errors.New("the IIN is not 12 digits with a valid check digit")

// The weights of the first eleven digits, and those for a second try when the first one gives 10.
// Numbers for which both give 10 are not issued. (Rules for forming identification numbers,
// Government Resolution 565 of 11 June 2003.)
var iinWeights = [2][11]int{
	{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
	{3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2},
}

// ParseIIN checks length, digits and check digit. Its error does not contain the text.
func ParseIIN(text string) (IIN, error) {
	if len(text) != 12 {
		return "", errIIN
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return "", errIIN
		}
	}
	if check := iinCheck(text); check == 10 || check != int(text[11]-'0') {
		return "", errIIN
	}
	return IIN(text), nil
}

// errBIN does not quote the number either.
var errBIN = errors.New("the BIN is not 12 digits with a valid check digit")

// ParseBIN checks an organisation's business identification number, whose check digit is made as
// that of an IIN.
func ParseBIN(text string) (string, error) {
	if _, err := ParseIIN(text); err != nil {
		return "", errBIN
	}
	return text, nil
}

func iinCheck(digits string) int {
	sum := 0
	for _, weights := range iinWeights {
		sum = 0
		for i, weight := range weights {
			sum += weight * int(digits[i]-'0')
		}
		if sum %= 11; sum < 10 {
			break
		}
	}
	return sum
}

// LogValue keeps the number out of every log.
func (IIN) LogValue() slog.Value { return slog.StringValue("(not logged)") }
