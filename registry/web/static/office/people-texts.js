// The words of /people, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  paperTitle: { kk: "Қағаз рұқсатнама", ru: "Бумажный пропуск", en: "Printed pass" },
  hold: { kk: "Рұқсатнаманы уақытша тоқтату", ru: "Приостановка пропусков", en: "Suspend passes" },
  holdText: {
    kk: "Тоқтатылған рұқсатнамамен есіктен өтуге болмайды. Оны жалғастыруға болады.",
    ru: "С приостановленным пропуском дверь просит обратиться к персоналу. Действие можно возобновить.",
    en: "With a suspended pass the door asks to see the staff. It can be resumed.",
  },
  suspendDone: { kk: "Рұқсатнамалар тоқтатылды.", ru: "Пропуска приостановлены.", en: "The passes are suspended." },
  resumeDone: { kk: "Рұқсатнамалар қайта жарамды.", ru: "Пропуска снова действуют.", en: "The passes are valid again." },
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
  revokeText: {
    kk: "Азаматтың барлық рұқсатнамасының күші жойылады. Оны қайтару мүмкін емес.",
    ru: "Отзывает все пропуска гражданина. Отменить это нельзя.",
    en: "Revokes all passes of a citizen. This cannot be undone.",
  },
  sure: { kk: "Иә, барлығының күші жойылсын", ru: "Да, отозвать все", en: "Yes, revoke all of them" },
  revokeButton: { kk: "Күшін жою", ru: "Отозвать", en: "Revoke" },
  revokeDone: { kk: "Рұқсатнамалардың күші жойылды.", ru: "Пропуска отозваны.", en: "The passes were revoked." },
};
