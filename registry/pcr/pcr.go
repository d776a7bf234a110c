// Package pcr knows the words in which laboratories write the outcome of a PCR test.
package pcr

import "strings"

// Outcome is what a PCR test found.
type Outcome string

// The outcomes. An inconclusive one is kept and changes nobody's colour.
const (
	Positive     Outcome = "positive"
	Negative     Outcome = "negative"
	Inconclusive Outcome = "inconclusive"
)

// words are all that Read takes, in lower case, with single spaces and without ё.
var words = map[string]Outcome{}

func init() {
	for outcome, all := range map[Outcome][]string{
		Positive: {
			"positive", "pos", "detected", "positiv", "nachgewiesen",
			"положительный", "положительно", "положительная", "обнаружено", "обнаружена", "обнаружен",
			"оң", "анықталды", "табылды",
		},
		Negative: {
			"negative", "neg", "not detected", "undetected", "none detected", "negativ", "nicht nachgewiesen",
			"отрицательный", "отрицательно", "отрицательная", "не обнаружено", "не обнаружена", "не обнаружен",
			"теріс", "анықталмады", "табылмады",
		},
		Inconclusive: {
			"inconclusive", "indeterminate", "equivocal", "invalid", "presumptive positive", "nicht eindeutig",
			"сомнительный", "сомнительно", "неопределенный", "неопределенно", "недействительный",
			"күмәнді", "анық емес", "жарамсыз",
		},
	} {
		for _, word := range all {
			words[word] = outcome
		}
	}
}

// Read takes a whole text for an outcome. It never looks for a word inside a text: "not positive"
// has "positive" in it.
func Read(text string) (Outcome, bool) {
	text = strings.NewReplacer("_", " ", "ё", "е").Replace(strings.ToLower(text))
	outcome, ok := words[strings.Join(strings.Fields(text), " ")]
	return outcome, ok
}
