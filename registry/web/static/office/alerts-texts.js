// The words of /alerts, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  alarmsTitle: { kk: "Қазір не дұрыс емес", ru: "Что сейчас не в порядке", en: "What is wrong now" },
  noAlarms: { kk: "Бәрі дұрыс.", ru: "Всё в порядке.", en: "All is well." },
  door: { kk: "Есік", ru: "Дверь", en: "Door" },
  what: { kk: "Не болды", ru: "Что случилось", en: "What" },
  since: { kk: "Қашаннан бері", ru: "С какого времени", en: "Since" },
  address: { kk: "Мекенжай", ru: "Адрес", en: "Address" },
  phone: { kk: "Телефон", ru: "Телефон", en: "Phone" },
  registry: { kk: "Тізілім", ru: "Реестр", en: "The registry" },

  "kind-silent": { kk: "Байланысқа шықпайды", ru: "Не выходит на связь", en: "Silent" },
  "kind-tamper": { kk: "Корпусы ашылған", ru: "Вскрыт корпус", en: "Case opened" },
  "kind-copied": { kk: "Карта көшірілген", ru: "Карта скопирована", en: "Card copied" },
  "kind-undervoltage": { kk: "Қорек кернеуі төмен", ru: "Низкое напряжение", en: "Undervoltage" },
  "kind-hot": { kk: "Қызып кетті", ru: "Перегрев", en: "Too hot" },
  "kind-out-of-order": { kk: "Істемейді", ru: "Неисправна", en: "Out of order" },
  "kind-renewal": { kk: "Сертификатты жаңартуға рұқсат керек", ru: "Нужно разрешение продлить сертификат", en: "Renewal needs approval" },
  "kind-publisher": { kk: "Тізілім жариялауды тоқтатты", ru: "Реестр перестал публиковать", en: "Registry stopped publishing" },

  recipientsTitle: { kk: "Кімге хабарланады", ru: "Кому сообщать", en: "Who is told" },
  noRecipients: { kk: "Әзірге ешкімге хабарланбайды.", ru: "Пока никому не сообщается.", en: "Nobody is told yet." },
  gathered: {
    kk: "Басталғанда бір хабар, аяқталғанда бір хабар; созылса, күніне бір рет. Есік {n} минут үнсіз болса, хабарланады.",
    ru: "Одно сообщение в начале, одно в конце; если длится — раз в день. О двери сообщается, когда её не слышно {n} минут.",
    en: "One message when it begins, one when it is over, one a day while it lasts. A door is reported when it was silent for {n} minutes.",
  },
  noMail: {
    kk: "Пошта сервері бапталмаған: тек вебхук істейді. Есік {n} минут үнсіз болса, хабарланады.",
    ru: "Почтовый сервер не настроен: работают только вебхуки. О двери сообщается, когда её не слышно {n} минут.",
    en: "No mail server is set up: only webhooks work. A door is reported when it was silent for {n} minutes.",
  },
  kindsTitle: { kk: "Не туралы", ru: "О чём", en: "What about" },
  sentAt: { kk: "Соңғы хабар: {time}", ru: "Последнее сообщение: {time}", en: "Last message: {time}" },
  neverSent: { kk: "Хабар әлі жіберілген жоқ", ru: "Сообщений ещё не было", en: "No message yet" },
  waitingMessages: { kk: "Күтіп тұрған хабарлар: {n}", ru: "Ждут отправки: {n}", en: "Waiting to be sent: {n}" },
  test: { kk: "Сынақ хабарын жіберу", ru: "Отправить пробное", en: "Send a test" },
  testSent: { kk: "Жіберілді: {name}.", ru: "Отправлено: {name}.", en: "Sent: {name}." },
  remove: { kk: "Өшіру", ru: "Удалить", en: "Remove" },
  removeSure: { kk: "{name}: бұдан былай хабарланбасын ба?", ru: "{name}: больше не сообщать?", en: "{name}: tell them no longer?" },
  removed: { kk: "Өшірілді: {name}.", ru: "Удалено: {name}.", en: "Removed: {name}." },

  newRecipient: { kk: "Жаңа алушы", ru: "Новый получатель", en: "New recipient" },
  mail: { kk: "Электрондық пошта", ru: "Электронная почта", en: "Mail address" },
  hook: { kk: "немесе вебхук мекенжайы", ru: "или адрес вебхука", en: "or the address of a webhook" },
  either: { kk: "Екеуінің бірін жазыңыз. Вебхук https:// деп басталады.", ru: "Заполните одно из двух. Вебхук начинается с https://.", en: "Fill in one of them. A webhook begins with https://." },
  language: { kk: "Хабардың тілі", ru: "Язык сообщений", en: "Language of the messages" },
  create: { kk: "Қосу", ru: "Добавить", en: "Add" },
  created: { kk: "Қосылды: {name}. Енді сынақ хабарын жіберіңіз.", ru: "Добавлено: {name}. Теперь отправьте пробное сообщение.", en: "Added: {name}. Now send a test." },
  secret: { kk: "Вебхук құпиясы", ru: "Секрет вебхука", en: "Secret of the webhook" },
  secretText: {
    kk: "Бір рет қана көрсетіледі: хабарлардың қолтаңбасы сонымен тексеріледі.",
    ru: "Показан только один раз: им проверяется подпись сообщений.",
    en: "It is shown only once: the messages' signature is checked with it.",
  },
};
