// Words for the people in a venue, on the pages that show them.

export const halls = {
  hallTitle: { kk: "Ішіндегі адамдар", ru: "Люди внутри", en: "People inside" },
  hallOf: { kk: "адам ішінде; сыйымдылығы: {all}", ru: "внутри; вместимость: {all}", en: "inside; capacity: {all}" },
  hallReserved: {
    kk: "Есіктер байланыссыз да кіргізе алады: {n}",
    ru: "Двери могут впустить и без связи: {n}",
    en: "Doors may let in without a network: {n}",
  },
  staffChecks: {
    kk: "Қызметкерлер өз телефонымен 24 сағатта тексерді: {n}, қайтарды: {back}",
    ru: "Проверено телефонами сотрудников за 24 ч: {n}, отказано: {back}",
    en: "Checked with the staff's phones in 24 h: {n}, turned back: {back}",
  },
  empties: { kk: "Нысан босайтын уақыт", ru: "Когда объект пустеет", en: "When everybody has left" },
  emptiesText: {
    kk: "Осы уақытта сан нөлден басталады: есіктен өтпей кеткендер де есептен шығады.",
    ru: "В это время счёт начинается с нуля: уходят и те, кого двери не посчитали.",
    en: "At this time the number begins again at 0: those whom no door has counted have left, too.",
  },
  neverEmpty: { kk: "Тәулік бойы ашық: босамайды", ru: "Открыт круглосуточно: не пустеет", en: "Open day and night: never" },
  save: { kk: "Сақтау", ru: "Сохранить", en: "Save" },
  saved: { kk: "Сақталды.", ru: "Сохранено.", en: "Saved." },
};
