package display

import (
	"strings"
	"unicode"
)

// Check is a part of the door that has to be there before it can work for the first time.
type Check struct {
	ID   string // of checkWords, as the doctor's
	Well bool
	Says string // what the registry says against it, which is shown in its own words; empty: nothing
}

// maxSays bounds foreign words on the screen, characters.
const maxSays = 160

// Setup shows, below the reason of a door that is out of order, what is there and what is missing. nil shows nothing.
func (h *Hub) Setup(checks []Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = checks
	close(h.changed)
	h.changed = make(chan struct{})
}

// check is a Check in one language.
type check struct {
	Name string `json:"name"`
	Well bool   `json:"well"`
}

// tell adds the checks to a line: all their names, and a sentence about the first that is missing.
func (l *line) tell(checks []Check) {
	for _, c := range checks {
		name, missing, ok := CheckWords(c.ID, l.Lang)
		if !ok {
			continue
		}
		l.Checks = append(l.Checks, check{name, c.Well})
		if c.Well || l.Missing != "" {
			continue
		}
		l.Missing = missing
		if c.Says != "" {
			l.Missing = "«" + foreign(c.Says) + "»"
		}
	}
	if l.Missing == l.Body {
		l.Missing = ""
	}
}

// foreign makes words from elsewhere fit for a line.
func foreign(says string) string {
	says = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, says)
	if r := []rune(says); len(r) > maxSays {
		says = string(r[:maxSays-1]) + "…"
	}
	return says
}

// CheckWords is what a check is called in a language, and what is missing where it fails. The doctor says it, too.
func CheckWords(id, lang string) (name, missing string, ok bool) {
	w, ok := checkWords[id]
	return w.head[lang], w.body[lang], ok && w.head[lang] != ""
}

// checkWords are the checks' names, and what is missing, in words for somebody who has a screwdriver and no manual.
var checkWords = map[string]words{
	"configuration": {
		head: in{"kk": "Баптау", "ru": "Настройка", "en": "Settings"},
		body: in{"kk": "Баптау файлында қате бар", "ru": "В файле настройки ошибка", "en": "The settings file has a mistake"},
	},
	"panel": {
		head: in{"kk": "Шамдар мен дыбыс", "ru": "Лампы и звук", "en": "Lamps and buzzer"},
		body: in{"kk": "Шам, дыбыс немесе құлып қосылмаған", "ru": "Лампы, звук или замок не подключены", "en": "Lamps, buzzer or lock are not connected"},
	},
	"camera": {
		head: in{"kk": "Камера", "ru": "Камера", "en": "Camera"},
		body: in{"kk": "Камера қосылмаған немесе сурет бермейді", "ru": "Камера не подключена или не даёт изображения", "en": "The camera is not connected or gives no picture"},
	},
	"network": {
		head: in{"kk": "Желі", "ru": "Сеть", "en": "Network"},
		body: in{"kk": "Желі кабелі де, сымсыз желі де жоқ", "ru": "Нет ни кабеля, ни беспроводной сети", "en": "There is neither a cable nor Wi-Fi"},
	},
	"clock": {
		head: in{"kk": "Сағат", "ru": "Часы", "en": "Clock"},
		body: in{"kk": "Нақты уақыт әлі белгісіз: желі керек", "ru": "Точное время ещё не известно: нужна сеть", "en": "The time is not known yet: it comes over the network"},
	},
	"enrolment": {
		head: in{"kk": "Тіркеу", "ru": "Регистрация", "en": "Enrolment"},
		body: in{"kk": "Тіркеу кодын камераға көрсетіңіз", "ru": "Поднесите код регистрации к камере", "en": "Hold the enrolment code to the camera"},
	},
	"registry": {
		head: in{"kk": "Тізілім", "ru": "Реестр", "en": "Registry"},
		body: in{"kk": "Тізілім жауап бермей тұр", "ru": "Реестр не отвечает", "en": "The registry does not answer"},
	},
	"state": {
		head: in{"kk": "Деректер", "ru": "Данные", "en": "Data"},
		body: in{"kk": "Деректер әлі жүктелген жоқ", "ru": "Данные ещё не загружены", "en": "No data has been loaded yet"},
	},
	"screen": {
		head: in{"kk": "Экран", "ru": "Экран", "en": "Screen"},
		body: in{"kk": "Экранның мекенжайы жарамайды", "ru": "Адрес экрана не годится", "en": "The screen's address is of no use"},
	},
	"daemon": {
		head: in{"kk": "Бағдарлама", "ru": "Программа", "en": "Program"},
		body: in{"kk": "Киоск бағдарламасы жұмысқа дайын емес", "ru": "Программа киоска не готова к работе", "en": "The kiosk's program is not ready for work"},
	},
}
