// The words of /rules, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  rulesTitle: { kk: "Кіру ережелері", ru: "Правила входа", en: "Rules of entry" },
  rulesText: {
    kk: "Есіктер қай түске қай нысанға кіруге рұқсат береді: соңғы жіберілген құжат.",
    ru: "По ним двери решают, с каким статусом куда можно войти: документ, отправленный последним.",
    en: "What lets which colour in where: the document that was sent last.",
  },
  show: { kk: "Көрсету", ru: "Показать", en: "Show" },
  rulesDocument: { kk: "Құжат (JSON)", ru: "Документ (JSON)", en: "Document (JSON)" },
  rulesPublished: { kk: "Жарияланған: есіктер осы ережелерді алады.", ru: "Опубликованы: двери получают эти правила.", en: "Published: doors get these rules." },
  rulesWanted: {
    kk: "Әлі жарияланбаған: есіктерде бұрынғы ережелер.",
    ru: "Ещё не опубликованы: у дверей прежние правила.",
    en: "Not published yet: doors have the rules from before.",
  },
};
