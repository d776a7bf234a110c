package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Languages of messages.
var Languages = []string{"kk", "ru", "en"}

// kindWords say what is wrong, by kind and language.
var kindWords = map[Kind]map[string]string{
	Silent:     {"kk": "есік байланысқа шықпайды", "ru": "дверь не выходит на связь", "en": "door silent"},
	Tamper:     {"kk": "құрылғының корпусы ашылған", "ru": "вскрыт корпус устройства", "en": "case opened"},
	Copied:     {"kk": "карта көшірілген", "ru": "карта скопирована", "en": "card copied"},
	Power:      {"kk": "қорек кернеуі төмен", "ru": "низкое напряжение питания", "en": "undervoltage"},
	Heat:       {"kk": "құрылғы қызып кетті", "ru": "перегрев", "en": "too hot"},
	OutOfOrder: {"kk": "есік істемейді", "ru": "дверь неисправна", "en": "door out of order"},
	Renewal: {"kk": "сертификатты жаңартуға рұқсат керек", "ru": "нужно разрешение продлить сертификат",
		"en": "renewal needs approval"},
	Publisher: {"kk": "тізілім жариялауды тоқтатты", "ru": "реестр перестал публиковать",
		"en": "registry stopped publishing"},
}

// words are the others.
var words = map[string]map[string]string{
	"begun": {"kk": "Басталды", "ru": "Началось", "en": "Begun"},
	"ended": {"kk": "Аяқталды", "ru": "Закончилось", "en": "Over"},
	"still": {"kk": "Әлі жалғасуда", "ru": "Всё ещё продолжается", "en": "Still so"},
	"test":  {"kk": "сынақ хабары", "ru": "пробное сообщение", "en": "test message"},
	"test-text": {
		"kk": "Бұл — сынақ. Егер осыны оқып тұрсаңыз, хабарлар сізге жетеді.",
		"ru": "Это проверка. Если вы это читаете, сообщения до вас доходят.",
		"en": "This is a test. If you read it, messages reach you.",
	},
	"doors": {"kk": "есік саны: %d", "ru": "дверей: %d", "en": "doors: %d"},
	"more":  {"kk": "тағы %d есік", "ru": "и ещё дверей: %d", "en": "and %d more doors"},
	"since": {"kk": "басталған уақыты: %s", "ru": "с %s", "en": "since %s"},
	"foot": {
		"kk": "Бұл хабарды Ashyq тізілімі жіберді. Оны %s бетінде өзгертуге болады.",
		"ru": "Это сообщение отправил реестр Ashyq. Изменить: %s",
		"en": "The Ashyq registry sent this message. Change it at %s",
	},
	"venue-none": {"kk": "өңірі белгісіз", "ru": "без региона", "en": "no region"},
}

// kazakhstan has one time zone.
var kazakhstan = time.FixedZone("+05", 5*60*60)

// Subject is a mail's, and says the most important.
func (m Message) Subject(language string) string {
	if m.Test {
		return "Ashyq: " + words["test"][language]
	}
	var parts []string
	for _, one := range m.parts() {
		part := strings.ToLower(words[one.word][language])
		if m.Kind != Publisher {
			part += fmt.Sprintf(" (%d)", one.doors.Number)
		}
		parts = append(parts, part)
	}
	return "Ashyq: " + kindWords[m.Kind][language] + ": " + strings.Join(parts, ", ")
}

type part struct {
	word  string
	doors Doors
}

func (m Message) parts() []part {
	return slices.DeleteFunc([]part{{"begun", m.Begun}, {"still", m.Still}, {"ended", m.Ended}},
		func(p part) bool { return p.doors.IsZero() })
}

// Text is a mail's. regions are their names in this language, by code; page is where recipients are
// changed.
func (m Message) Text(language string, regions map[string]string, page string) string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	if m.Test {
		line("%s", words["test-text"][language])
	}
	area := func(code string) string {
		if name := regions[code]; name != "" {
			return name
		}
		return words["venue-none"][language]
	}
	for _, part := range m.parts() {
		if m.Kind == Publisher {
			line("%s: %s", words[part.word][language], kindWords[m.Kind][language])
			continue
		}
		line("%s: %s. %s", words[part.word][language], kindWords[m.Kind][language],
			fmt.Sprintf(words["doors"][language], part.doors.Number))
		for _, code := range slices.Sorted(maps.Keys(part.doors.ByArea)) {
			line("  %s: %d", area(code), part.doors.ByArea[code])
		}
		line("")
		for _, d := range part.doors.Doors {
			line("- %s", d.Name)
			where := slices.DeleteFunc([]string{area(d.Region), d.Address, d.Phone},
				func(s string) bool { return s == "" })
			line("  %s", strings.Join(where, ", "))
			line("  "+words["since"][language], d.Since.In(kazakhstan).Format("02.01.2006 15:04"))
		}
		if more := part.doors.Number - len(part.doors.Doors); more > 0 {
			line("- "+words["more"][language], more)
		}
		line("")
	}
	line("-- \n"+words["foot"][language], page)
	return out.String()
}
