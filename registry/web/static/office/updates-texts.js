// The words of /updates, beside those of all pages behind a key.

import { office } from "./texts.js";

export const words = {
  ...office,
  releases: { kk: "Шығарылымдар", ru: "Выпуски", en: "Releases" },
  bundle: { kk: "Жаңарту файлы", ru: "Файл обновления", en: "Bundle" },
  newRelease: { kk: "Жаңарту шығару", ru: "Выпуск обновления", en: "Release an update" },
  newReleaseText: {
    kk: "Топтағы есіктер осы файлды орнатады. Файл атауы бос болса, шығарылым кері қайтарылады.",
    ru: "Двери группы установят этот файл. Если имя файла пустое, выпуск отменяется.",
    en: "The doors of this rollout ring install the bundle. Without a bundle's name the release is taken back.",
  },
  releaseButton: { kk: "Жаңартуды тарату", ru: "Выпустить", en: "Release" },
};
