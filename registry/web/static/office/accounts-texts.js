// The words of /accounts, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  accounts: { kk: "Тіркелгілер", ru: "Учётные записи", en: "Accounts" },
  account: { kk: "Тіркелгі", ru: "Учётная запись", en: "Account" },
  role: { kk: "Рөлі", ru: "Роль", en: "Role" },
  "role-national": { kk: "Республикалық әкімші", ru: "Республиканский администратор", en: "National administrator" },
  "role-regional": { kk: "Өңірлік әкімші", ru: "Региональный администратор", en: "Regional administrator" },
  "role-owner": { kk: "Нысан иесі", ru: "Владелец объекта", en: "Venue's owner" },
  "role-staff": { kk: "Нысан қызметкері", ru: "Сотрудник объекта", en: "Venue's staff" },
  of: { kk: "Қайда", ru: "Где", en: "Where" },
  venueNumber: { kk: "{id}-нысан", ru: "Объект {id}", en: "Venue {id}" },
  newest: { kk: "Ең жаңалары", ru: "Самые новые", en: "The newest" },
  older: { kk: "Ескілері", ru: "Более старые", en: "Older ones" },
  choose: { kk: "Таңдаңыз", ru: "Выберите", en: "Choose" },
  created: { kk: "Ашылған", ru: "Создана", en: "Created" },
  active: { kk: "Жұмыс істейді", ru: "Действует", en: "Active" },
  endsAt: { kk: "Аяқталатын уақыты: {time}", ru: "Действует до {time}", en: "Ends: {time}" },
  endedAt: { kk: "Аяқталған уақыты: {time}", ru: "Прекращена: {time}", en: "Ended: {time}" },
  newAccount: { kk: "Жаңа тіркелгі", ru: "Новая учётная запись", en: "New account" },
  newAccountText: {
    kk: "Әр адамға өз тіркелгісін ашыңыз. Өңірлік әкімші ашқан иесі тек сол өңірдегі нысандарын көреді.",
    ru: "Создайте для каждого человека свою запись. Владелец, созданный в регионе, видит только свои объекты этого региона.",
    en: "Give each person an account of their own. An owner whom a region's administrator adds sees the own venues in that region only.",
  },
  staffSessions: { kk: "Қызметкердің ауысымын бастау", ru: "Начать смену сотрудника", en: "Begin a staff session" },
  whose: { kk: "Кімдікі: аты-жөні", ru: "Чья: фамилия и имя", en: "Whose: the person's name" },
  bin: { kk: "БСН (12 сан)", ru: "БИН (12 цифр)", en: "BIN (12 digits)" },
  create: { kk: "Ашу", ru: "Создать", en: "Create" },
  keyOnce: {
    kk: "Кілт тек бір рет көрсетіледі. Оны осы адамның өзіне беріңіз.",
    ru: "Ключ показывается один раз. Передайте его самому человеку.",
    en: "The key is shown once. Hand it to that person.",
  },
  revokeAccount: { kk: "Тіркелгіні жабу", ru: "Закрыть учётную запись", en: "Revoke an account" },
  revokeAccountText: {
    kk: "Кілт бірден жұмысын тоқтатады. Жасалған жазбалардағы аты қалады.",
    ru: "Ключ сразу перестаёт действовать. Имя в сделанных записях остаётся.",
    en: "The key stops working at once. The name stays beside what this person has done.",
  },
  revokeAccountSure: { kk: "Иә, жабылсын", ru: "Да, закрыть", en: "Yes, revoke it" },
  revokeAccountButton: { kk: "Жабу", ru: "Закрыть", en: "Revoke" },
  revokeAccountDone: { kk: "Тіркелгі жабылды.", ru: "Учётная запись закрыта.", en: "The account is revoked." },
};
