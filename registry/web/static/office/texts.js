// All words of the pages behind a key: /admin, /lab and /paper.

import { common } from "../js/texts.js";

export const office = {
  ...common,
  adminTitle: { kk: "Тізілім әкімшісі", ru: "Администратор реестра", en: "Registry administrator" },
  labTitle: { kk: "Жазба енгізу", ru: "Ввод записи", en: "Enter a record" },
  paperTitle: { kk: "Қағаз рұқсатнама", ru: "Бумажный пропуск", en: "Printed pass" },

  adminKey: { kk: "Әкімшінің кілті", ru: "Ключ администратора", en: "Administrator's key" },
  sourceKey: {
    kk: "Зертхананың немесе бақылау орталығының кілті",
    ru: "Ключ лаборатории или центра контроля",
    en: "Key of the laboratory or control centre",
  },
  keyText: {
    kk: "Кілт тек осы қойындыда сақталады, қойынды жабылғанда өшіріледі.",
    ru: "Ключ хранится только в этой вкладке и удаляется, когда её закрывают.",
    en: "The key is kept in this tab only and is gone when the tab is closed.",
  },
  open: { kk: "Ашу", ru: "Открыть", en: "Open" },
  forget: { kk: "Кілтті өшіру", ru: "Удалить ключ", en: "Forget the key" },
  working: { kk: "Күте тұрыңыз…", ru: "Подождите…", en: "Please wait…" },

  iin: { kk: "ЖСН (12 сан)", ru: "ИИН (12 цифр)", en: "IIN (12 digits)" },
  name: { kk: "Атауы", ru: "Название", en: "Name" },
  venue: { kk: "Орын түрі", ru: "Вид заведения", en: "Kind of venue" },
  kind: { kk: "Түрі", ru: "Вид", en: "Kind" },
  laboratory: { kk: "Зертхана", ru: "Лаборатория", en: "Laboratory" },
  "control-centre": { kk: "Бақылау орталығы", ru: "Центр контроля", en: "Control centre" },

  overview: { kk: "Шолу", ru: "Обзор", en: "Overview" },
  version: { kk: "Тізім нұсқасы", ru: "Версия списка", en: "List version" },
  published: { kk: "Жарияланғаны: {age}", ru: "Опубликована {age}", en: "Published {age}" },
  citizens: { kk: "Азаматтар", ru: "Граждане", en: "Citizens" },
  passes: { kk: "Рұқсатнамалар: {n}", ru: "Пропусков: {n}", en: "Passes: {n}" },
  checks: { kk: "24 сағаттағы тексерулер", ru: "Проверок за 24 ч", en: "Checks in 24 h" },
  refused: { kk: "Қайтарылғандар: {n}", ru: "Не впущено: {n}", en: "Turned back: {n}" },
  valid: { kk: "Көк", ru: "Синий", en: "Blue" },
  invalid: { kk: "Күші жойылған", ru: "Отозван", en: "Withdrawn" },
  suspended: { kk: "Тоқтатылған", ru: "Приостановлен", en: "On hold" },
  byStatus: { kk: "Мәртебелер бойынша", ru: "По статусам", en: "By status" },
  kiosks: { kk: "Киоскілер", ru: "Киоски", en: "Kiosks" },
  seen: { kk: "Соңғы байланыс", ru: "Последняя связь", en: "Last seen" },
  never: { kk: "әлі болған жоқ", ru: "ещё не было", en: "never" },
  admitted: { kk: "Кіргізілді", ru: "Впущено", en: "Admitted" },
  turnedBack: { kk: "Қайтарылды", ru: "Не впущено", en: "Turned back" },
  otherCounts: { kk: "Басқа", ru: "Прочее", en: "Other" },
  sources: { kk: "Дереккөздер", ru: "Источники", en: "Sources" },
  records: { kk: "Жазбалар", ru: "Записей", en: "Records" },
  last: { kk: "Соңғысы", ru: "Последняя", en: "Latest" },
  disagreements: { kk: "Қайшылықтар", ru: "Расхождения", en: "Disagreements" },
  iinShort: { kk: "ЖСН", ru: "ИИН", en: "IIN" },
  counts: { kk: "Есепке алынады", ru: "Учитывается", en: "Counts" },
  other: { kk: "Басқа дерек", ru: "Другие данные", en: "Other record" },
  since: { kk: "Уақыты", ru: "Время", en: "Since" },
  none: { kk: "Жоқ", ru: "Нет", en: "None" },
  outdated: {
    kk: "Тізілім жауап бермейді ({error}). Төмендегі деректер {age} алынған.",
    ru: "Реестр не отвечает ({error}). Данные ниже получены {age}.",
    en: "The registry does not answer ({error}). What is below was received {age}.",
  },

  actions: { kk: "Әрекеттер", ru: "Действия", en: "Actions" },
  newCitizen: { kk: "Жаңа азамат", ru: "Новый гражданин", en: "New citizen" },
  newCitizenText: {
    kk: "Азамат телефонында рұқсатнаманы іске қосатын бір реттік код пен сілтеме береді.",
    ru: "Выдаёт одноразовый код и ссылку, с которыми гражданин активирует пропуск на телефоне.",
    en: "Gives a one-time code and a link with which the citizen activates the pass on the phone.",
  },
  issueCode: { kk: "Код беру", ru: "Выдать код", en: "Issue a code" },
  code: { kk: "Бір реттік код", ru: "Одноразовый код", en: "One-time code" },
  link: { kk: "Сілтеме", ru: "Ссылка", en: "Link" },
  validUntil: { kk: "Жарамды мерзімі: {time}", ru: "Действует до: {time}", en: "Valid until: {time}" },
  paperText: {
    kk: "Телефоны жоқ адамға арналған код. Ол басып шығаруға дайын бетте ашылады.",
    ru: "Код для человека без телефона. Откроется на отдельной странице, готовой к печати.",
    en: "A code for a person without a phone. It opens on a page that is ready to print.",
  },
  make: { kk: "Жасау", ru: "Создать", en: "Make" },
  newKiosk: { kk: "Жаңа киоск", ru: "Новый киоск", en: "New kiosk" },
  newKioskText: {
    kk: "Киоскінің баптауына арналған үзінді береді.",
    ru: "Выдаёт фрагмент для настроек киоска.",
    en: "Gives the part for the kiosk's configuration.",
  },
  create: { kk: "Қосу", ru: "Добавить", en: "Add" },
  kioskDone: {
    kk: "Мұны киоскінің баптауына көшіріңіз. Токен бір рет қана көрсетіледі.",
    ru: "Скопируйте это в настройки киоска. Токен показывается только один раз.",
    en: "Copy this into the kiosk's configuration. The token is shown only once.",
  },
  newSource: { kk: "Жаңа дереккөз", ru: "Новый источник", en: "New source" },
  newSourceText: {
    kk: "Зертханаға немесе бақылау орталығына жазба жіберетін кілт береді.",
    ru: "Выдаёт лаборатории или центру контроля ключ для отправки записей.",
    en: "Gives a laboratory or the control centre the key to send records with.",
  },
  key: { kk: "Кілт (бір рет қана көрсетіледі)", ru: "Ключ (показывается только один раз)", en: "Key (shown only once)" },
  entry: { kk: "Жазба енгізу беті", ru: "Страница ввода записей", en: "Page to enter records" },
  revoke: { kk: "Рұқсатнаманың күшін жою", ru: "Отзыв пропусков", en: "Withdraw passes" },
  revokeText: {
    kk: "Азаматтың барлық рұқсатнамасының күші жойылады. Оны қайтару мүмкін емес.",
    ru: "Отзывает все пропуска гражданина. Отменить это нельзя.",
    en: "Withdraws all passes of a citizen. This cannot be undone.",
  },
  sure: { kk: "Иә, барлығының күші жойылсын", ru: "Да, отозвать все", en: "Yes, withdraw all of them" },
  revokeButton: { kk: "Күшін жою", ru: "Отозвать", en: "Withdraw" },
  revokeDone: { kk: "Рұқсатнамалардың күші жойылды.", ru: "Пропуска отозваны.", en: "The passes were withdrawn." },
  copy: { kk: "Көшіру", ru: "Копировать", en: "Copy" },
  copied: { kk: "Көшірілді", ru: "Скопировано", en: "Copied" },

  what: { kk: "Не енгізіледі", ru: "Что вводится", en: "What to enter" },
  result: { kk: "ПТР нәтижесі", ru: "Результат ПЦР", en: "PCR result" },
  contact: { kk: "Байланыс", ru: "Контакт", en: "Contact" },
  outcome: { kk: "Нәтиже", ru: "Результат", en: "Result" },
  positive: { kk: "Оң", ru: "Положительный", en: "Positive" },
  negative: { kk: "Теріс", ru: "Отрицательный", en: "Negative" },
  sample: { kk: "Сынама нөмірі", ru: "Номер пробы", en: "Sample number" },
  taken: { kk: "Сынама алынған уақыт", ru: "Время взятия пробы", en: "Taken at" },
  contactSince: { kk: "Байланыс болған уақыт", ru: "Время контакта", en: "In contact since" },
  send: { kk: "Жіберу", ru: "Отправить", en: "Send" },
  resultDone: {
    kk: "Сақталды: {sample} сынамасы, нәтижесі: {result}.",
    ru: "Сохранено: проба {sample}, результат: {result}.",
    en: "Recorded: sample {sample}, result: {result}.",
  },
  contactDone: {
    kk: "Сақталды: байланыс, {time}.",
    ru: "Сохранено: контакт, {time}.",
    en: "Recorded: contact, {time}.",
  },

  holder: { kk: "Аты-жөні (міндетті емес)", ru: "Имя (необязательно)", en: "Name (optional)" },
  holderText: {
    kk: "Тек қағазға басылады, ешқайда жіберілмейді.",
    ru: "Только печатается на листе, никуда не отправляется.",
    en: "Only printed on the sheet, never sent anywhere.",
  },
  print: { kk: "Басып шығару", ru: "Печать", en: "Print" },
  another: { kk: "Басқа рұқсатнама", ru: "Другой пропуск", en: "Another pass" },
};

// The sheet is for everybody who may look at it, so it is written in all languages at once.
export const sheet = [
  {
    lang: "kk",
    title: "Қағаз рұқсатнама",
    until: "Жарамды мерзімі",
    text: "Кодты кіреберістегі камераға көрсетіңіз. Парақты ешкімге бермеңіз, жоғалтсаңыз, тіркелген жеріңізге хабарлаңыз. " +
      "Кейбір орындар қағаз рұқсатнаманы қабылдамайды.",
  },
  {
    lang: "ru",
    title: "Бумажный пропуск",
    until: "Действует до",
    text: "Покажите код камере у входа. Никому не передавайте этот лист, а если потеряете, сообщите туда, где вы " +
      "регистрировались. Некоторые места не принимают бумажные пропуска.",
  },
  {
    lang: "en",
    title: "Printed pass",
    until: "Valid until",
    text: "Hold the code to the camera at the entrance. Do not give this sheet to anybody; if you lose it, tell the place " +
      "where you registered. Some places do not take printed passes.",
  },
];
