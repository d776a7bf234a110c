package display

import (
	"strings"
	"unicode"

	"ashyq-kiosk/kiosk/setup"
)

// maxSays is the largest length of foreign words on the screen, characters.
const maxSays = 160

// Setup shows what is there and what is missing, below the reason of a door that is out of order.
// nil shows nothing.
func (h *Hub) Setup(checks []setup.Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = checks
	close(h.changed)
	h.changed = make(chan struct{})
}

// check is a setup.Check in one language.
type check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
}

// tell adds the checks to a line: all names, and a sentence about the first missing one, or the
// words of somebody else about another.
func (l *line) tell(checks []setup.Check) {
	for _, c := range checks {
		name, missing, ok := CheckWords(c.ID, l.Lang)
		if !ok {
			continue
		}
		l.Checks = append(l.Checks, check{name, c.OK})
		switch {
		case c.OK:
		case c.Says != "":
			l.Missing = "«" + foreign(c.Says) + "»"
		case l.Missing == "":
			l.Missing = missing
		}
	}
	if l.Missing == l.Body {
		l.Missing = ""
	}
}

// foreign makes foreign words printable and short.
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

// CheckWords returns a check's name in a language, and what is missing if it fails. The doctor uses
// it too.
func CheckWords(id, lang string) (name, missing string, ok bool) {
	w, ok := checkWords[id]
	return w.head[lang], w.body[lang], ok && w.head[lang] != ""
}

// checkWords are the checks' names and what is missing, for a person with a screwdriver and no
// manual.
var checkWords = map[string]words{
	"configuration": {
		head: in{"kk": "Баптау", "ru": "Настройка", "en": "Settings"},
		body: in{"kk": "Баптау файлында қате бар", "ru": "В файле настройки ошибка", "en": "The settings file has a mistake"},
	},
	"card": {
		head: in{"kk": "Картадағы файлдар", "ru": "Файлы на карте", "en": "Files on the card"},
		body: in{"kk": "Картадағы файлда қате бар", "ru": "В файле на карте ошибка", "en": "A file on the card has a mistake"},
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
		body: in{"kk": "Желі кабелі де, сымсыз желі де жоқ", "ru": "Нет ни кабеля, ни беспроводной сети", "en": "No network cable and no Wi-Fi"},
	},
	"clock": {
		head: in{"kk": "Сағат", "ru": "Часы", "en": "Clock"},
		body: in{"kk": "Нақты уақыт әлі белгісіз: желі керек", "ru": "Точное время ещё не известно: нужна сеть", "en": "The time is not known yet: a network is needed"},
	},
	"enrolment": {
		head: in{"kk": "Тіркеу", "ru": "Регистрация", "en": "Enrolment"},
		body: in{"kk": "Тіркеу кодын камераға көрсетіңіз", "ru": "Поднесите код регистрации к камере", "en": "Hold the enrolment code to the camera"},
	},
	"keys": {
		head: in{"kk": "Кілттер", "ru": "Ключи", "en": "Keys"},
		body: in{"kk": "Есіктің кілттері жоқ: желі керек", "ru": "У двери нет ключей: нужна сеть", "en": "The door has no keys: a network is needed"},
	},
	"mirrors": {
		head: in{"kk": "Айналар", "ru": "Зеркала", "en": "Mirrors"},
		body: in{"kk": "Тізім айнасы жарамсыз: есік оны тізілімнен алады", "ru": "Зеркало списка неисправно: дверь берёт список из реестра",
			"en": "A mirror of the list is faulty: the door takes the list from the registry"},
	},
	"registry": {
		head: in{"kk": "Тізілім", "ru": "Реестр", "en": "Registry"},
		body: in{"kk": "Тізілім жауап бермей тұр", "ru": "Реестр не отвечает", "en": "The registry does not answer"},
	},
	"state": {
		head: in{"kk": "Деректер", "ru": "Данные", "en": "Data"},
		body: in{"kk": "Деректер әлі жүктелген жоқ", "ru": "Данные ещё не загружены", "en": "No data has been loaded yet"},
	},
	"board": {
		head: in{"kk": "Тақта", "ru": "Плата", "en": "Board"},
		body: in{"kk": "Тақтаны қарап шығу керек", "ru": "Плату нужно осмотреть", "en": "Somebody should look at the board"},
	},
	"screen": {
		head: in{"kk": "Экран", "ru": "Экран", "en": "Screen"},
		body: in{"kk": "Экранның мекенжайы жарамайды", "ru": "Адрес экрана не годится", "en": "The screen's address is of no use"},
	},
	"daemon": {
		head: in{"kk": "Бағдарлама", "ru": "Программа", "en": "Program"},
		body: in{"kk": "Киоск бағдарламасы жұмысқа дайын емес", "ru": "Программа киоска не готова к работе", "en": "The kiosk's program is not ready"},
	},
}
