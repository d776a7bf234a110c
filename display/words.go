package display

import (
	"fmt"
	"time"

	"ashyq-kiosk/kiosk"
)

// defaultLanguages are all languages of the screen, in the default order.
var defaultLanguages = []string{"kk", "ru", "en"}

// in is one phrase, by language.
type in map[string]string

// words is what a row or a reason says: a head to read from three metres, and a body to read from
// one. Everybody in the queue reads it too: it never tells what is known about a person, and never
// accuses.
type words struct{ head, body in }

// signalWords is what each row says unless its reason has other words.
var signalWords = map[kiosk.Signal]words{
	kiosk.Idle: {
		head: in{"kk": "Кодыңызды осында көрсетіңіз", "ru": "Поднесите код сюда", "en": "Hold your code here"},
	},
	kiosk.Working: {
		head: in{"kk": "Сәл күте тұрыңыз", "ru": "Минуту, пожалуйста", "en": "One moment, please"},
	},
	kiosk.Admitted: {
		head: in{"kk": "Қош келдіңіз", "ru": "Добро пожаловать", "en": "Welcome"},
	},
	kiosk.AdmittedHere: {
		head: in{"kk": "Тек дүкен мен дәріхана", "ru": "Только магазин и аптека", "en": "Shop and pharmacy only"},
		body: in{"kk": "Қош келдіңіз", "ru": "Добро пожаловать", "en": "Welcome"},
	},
	kiosk.TurnedBack: {
		head: in{"kk": "Кешіріңіз, қазір кіруге болмайды", "ru": "Извините, сейчас войти нельзя", "en": "Sorry, you cannot enter now"},
		body: in{"kk": "Себебін телефоныңыздан көре аласыз", "ru": "Причину можно посмотреть в телефоне", "en": "Your phone shows the reason"},
	},
	kiosk.Full: {
		head: in{"kk": "Қазір бос орын жоқ", "ru": "Сейчас нет свободных мест", "en": "No free places now"},
		body: in{"kk": "Мәселе сізде емес. Біреу шыққанша күте тұрыңыз", "ru": "Дело не в вас. Подождите, пока кто-нибудь выйдет", "en": "It is not about you. Please wait until somebody leaves"},
	},
	kiosk.Left: {
		head: in{"kk": "Сау болыңыз", "ru": "До свидания", "en": "Goodbye"},
	},
	kiosk.AskStaff: {
		head: in{"kk": "Қызметкерге жүгініңіз", "ru": "Обратитесь к сотруднику", "en": "Please ask the staff"},
		body: in{"kk": "Киоск өзі шеше алмайды", "ru": "Киоск не может решить сам", "en": "The kiosk cannot decide by itself"},
	},
	kiosk.CodeProblem: {
		head: in{"kk": "Кодты қайта ашыңыз", "ru": "Откройте код ещё раз", "en": "Open the code again"},
		body: in{"kk": "Кодты оқу мүмкін болмады", "ru": "Не удалось прочитать код", "en": "The code could not be read"},
	},
	kiosk.CodeRefused: {
		head: in{"kk": "Бұл код жарамсыз", "ru": "Этот код недействителен", "en": "This code is not valid"},
		body: in{"kk": "Сұрағыңыз болса, қызметкерге жүгініңіз", "ru": "Если есть вопросы, обратитесь к сотруднику", "en": "If you have questions, please ask the staff"},
	},
	kiosk.OutOfOrder: {
		head: in{"kk": "Киоск жұмыс істемейді", "ru": "Киоск не работает", "en": "Out of order"},
		body: in{"kk": "Қызметкерге жүгініңіз", "ru": "Обратитесь к сотруднику", "en": "Please ask the staff"},
	},
}

// reasonWords is what each reason adds, and for some the head that replaces the row's.
var reasonWords = map[kiosk.Reason]words{
	kiosk.NotAPass: {
		body: in{"kk": "Бұл Ashyq коды емес", "ru": "Это не код Ashyq", "en": "This is not an Ashyq code"},
	},
	kiosk.Expired: {
		head: in{"kk": "Кодтың мерзімі өтіп кеткен", "ru": "Срок действия кода истёк", "en": "This code has expired"},
		body: in{"kk": "Жаңа код алыңыз", "ru": "Получите новый код", "en": "Please get a new one"},
	},
	kiosk.Stale: { // the door cannot tell its two causes apart: only one repeats
		body: in{"kk": "Код ескірген. Қайталанса, телефонның сағатын тексеріңіз", "ru": "Код устарел. Если повторится, проверьте часы телефона", "en": "The code is too old. If it happens again, check the phone's clock"},
	},
	kiosk.PhoneClock: {
		head: in{"kk": "Телефонның сағатын тексеріңіз", "ru": "Проверьте часы телефона", "en": "Check the phone's clock"},
		body: in{"kk": "Телефонның сағаты алға кеткен", "ru": "Часы телефона спешат", "en": "The phone's clock is ahead"},
	},

	kiosk.Forged: {
		body: in{"kk": "Кодтың қолтаңбасы расталмады", "ru": "Подпись кода не подтвердилась", "en": "The code's signature could not be confirmed"},
	},
	kiosk.UnknownIssuer: {
		body: in{"kk": "Кодты берген мекеме киоскке белгісіз", "ru": "Киоск не знает, кто выдал этот код", "en": "The kiosk does not know who issued this code"},
	},
	kiosk.Revoked: {
		body: in{"kk": "Бұл кодтың күші жойылған. Жаңа код алыңыз", "ru": "Этот код отозван. Получите новый код", "en": "It was revoked. Please get a new one"},
	},
	kiosk.Replayed: {
		head: in{"kk": "Бұл код мұнда қолданылып қойған", "ru": "Этот код здесь уже использован", "en": "This code was already used here"},
		body: in{"kk": "Телефонда келесі код шыққанын күтіңіз", "ru": "Дождитесь на телефоне следующего кода", "en": "Wait for the next code on your phone"},
	},
	kiosk.PassedAlready: {
		head: in{"kk": "Сіз жаңа ғана кірдіңіз", "ru": "Вы только что вошли", "en": "You have just been let in"},
		body: in{"kk": "Сәл күтіңіз немесе қызметкерге жүгініңіз", "ru": "Подождите немного или обратитесь к сотруднику", "en": "Wait a little, or ask the staff"},
	},
	kiosk.PaperRefused: {
		head: in{"kk": "Мұнда қағаз код қабылданбайды", "ru": "Бумажный код здесь не принимают", "en": "Printed codes are not accepted here"},
		body: in{"kk": "Кодты телефоннан көрсетіңіз", "ru": "Покажите код на телефоне", "en": "Please show the code on a phone"},
	},

	kiosk.DataOld: {
		body: in{"kk": "Киосктегі деректер ескірген", "ru": "Данные в киоске устарели", "en": "The kiosk's data is too old"},
	},
	kiosk.UnknownPerson: {
		body: in{"kk": "Киоскте бұл код туралы дерек әзірге жоқ", "ru": "В киоске пока нет данных об этом коде", "en": "The kiosk has no data about this code yet"},
	},
	kiosk.NoKey: {
		body: in{"kk": "Киоскте бұл кодты оқитын кілт жоқ", "ru": "У киоска нет ключа, чтобы прочитать этот код", "en": "The kiosk has no key to read this code"},
	},
	kiosk.PassSuspended: {
		body: in{"kk": "Бұл кодтың күші уақытша тоқтатылған", "ru": "Действие этого кода приостановлено", "en": "This code is on hold"},
	},
	kiosk.NoRule: {
		body: in{"kk": "Бұл жағдайға арналған ереже жоқ", "ru": "Для этого случая нет правила", "en": "There is no rule for this case"},
	},

	kiosk.NoPlaces: {
		body: in{"kk": "Киоск бос орын бар-жоғын біле алмай тұр", "ru": "Киоск не знает, есть ли свободные места", "en": "The kiosk does not know whether there is a free place"},
	},

	kiosk.Starting: {
		head: in{"kk": "Киоск іске қосылып жатыр", "ru": "Киоск запускается", "en": "The kiosk is starting"},
		body: in{"kk": "Сәл күте тұрыңыз", "ru": "Минуту, пожалуйста", "en": "One moment, please"},
	},
	kiosk.CameraFault: {
		body: in{"kk": "Камерадан сурет келмей тұр", "ru": "Нет изображения с камеры", "en": "No picture from the camera"},
	},
	kiosk.ClockFault: {
		body: in{"kk": "Киоск нақты уақытты білмейді", "ru": "Киоск не знает точного времени", "en": "The kiosk does not know the time"},
	},
	kiosk.NoData: {
		body: in{"kk": "Деректер әлі жүктелген жоқ", "ru": "Данные ещё не загружены", "en": "No data has been loaded yet"},
	},
	kiosk.DataLimit: {
		body: in{"kk": "Деректер тым ескі", "ru": "Данные слишком старые", "en": "The data is too old"},
	},
	kiosk.OutputFault: {
		body: in{"kk": "Шам, дыбыс немесе есік құлпы істемей тұр", "ru": "Неисправны лампы, звук или замок двери", "en": "A lamp, the buzzer or the door lock does not work"},
	},
	kiosk.TamperFault: {
		body: in{"kk": "Киосктің қорабы ашық", "ru": "Корпус киоска открыт", "en": "The kiosk's case is open"},
	},
	kiosk.Unapproved: {
		head: in{"kk": "Киоск растауды күтіп тұр", "ru": "Киоск ждёт подтверждения", "en": "The kiosk waits for approval"},
		body: in{"kk": "Тіркеу мерзімі өткен. Тізілім әкімшісінен растауды сұраңыз", "ru": "Срок регистрации истёк. Попросите администратора реестра подтвердить её", "en": "Its enrolment has expired. Ask the registry's administrator to approve it"},
	},

	// These are for the person who sets the door up, not for visitors.
	kiosk.NotEnrolled: {
		head: in{"kk": "Киоск әлі тіркелмеген", "ru": "Киоск ещё не зарегистрирован", "en": "Not enrolled yet"},
		body: checkWords["enrolment"].body,
	},
	kiosk.Enrolling: {
		head: enrolling,
		body: in{"kk": "Сәл күте тұрыңыз", "ru": "Минуту, пожалуйста", "en": "One moment, please"},
	},
	kiosk.EnrolNetwork: {
		head: enrolling,
		body: in{"kk": "Тізілімге әзірге қосыла алмай тұр, қайта көреді", "ru": "Реестр пока недоступен, киоск пробует снова", "en": "The registry cannot be reached yet; the kiosk keeps trying"},
	},
	kiosk.EnrolClock: {
		head: enrolling,
		body: in{"kk": "Киоск сағаты дұрыс емес, нақты уақытты күтіп тұр", "ru": "Часы киоска неверны, он ждёт точного времени", "en": "The kiosk's clock is wrong; it waits for the right time"},
	},
	kiosk.EnrolUsed: {
		head: in{"kk": "Тіркеу коды бұрын қолданылған", "ru": "Код регистрации уже использован", "en": "This enrolment code was already used"},
		body: another,
	},
	kiosk.EnrolExpired: {
		head: in{"kk": "Тіркеу кодының мерзімі өткен", "ru": "Срок кода регистрации истёк", "en": "This enrolment code has expired"},
		body: another,
	},
	kiosk.EnrolRefused: {
		head: in{"kk": "Тіркеу коды қабылданбады", "ru": "Код регистрации не принят", "en": "This enrolment code was refused"},
		body: another,
	},
	kiosk.EnrolForeign: {
		head: in{"kk": "Код басқа тізілімдікі", "ru": "Код другого реестра", "en": "This code is of another registry"},
		body: in{"kk": "Киоск бір тізілімге арналған: кодты соның әкімшісінен сұраңыз", "ru": "Киоск предназначен для одного реестра: попросите код у его администратора", "en": "This kiosk is for one registry: ask its administrator for a code"},
	},
	kiosk.EnrolJoining: {
		head: in{"kk": "Киоск тізілімге қосылмақ", "ru": "Киоск присоединяется к реестру", "en": "The kiosk is about to join a registry"},
		body: in{"kk": "Төменде басқа тізілім тұрса, дұрыс кодты көрсетіңіз немесе киоскіні өшіріңіз", "ru": "Если ниже чужой реестр, покажите верный код или отключите киоск", "en": "If the one below is wrong, hold up the right code or unplug the kiosk"},
	},
	kiosk.EnrolBroken: {
		head: enrolling,
		body: in{"kk": "Жад картасына жазу мүмкін емес", "ru": "Карта памяти не записывается", "en": "The memory card cannot be written"},
	},
}

var (
	enrolling = in{"kk": "Киоск тіркеліп жатыр", "ru": "Киоск регистрируется", "en": "The kiosk is being enrolled"}
	another   = in{"kk": "Әкімшіден жаңа код сұраңыз", "ru": "Попросите у администратора новый код", "en": "Ask the administrator for a new code"}
)

// lostWords are for a page that hears nothing from the daemon.
var lostWords = words{
	head: signalWords[kiosk.OutOfOrder].head,
	body: in{"kk": "Киоск жауап бермей тұр", "ru": "Киоск не отвечает", "en": "The kiosk does not answer"},
}

// lineOf is what a verdict says in one language at the time now.
func lineOf(v kiosk.Verdict, lang string, now time.Time) line {
	w := signalWords[v.Signal]
	l := line{Lang: lang, Head: w.head[lang], Body: w.body[lang]}
	switch v.Signal {
	case kiosk.Idle, kiosk.Working, kiosk.Left, kiosk.Full:
		return l
	case kiosk.Admitted: // welcome is enough: nobody stops to read
	case kiosk.AdmittedHere:
		l.Body = first(ruleText(v.Text, lang), l.Body)
	case kiosk.TurnedBack, kiosk.AskStaff: // their heads say what to do, for any reason
		l.Body = first(reasonWords[v.Reason].body[lang], ruleText(v.Text, lang), l.Body)
	default:
		why := reasonWords[v.Reason]
		l.Head = first(why.head[lang], l.Head)
		l.Body = first(why.body[lang], l.Body)
	}
	if rows[v.Signal].person && !v.Until.IsZero() {
		l.Until = until(v, lang, now)
	}
	if v.Age > 0 && (v.Aged || v.Signal == kiosk.OutOfOrder) {
		l.Age = fmt.Sprintf(ageWords[lang], age(v.Age, lang))
	}
	return l
}

// Say is what a verdict says in one language, for whoever shows it elsewhere than at a door: head,
// body, and until when it is good.
func Say(v kiosk.Verdict, lang string, now time.Time) (head, body, until string) {
	l := lineOf(v, lang, now)
	return l.Head, l.Body, l.Until
}

func first(phrases ...string) string {
	for _, p := range phrases {
		if p != "" {
			return p
		}
	}
	return ""
}

// ruleText is the rule's sentence; empty if the rule has no text in this language.
func ruleText(t kiosk.Text, lang string) string {
	return map[string]string{"kk": t.KK, "ru": t.RU, "en": t.EN}[lang]
}

// untilWords take a time: for an admitted person the end of the admission, for others (statusWords)
// the end of the status.
var (
	untilWords  = in{"kk": "%s дейін жарамды", "ru": "Действует до %s", "en": "Valid until %s"}
	statusWords = in{"kk": "Мәртебе %s дейін", "ru": "Статус до %s", "en": "Status until %s"}
	clockLayout = in{"kk": "15:04", "ru": "15:04", "en": "15:04"}
	dayLayout   = in{"kk": "02.01, 15:04", "ru": "02.01, 15:04", "en": "2 Jan, 15:04"}
	yearLayout  = in{"kk": "02.01.2006, 15:04", "ru": "02.01.2006, 15:04", "en": "2 Jan 2006, 15:04"}
)

// until is a time on the door's wall clock, with as much of its date as differs from today's.
func until(v kiosk.Verdict, lang string, now time.Time) string {
	phrase := untilWords[lang]
	if v.Signal == kiosk.TurnedBack {
		phrase = statusWords[lang]
	}
	end := v.Until.In(now.Location())
	layout := dayLayout[lang]
	switch {
	case end.Year() != now.Year():
		layout = yearLayout[lang]
	case end.YearDay() == now.YearDay():
		layout = clockLayout[lang]
	}
	text := end.Format(layout)
	if lang == "kk" {
		text += "-" + kazakhDative(end.Minute())
	}
	return fmt.Sprintf(phrase, text)
}

// The ending before дейін (until) follows the vowels of the number's last spoken word: бес-ке,
// алты-ға.
var (
	unitEndings = [10]string{1: "ге", 2: "ге", 3: "ке", 4: "ке", 5: "ке", 6: "ға", 7: "ге", 8: "ге", 9: "ға"}
	tenEndings  = [6]string{0: "ге", 1: "ға", 2: "ға", 3: "ға", 4: "қа", 5: "ге"}
)

func kazakhDative(minute int) string {
	return first(unitEndings[minute%10], tenEndings[minute/10])
}

var (
	ageWords = in{"kk": "Деректер %s жаңартылған", "ru": "Данные обновлены %s", "en": "Data updated %s"}
	justNow  = in{"kk": "жаңа ғана", "ru": "только что", "en": "just now"}
	minutes  = in{"kk": "%d мин бұрын", "ru": "%d мин назад", "en": "%d min ago"}
	hours    = in{"kk": "%d сағ бұрын", "ru": "%d ч назад", "en": "%d h ago"}
	days     = in{"kk": "%d күн бұрын", "ru": "%d сут. назад", "en": "%d days ago"}
)

// age rounds down, in the unit that keeps the figure small: minutes below two hours, hours below
// three days.
func age(a time.Duration, lang string) string {
	switch {
	case a < time.Minute:
		return justNow[lang]
	case a < 2*time.Hour:
		return fmt.Sprintf(minutes[lang], int(a.Minutes()))
	case a < 72*time.Hour:
		return fmt.Sprintf(hours[lang], int(a.Hours()))
	}
	return fmt.Sprintf(days[lang], int(a.Hours()/24))
}
