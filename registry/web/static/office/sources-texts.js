// The words of /sources, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  last: { kk: "Соңғысы", ru: "Последняя", en: "Latest" },
  create: { kk: "Қосу", ru: "Добавить", en: "Add" },
  newSource: { kk: "Жаңа дереккөз", ru: "Новый источник", en: "New source" },
  newSourceText: {
    kk: "Зертханаға немесе Covid-19 басқару орталығына жазба жіберетін кілт береді.",
    ru: "Выдаёт лаборатории или центру управления COVID-19 ключ для отправки записей.",
    en: "Gives a laboratory or the Covid-19 centre the key to send records with.",
  },
  "source-active": { kk: "Жұмыс істейді", ru: "Действует", en: "Active" },
  "source-suspended": { kk: "Тоқтатылған", ru: "Приостановлен", en: "Suspended" },
  "source-revoked": { kk: "Кілттің күші жойылған", ru: "Ключ отозван", en: "Key revoked" },
  hourly: { kk: "Сағатына", ru: "В час", en: "Per hour" },
  waitingSince: { kk: "{n}, {time} бері", ru: "{n}, с {time}", en: "{n}, since {time}" },
  sourceKeyTitle: { kk: "Дереккөздің кілті", ru: "Ключ источника", en: "A source's key" },
  sourceKeyText: {
    kk: "Тоқтатылған дереккөзден жазба қабылданбайды. Жаңа кілт ескісін бірден ауыстырады. Күші жойылған кілт қайтарылмайды, жаңа кілт керек.",
    ru: "От приостановленного источника записи не принимаются. Новый ключ сразу заменяет старый. Отозванный ключ вернуть нельзя, нужен новый.",
    en: "Records of a suspended source are refused. A new key replaces the old one at once. A revoked key does not come back; the source needs a new one.",
  },
  rotateButton: { kk: "Жаңа кілт", ru: "Новый ключ", en: "New key" },
  revokeKeyButton: { kk: "Кілттің күшін жою", ru: "Отозвать ключ", en: "Revoke the key" },
  suspendSourceDone: { kk: "Тоқтатылды: {name}.", ru: "Приостановлен: {name}.", en: "Suspended: {name}." },
  resumeSourceDone: { kk: "Тоқтату аяқталды: {name}.", ru: "Приостановка снята: {name}.", en: "No longer suspended: {name}." },
  revokeSourceDone: { kk: "Кілттің күші жойылды: {name}.", ru: "Ключ отозван: {name}.", en: "Key revoked: {name}." },
  decideTitle: { kk: "Күтіп тұрған жазбалар", ru: "Ожидающие записи", en: "Waiting records" },
  decideText: {
    kk: "Шешім осы дереккөздің күтіп тұрған барлық жазбасына қатысты. Жойылған жазбаны қайтару мүмкін емес.",
    ru: "Решение относится ко всем ожидающим записям этого источника. Удалённые записи вернуть нельзя.",
    en: "The decision is about all waiting records of this source. Discarded ones cannot be brought back.",
  },
  decideSure: { kk: "Иә, осы жазбаларды қарап шықтым", ru: "Да, эти записи проверены", en: "Yes, I have looked at these records" },
  approveButton: { kk: "Барлығын есепке алу", ru: "Учесть все", en: "Approve all" },
  discardButton: { kk: "Барлығын жою", ru: "Удалить все", en: "Discard all" },
  approveDone: { kk: "Есепке алынған жазбалар: {n}.", ru: "Учтено записей: {n}.", en: "Records approved: {n}." },
  discardDone: { kk: "Жойылған жазбалар: {n}.", ru: "Удалено записей: {n}.", en: "Records discarded: {n}." },
  limitTitle: { kk: "Сағаттық шек", ru: "Предел на час", en: "Limit for an hour" },
  limitText: {
    kk: "Бір сағатта осынша оң нәтиже мен байланыс және осынша ауырып жазылған мен екпе алған бірден есепке алынады. Қалғандары сіздің шешіміңізді күтеді.",
    ru: "Столько положительных результатов и контактов, и столько же выздоровевших и вакцинированных за час учитывается сразу. Остальные ждут вашего решения.",
    en: "So many positive results and contacts count at once in an hour, and as many recovered and vaccinated people. All others wait for your decision.",
  },
  limitButton: { kk: "Сақтау", ru: "Сохранить", en: "Save" },
  key: { kk: "Кілт (бір рет қана көрсетіледі)", ru: "Ключ (показывается только один раз)", en: "Key (shown only once)" },
};
