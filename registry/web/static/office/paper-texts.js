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
