// The words of /admin, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  settleThem: { kk: "Шешім қабылдау", ru: "Рассмотреть", en: "Settle them" },
  decideThem: { kk: "Шешім қабылдау", ru: "Рассмотреть", en: "Decide on them" },
  published: { kk: "Жарияланғаны: {age}", ru: "Опубликована {age}", en: "Published {age}" },
  citizens: { kk: "Азаматтар", ru: "Граждане", en: "Citizens" },
  onHold: { kk: "Тоқтатылған рұқсатнамалар: {n}", ru: "Приостановлено пропусков: {n}", en: "Suspended passes: {n}" },
  byStatus: { kk: "Мәртебелер бойынша", ru: "По статусам", en: "By status" },
  disagreements: { kk: "Қайшылықтар", ru: "Расхождения", en: "Disagreements" },
  restored: {
    kk: "Тізілім {time} сақтық көшірмеден қалпына келтірілді. Одан кейінгі жазбалар жоғалды. Әр зертхана, портал және " +
      "орталық содан бері жіберген жазбаларын қайта жіберсін. Соған дейін есіктер деректерді сол уақыттікі деп көрсетеді.",
    ru: "Реестр восстановлен из резервной копии от {time}. Записи, сделанные после неё, утрачены. Каждая лаборатория, " +
      "портал и центр должны отправить их ещё раз. До этого двери показывают, что данные на то время.",
    en: "This registry was restored from a backup of {time}. Records that came after it are lost. Each laboratory, portal and " +
      "centre has to send them again. Until then doors show data of that time.",
  },
  confirmRestored: { kk: "Бәрі қайта жіберді", ru: "Все отправили ещё раз", en: "All have sent again" },
  restoredSure: {
    kk: "Барлық дереккөз қайта жіберді ме? Бұдан кейін есіктер деректерді жаңа деп санайды.",
    ru: "Все источники отправили записи ещё раз? После этого двери будут считать данные свежими.",
    en: "Have all sources sent again? From then on, doors take the data for fresh.",
  },
};
