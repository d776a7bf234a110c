// All words of the citizen's page, and those that every page has.

export const common = {
  languages: { kk: "Тіл", ru: "Язык", en: "Language" },
  seconds: { kk: "{n} с", ru: "{n} с", en: "{n} s" },
  minutes: { kk: "{n} мин", ru: "{n} мин", en: "{n} min" },
  hours: { kk: "{n} сағ", ru: "{n} ч", en: "{n} h" },
  days: { kk: "{n} күн", ru: "{n} дн.", en: "{n} d" },
  ago: { kk: "{span} бұрын", ru: "{span} назад", en: "{span} ago" },
  red: { kk: "Қызыл", ru: "Красный", en: "Red" },
  yellow: { kk: "Сары", ru: "Жёлтый", en: "Yellow" },
  blue: { kk: "Көк", ru: "Синий", en: "Blue" },
  green: { kk: "Жасыл", ru: "Зелёный", en: "Green" },
  noNetwork: {
    kk: "Желі жоқ. Интернетке қосылып, қайталап көріңіз.",
    ru: "Нет сети. Подключитесь к интернету и повторите.",
    en: "No network. Connect and try again.",
  },
  tooMany: {
    kk: "Тым көп әрекет жасалды. Бір минуттан кейін қайталаңыз.",
    ru: "Слишком много попыток. Повторите через минуту.",
    en: "Too many attempts. Try again in a minute.",
  },
  serverTrouble: {
    kk: "Тізілім қазір жауап бермей тұр. Сәлден кейін қайталаңыз.",
    ru: "Реестр сейчас не отвечает. Повторите немного позже.",
    en: "The registry is not answering right now. Try again a little later.",
  },
};

export const citizen = {
  ...common,
  title: { kk: "Менің рұқсатнамам", ru: "Мой пропуск", en: "My pass" },

  activateTitle: { kk: "Рұқсатнаманы іске қосу", ru: "Активация пропуска", en: "Activate your pass" },
  activateText: {
    kk: "Тіркелген кезде берілген бір реттік кодты енгізіңіз. Рұқсатнама осы телефонда сақталады.",
    ru: "Введите одноразовый код, который вам выдали при регистрации. Пропуск останется на этом телефоне.",
    en: "Enter the one-time code you were given when you registered. The pass stays on this phone.",
  },
  code: { kk: "Бір реттік код", ru: "Одноразовый код", en: "One-time code" },
  activate: { kk: "Іске қосу", ru: "Активировать", en: "Activate" },
  activating: { kk: "Іске қосылып жатыр…", ru: "Активируем…", en: "Activating…" },
  codeEmpty: { kk: "Кодты енгізіңіз.", ru: "Введите код.", en: "Enter the code." },
  codeRefused: {
    kk: "Бұл код жарамсыз немесе бұрын қолданылған. Тіркелген жеріңізден жаңа код сұраңыз.",
    ru: "Код недействителен или уже использован. Попросите новый там, где вам его выдали.",
    en: "This code is not valid or has been used already. Ask for a new one where you registered.",
  },
  replaceTitle: {
    kk: "Бұл телефонда рұқсатнама бұрыннан бар",
    ru: "На этом телефоне уже есть пропуск",
    en: "There is a pass on this phone already",
  },
  replaceText: {
    kk: "Жаңа кодты іске қоссаңыз, ол қазіргі рұқсатнаманың орнына сақталады.",
    ru: "Если активировать новый код, он заменит нынешний пропуск.",
    en: "Activating the new code replaces the present pass.",
  },
  replace: { kk: "Ауыстыру", ru: "Заменить", en: "Replace" },
  keep: { kk: "Қазіргісін қалдыру", ru: "Оставить прежний", en: "Keep the present one" },

  qr: { kk: "Рұқсатнаманың QR коды", ru: "QR-код пропуска", en: "QR code of the pass" },
  hold: {
    kk: "Кодты кіреберістегі камераға көрсетіңіз",
    ru: "Покажите код камере у входа",
    en: "Hold the code to the camera at the entrance",
  },
  renews: {
    kk: "Код 15 секунд сайын жаңарып тұрады. Рұқсатнаманың жарамды мерзімі: {time}.",
    ru: "Код обновляется каждые 15 секунд. Пропуск действует до {time}.",
    en: "The code is renewed every 15 seconds. The pass is valid until {time}.",
  },

  status: { kk: "Сіздің мәртебеңіз", ru: "Ваш статус", en: "Your status" },
  redText: {
    kk: "ПТР-тест нәтижесі оң. Үйде болыңыз: қоғамдық орындарға кіруге болмайды.",
    ru: "Положительный ПЦР-тест. Оставайтесь дома: посещать общественные места нельзя.",
    en: "Positive PCR test. Stay at home: you may not enter public places.",
  },
  yellowText: {
    kk: "Сіз ауырған адаммен байланыста болғансыз. Тек жақын маңдағы дүкен мен дәріханаға кіруге болады.",
    ru: "Вы контактировали с заболевшим. Можно посещать только ближайший магазин и аптеку.",
    en: "You were in contact with a case. Only a nearby shop and a pharmacy are open to you.",
  },
  blueText: {
    kk: "Сіз туралы дерек жоқ: ПТР-тест те, ауырған адаммен байланыс та тіркелмеген. Кіруге болады, бірақ кейбір орындар ПТР-тест талап етеді.",
    ru: "Данных о вас нет: ни ПЦР-теста, ни контакта с заболевшим. Вход открыт, но некоторые места требуют ПЦР-тест.",
    en: "Nothing is known about you: no PCR test, no contact with a case. The way is open, but some places ask for a PCR test.",
  },
  greenText: {
    kk: "Барлық жерге кіруге болады.",
    ru: "Вход открыт везде.",
    en: "The way is open everywhere.",
  },
  until: { kk: "Осы уақытқа дейін: {time}", ru: "Статус до: {time}", en: "Until: {time}" },
  asOf: { kk: "Дерек алынған уақыт: {time}", ru: "По данным на: {time}", en: "As of: {time}" },
  reason: { kk: "{what}, {date}. Дереккөзі: {source}.", ru: "{what}, {date}. Источник: {source}.", en: "{what} on {date}, reported by {source}" },
  "what-positive": { kk: "ПТР-тест нәтижесі оң", ru: "Положительный ПЦР-тест", en: "Positive PCR test" },
  "what-negative": { kk: "ПТР-тест нәтижесі теріс", ru: "Отрицательный ПЦР-тест", en: "Negative PCR test" },
  "what-contact": { kk: "Ауырған адаммен байланыс", ru: "Контакт с заболевшим", en: "Contact with a case" },
  "what-recovered": { kk: "Ауырып жазылу", ru: "Выздоровление", en: "Recovery" },
  "what-vaccinated": { kk: "Екпе", ru: "Прививка", en: "Vaccination" },
  "by-laboratory": { kk: "зертхана", ru: "лаборатория", en: "a laboratory" },
  "by-pcr-portal": { kk: "ПТР порталы", ru: "портал ПЦР-исследований", en: "the PCR portal" },
  "by-covid-19-centre": { kk: "Covid-19 басқару орталығы", ru: "центр управления COVID-19", en: "the Covid-19 centre" },
  "by-vaccination-register": { kk: "вакцинация тізілімі", ru: "регистр вакцинации", en: "the vaccination register" },
  disputeTitle: { kk: "Бұл дұрыс емес", ru: "Это неверно", en: "This is wrong" },
  disputeText: {
    kk: "Не дұрыс емес екенін жазыңыз. Жазбаларыңызды адам қарап шығады; оған дейін мәртебе өзгермейді.",
    ru: "Напишите, что неверно. Ваши записи проверит сотрудник; до этого статус не изменится.",
    en: "Write what is wrong. A person will look at your records; until then the status stays.",
  },
  disputeWhy: {
    kk: "Не дұрыс емес? Мысалы: мен ол күні басқа қалада болдым",
    ru: "Что неверно? Например: в тот день меня не было в городе",
    en: "What is wrong? For example: I was in another town that day",
  },
  disputeSend: { kk: "Жіберу", ru: "Отправить", en: "Send" },
  disputed: {
    kk: "Сіз қарсылық білдірдіңіз. Жазбаларыңызды адам қарап шығады.",
    ru: "Вы подали возражение. Ваши записи проверит сотрудник.",
    en: "You have disputed this. A person will look at your records.",
  },
  disputeStands: {
    kk: "Бұл жазбаны адам қарап шыққан, ол күшінде қалады. Сұрақ болса, тіркелген жеріңізге хабарласыңыз.",
    ru: "Эту запись уже проверил сотрудник, и она остаётся в силе. С вопросами обратитесь туда, где вы получили код.",
    en: "A person has looked at this record already, and it stands. Ask where you registered.",
  },
  disputeRefused: {
    kk: "Жіберілмеді. Бетті жаңартып, қайталап көріңіз.",
    ru: "Не отправлено. Обновите страницу и повторите.",
    en: "It was not sent. Load the page again and repeat.",
  },
  asking: { kk: "Мәртебе сұралып жатыр…", ru: "Запрашиваем статус…", en: "Asking for the status…" },
  unknown: { kk: "Мәртебе әлі белгісіз", ru: "Статус пока неизвестен", en: "The status is not known yet" },
  lastKnown: {
    kk: "Соңғы белгілі мәртебе ({age})",
    ru: "Последний известный статус ({age})",
    en: "Last known status ({age})",
  },
  offline: {
    kk: "Желі жоқ. QR код желісіз де жұмыс істейді.",
    ru: "Нет сети. QR-код работает и без неё.",
    en: "No network. The QR code works without it.",
  },
  notAccepted: {
    kk: "Тізілім бұл рұқсатнаманы қабылдамады. Тіркелген жеріңізге хабарласыңыз.",
    ru: "Реестр не принял этот пропуск. Обратитесь туда, где вы получили код.",
    en: "The registry did not accept this pass. Ask where you registered.",
  },
  clock: {
    kk: "Телефонның сағаты дұрыс емес (айырмасы {span}). Баптаулардан уақытты автоматты түрде орнатуды қосыңыз, әйтпесе желі жоқта код қабылданбайды.",
    ru: "Часы телефона идут неверно (разница {span}). Включите в настройках автоматическое время, иначе без сети код не примут.",
    en: "The phone's clock is wrong by {span}. Turn on automatic time in the settings, otherwise the code is not accepted without a network.",
  },

  withdrawnTitle: { kk: "Рұқсатнаманың күші жойылды", ru: "Пропуск отозван", en: "This pass was withdrawn" },
  withdrawnText: {
    kk: "Бұл рұқсатнама енді жарамсыз. Тіркелген жеріңізден жаңа бір реттік код алып, оны төменге енгізіңіз.",
    ru: "Он больше не действует. Получите новый одноразовый код там же, где прежний, и введите его ниже.",
    en: "It is no longer valid. Get a new one-time code where you registered and enter it below.",
  },
  suspendedTitle: { kk: "Рұқсатнама уақытша тоқтатылды", ru: "Пропуск приостановлен", en: "This pass is on hold" },
  suspendedText: {
    kk: "Оны әзірге қолдануға болмайды. Себебін тіркелген жеріңізден біліңіз.",
    ru: "Пока им нельзя пользоваться. Причину можно узнать там, где вы получили код.",
    en: "It cannot be used for the time being. Ask for the reason where you registered.",
  },
  expiredTitle: { kk: "Рұқсатнаманың мерзімі бітті", ru: "Срок действия пропуска истёк", en: "This pass has expired" },
  expiredText: {
    kk: "Мерзімі аяқталған уақыт: {time}. Тіркелген жеріңізден жаңа бір реттік код алып, оны төменге енгізіңіз.",
    ru: "Он действовал до {time}. Получите новый одноразовый код там же, где прежний, и введите его ниже.",
    en: "It was valid until {time}. Get a new one-time code where you registered and enter it below.",
  },

  insecure: {
    kk: "Бұл бетті қорғалған мекенжаймен (https://) ашу керек.",
    ru: "Эту страницу нужно открыть по защищённому адресу (https://).",
    en: "This page has to be opened at a secure address (https://).",
  },
  unsupported: {
    kk: "Бұл браузер тым ескі. Оны жаңартыңыз немесе тіркелген жеріңізден қағаз рұқсатнама сұраңыз.",
    ru: "Этот браузер слишком старый. Обновите его или попросите бумажный пропуск там, где выдают коды.",
    en: "This browser is too old. Update it, or ask for a printed pass where you registered.",
  },
  noStorage: {
    kk: "Браузер рұқсатнаманы сақтай алмайды. Құпия (инкогнито) режимнен шығыңыз.",
    ru: "Браузер не может сохранить пропуск. Выйдите из режима инкогнито.",
    en: "The browser cannot keep the pass. Leave private browsing.",
  },
};
