// The words of /paper, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  holder: { kk: "Аты-жөні (міндетті емес)", ru: "ФИО (необязательно)", en: "Name (optional)" },
  holderText: {
    kk: "Тек қағазға басылады, ешқайда жіберілмейді.",
    ru: "Только печатается на листе, никуда не отправляется.",
    en: "Only printed on the sheet, never sent anywhere.",
  },
};

// The sheet is for everybody who may look at it, so it is written in all languages at once.
export const sheet = [
  {
    lang: "kk",
    title: "Қағаз рұқсатнама",
    until: "Жарамды мерзімі",
    text: "Кодты кіреберістегі камераға көрсетіңіз. Код өзгермейді: көшірмесі де осы күнге дейін жарайды. Парақты ешкімге бермеңіз, " +
      "суретке түсірткізбеңіз. Кейбір орындар қағазды қабылдамайды. Жоғалтсаңыз немесе көшірілсе, тіркелген жеріңізге айтыңыз: " +
      "күші жойылып, жаңасы беріледі.",
  },
  {
    lang: "ru",
    title: "Бумажный пропуск",
    until: "Действует до",
    text: "Покажите код камере у входа. Код не меняется: копия тоже действует до этой даты. Никому не давайте лист и не " +
      "позволяйте его снимать. Некоторые места бумагу не принимают. Если он потерян или скопирован, сообщите туда, где вас " +
      "зарегистрировали: его отзовут и выдадут новый.",
  },
  {
    lang: "en",
    title: "Printed pass",
    until: "Valid until",
    text: "Hold the code to the camera at the entrance. The code stays the same: a copy works until this date, too. Give the sheet " +
      "to nobody and let nobody photograph it. Some places do not take paper. If it is lost or copied, tell the place where " +
      "you registered: it is revoked, and you get a new one.",
  },
];
