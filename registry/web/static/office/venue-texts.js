// The words of /venue, beside those of all pages behind a key.

import { halls } from "./hall-texts.js";
import { office } from "./texts.js";

export const words = {
  ...office,
  ...halls,
  mineTitle: { kk: "Менің нысандарым", ru: "Мои объекты", en: "My venues" },
  noVenues: {
    kk: "Бұл БСН-мен нысан тіркелмеген. Өңір әкімшісіне хабарласыңыз.",
    ru: "С этим БИН объекты не зарегистрированы. Обратитесь к администратору региона.",
    en: "No venue is registered with this BIN. Ask the administrator of your region.",
  },
  openVenue: { kk: "Толығырақ", ru: "Подробнее", en: "Details" },
  back: { kk: "Артқа", ru: "Назад", en: "Back" },
  doors: { kk: "Есіктер", ru: "Двери", en: "Doors" },
  doorsIn: { kk: "Есіктер: {n}", ru: "Дверей: {n}", en: "Doors: {n}" },
  checksOf: { kk: "24 сағаттағы тексерулер: {n}, қайтарылғандар: {back}", ru: "Проверок за 24 ч: {n}, отказано: {back}", en: "Checks in 24 h: {n}, turned back: {back}" },
  silentDoors: { kk: "Байланыста емес: {n}", ru: "Не на связи: {n}", en: "Silent: {n}" },
  waitingDoors: { kk: "Құрылғысын күтіп тұр: {n}", ru: "Ждут устройство: {n}", en: "Wait for their device: {n}" },
  troubleDoors: { kk: "Ақауы бар: {n}", ru: "С неисправностью: {n}", en: "In trouble: {n}" },
  "way-entry": { kk: "Кіру", ru: "Вход", en: "Entry" },
  "way-exit": { kk: "Шығу", ru: "Выход", en: "Exit" },
  doorWorks: { kk: "Істеп тұр", ru: "Работает", en: "Works" },
  doorWaits: { kk: "Құрылғысын күтіп тұр", ru: "Ждёт устройство", en: "Waits for its device" },
  doorRevoked: { kk: "Күші жойылған", ru: "Отозвана", en: "Revoked" },
  doorCopied: { kk: "Карта көшірілген: өңір әкімшісіне хабарласыңыз", ru: "Карта скопирована: сообщите администратору региона", en: "Card copied: tell the administrator of your region" },
  silentSince: { kk: "Байланыс жоқ: {age}", ru: "Нет связи: {age}", en: "Silent for {age}" },
  neverSeen: { kk: "Әлі байланысқа шыққан жоқ", ru: "Ещё не выходила на связь", en: "Never seen" },
  "trouble-hot": { kk: "Қызып кетті", ru: "Перегрев", en: "Too hot" },
  "trouble-undervoltage": { kk: "Қорек кернеуі төмен", ru: "Низкое напряжение питания", en: "Undervoltage" },
  "trouble-throttled": { kk: "Процессор баяулаған", ru: "Процессор замедлен", en: "The processor is slowed down" },
  "trouble-space": { kk: "Жадта орын аз", ru: "Мало места в памяти", en: "Little space left" },
  "trouble-worn": { kk: "Жад тозған", ru: "Память изношена", en: "The memory is worn out" },
  "trouble-wifi": { kk: "Wi-Fi сигналы әлсіз", ru: "Слабый сигнал Wi-Fi", en: "Weak Wi-Fi" },
  "trouble-tamper": { kk: "Корпусы ашылған", ru: "Вскрыт корпус", en: "Case opened" },
  "trouble-out-of-order": { kk: "Істемейді: экранын қараңыз", ru: "Неисправна: смотрите её экран", en: "Out of order: see its screen" },
  hoursTitle: { kk: "Сағат бойынша тексерулер", ru: "Проверки по часам", en: "Checks by hour" },
  hour: { kk: "Сағат", ru: "Час", en: "Hour" },
  otherCounts: { kk: "Басқа", ru: "Прочее", en: "Other" },
  chart: { kk: "Диаграмма", ru: "Диаграмма", en: "Chart" },
  noCounts: { kk: "Соңғы екі тәулікте тексеру болған жоқ.", ru: "За двое суток проверок не было.", en: "No checks in the last two days." },
  countsOnly: {
    kk: "Мұнда тек сандар көрсетіледі: тізілім кімнің келгенін білмейді.",
    ru: "Здесь только числа: кто приходил, реестр не знает.",
    en: "There are only numbers here: the registry does not know who came.",
  },
};
