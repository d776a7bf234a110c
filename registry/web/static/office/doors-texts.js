// The words of /doors, beside those of all pages behind a key.

import { boards } from "./health-texts.js";
import { lists } from "./list-texts.js";
import { office } from "./texts.js";

export const words = {
  ...office,
  ...lists,
  venue: { kk: "Нысан түрі", ru: "Вид объекта", en: "Kind of venue" },
  doors: { kk: "Есіктер", ru: "Двери", en: "Doors" },
  seen: { kk: "Соңғы байланыс", ru: "Последняя связь", en: "Last seen" },
  admitted: { kk: "Кіргізілді", ru: "Допущено", en: "Admitted" },
  otherCounts: { kk: "Басқа", ru: "Прочее", en: "Other" },
  certificate: { kk: "Тіркелуі", ru: "Регистрация", en: "Enrolment" },
  notEnrolled: { kk: "әлі тіркелмеген", ru: "ещё не зарегистрирована", en: "not yet" },
  enrolledUntil: { kk: "{time} уақытына дейін", ru: "до {time}", en: "until {time}" },
  enrolmentEnded: { kk: "Аяқталған уақыты: {time}", ru: "закончилась {time}", en: "ended {time}" },
  revoked: { kk: "Тіркеуден шығарылды", ru: "Снята с регистрации", en: "Revoked" },
  copiedCard: { kk: "Карта көшірілген", ru: "Карта скопирована", en: "Copied card" },
  strays: {
    kk: "Басқа құрылғыдан немесе ескі картамен әрекеттер: {n}",
    ru: "Попыток с другого устройства или со старой картой: {n}",
    en: "Tries from another board or with an old card: {n}",
  },
  differs: {
    kk: "Есік басқаша шешеді: {venue}, аймағы: {zone}, {way}",
    ru: "Дверь решает иначе: {venue}, зона: {zone}, {way}",
    en: "The door decides otherwise: {venue}, zone: {zone}, {way}",
  },
  configChanged: {
    kk: "Баптауы {time} өзгертілген",
    ru: "Настройки изменены {time}",
    en: "Its settings were changed {time}",
  },
  asksToRenew: {
    kk: "Тіркеуді ұзартуды сұрап тұр, {time} бастап",
    ru: "Просит продлить регистрацию с {time}",
    en: "Asks to renew since {time}",
  },
  renewalApproved: {
    kk: "Ұзарту расталды, есік күтілуде",
    ru: "Продление подтверждено, ждём дверь",
    en: "Renewal approved, waiting for the door",
  },
  codeUsedTwice: { kk: "Код екі рет пайдаланылды", ru: "Код использован дважды", en: "Code used twice" },
  ...boards,
  revokeDoor: { kk: "Есікті тіркеуден шығару", ru: "Снятие двери с регистрации", en: "Revoke a door" },
  revokeDoorText: {
    kk: "Ұрланған немесе көшірілген карта үшін. Есік жаңа кодпен ғана қайта тіркеледі.",
    ru: "Для украденной или скопированной карты. Вернуть дверь можно только с новым кодом.",
    en: "For a stolen or copied card. The door comes back only with a new code.",
  },
  revokeDoorSure: { kk: "Иә, есік тіркеуден шығарылсын", ru: "Да, снять дверь с регистрации", en: "Yes, revoke this door" },
  revokeDoorButton: { kk: "Тіркеуден шығару", ru: "Снять с регистрации", en: "Revoke" },
  revokeDoorDone: { kk: "Тіркеуден шығарылды: {name}.", ru: "Снята с регистрации: {name}.", en: "Revoked: {name}." },
  doorsTitle: { kk: "Есіктерді тіркеу", ru: "Регистрация дверей", en: "Enrol doors" },
  doorsFormText: {
    kk: "Бар есіктің атауы жазылса, оған жаңа код беріледі; ескі картасы жаңа код пайдаланылғанша жұмыс істейді.",
    ru: "Если дверь с таким названием уже есть, она получит новый код; её старая карта действует, пока новый код не использован.",
    en: "A door that is there already gets a new code; its old card is good until the new code is used.",
  },
  doorsLines: { kk: "Есіктер, әр жолға біреуден", ru: "Двери, по одной в строке", en: "Doors, one a line" },
  doorsExample: { kk: "Атауы; нысан түрі:", ru: "Название; вид объекта:", en: "Name; kind of venue:" },
  venueKinds: { kk: "Нысан түрлері", ru: "Виды объектов", en: "Kinds of venues" },
  badLine: {
    kk: "{n}-жол түсініксіз: «{line}». Үлгісі: атауы; нысан түрі.",
    ru: "Строка {n} непонятна: «{line}». Образец: название; вид объекта.",
    en: "Line {n} is not clear: “{line}”. Write name; kind of venue.",
  },
  zone: { kk: "Аймақ", ru: "Зона", en: "Zone" },
  "way-entry": { kk: "кіру", ru: "вход", en: "entry" },
  "way-exit": { kk: "шығу", ru: "выход", en: "exit" },
  codeDays: { kk: "Код неше күн жарамды", ru: "Сколько дней действует код", en: "Days for which the codes are good" },
  wifi: { kk: "Wi-Fi (міндетті емес)", ru: "Wi-Fi (необязательно)", en: "Wi-Fi (optional)" },
  ssid: { kk: "Желі атауы (SSID)", ru: "Имя сети (SSID)", en: "Network (SSID)" },
  passphrase: { kk: "Құпиясөз", ru: "Пароль", en: "Passphrase" },
  country: { kk: "Ел коды", ru: "Код страны", en: "Country" },
  makeCodes: { kk: "Кодтар жасау", ru: "Создать коды", en: "Make codes" },
  codesSecret: {
    kk: "Кодтар тек осында көрсетіледі. Бетті жаппас бұрын оларды басып шығарыңыз немесе сақтаңыз.",
    ru: "Коды показаны только здесь. Распечатайте или сохраните их, прежде чем закрыть страницу.",
    en: "The codes are shown only here. Print or save them before you close this page.",
  },
  moreDoors: { kk: "Басқа есіктер", ru: "Другие двери", en: "More doors" },
};

// What stands beside each door's code, for whoever mounts the device.
export const codeSheet = [
  {
    lang: "kk",
    until: "Жарамды мерзімі",
    steps: ["Картаны жазып, есіктегі құрылғыға салыңыз.", "Құрылғыны қосып, осы кодты оның камерасына көрсетіңіз."],
    secret: "Код бір рет қана жарайды. Пайдаланылғанша оны ешкімге көрсетпеңіз.",
  },
  {
    lang: "ru",
    until: "Действует до",
    steps: ["Запишите карту и вставьте её в устройство у двери.", "Включите устройство и поднесите этот код к его камере."],
    secret: "Код одноразовый. Никому его не показывайте, пока он не использован.",
  },
  {
    lang: "en",
    until: "Valid until",
    steps: ["Write the card and put it into the device at the door.", "Switch the device on and hold this code to its camera."],
    secret: "The code is good once. Show it to nobody until it has been used.",
  },
];
