// The words of /staff, beside those of all pages behind a key. What a verdict says comes from the
// registry: it is what a door's screen says.

import { office } from "./texts.js";

export const words = {
  ...office,
  beginTitle: { kk: "Қызметкер телефоны", ru: "Телефон сотрудника", en: "A phone of the staff" },
  beginText: {
    kk: "Есік істен шыққанда қызметкер рұқсаттарды өз телефонымен тексереді. Кодты не сілтемені тек сол қызметкерге беріңіз: ол бір нысанға және ең көбі 12 сағатқа жарайды.",
    ru: "Пока дверь не работает, сотрудник проверяет пропуска своим телефоном. Дайте код или ссылку только ему: она действует для одного объекта и не дольше 12 часов.",
    en: "While a door is out of order, somebody of the staff checks passes with their own phone. Give the code or the link to that person only: it is good for one venue and 12 hours at most.",
  },
  venue: { kk: "Нысан", ru: "Объект", en: "Venue" },
  sessionName: { kk: "Кімге (аты немесе ауысымы)", ru: "Для кого (имя или смена)", en: "For whom (a name or a shift)" },
  hours: { kk: "Неше сағатқа", ru: "На сколько часов", en: "For how many hours" },
  beginSession: { kk: "Сілтеме жасау", ru: "Создать ссылку", en: "Make the link" },
  sessionMade: { kk: "Сілтеме {time} дейін жарамды. Ол тек бір рет көрсетіледі.", ru: "Ссылка действует до {time}. Она показывается один раз.", en: "The link is good until {time}. It is shown only once." },
  sessionLink: { kk: "Қызметкер телефонына арналған сілтеме", ru: "Ссылка для телефона сотрудника", en: "Link for the staff's phone" },
  sessionCode: { kk: "Осы кодты қызметкер телефонының камерасына көрсетіңіз.", ru: "Покажите этот код камере телефона сотрудника.", en: "Hold this code to the camera of the staff's phone." },
  share: { kk: "Жіберу", ru: "Отправить", en: "Send" },
  sessionsTitle: { kk: "Жүріп жатқан сеанстар", ru: "Действующие сеансы", en: "Sessions that last" },
  noSessions: { kk: "Қазір сеанс жоқ.", ru: "Сейчас сеансов нет.", en: "There are no sessions now." },
  endSession: { kk: "Аяқтау", ru: "Завершить", en: "End" },
  sessionUntil: { kk: "Сеанс {time} дейін", ru: "Сеанс до {time}", en: "Session until {time}" },
  cameraPicture: { kk: "Камера суреті", ru: "Изображение камеры", en: "The camera's picture" },
  startCamera: { kk: "Камераны қосу", ru: "Включить камеру", en: "Start the camera" },
  stopCamera: { kk: "Камераны өшіру", ru: "Выключить камеру", en: "Stop the camera" },
  cameraStarts: { kk: "Камера қосылып жатыр…", ru: "Камера включается…", en: "The camera is starting…" },
  noCamera: {
    kk: "Камера қосылмады. Браузерге камераны пайдалануға рұқсат беріңіз немесе кодты қол сканерімен оқытыңыз.",
    ru: "Камера не включилась. Разрешите браузеру камеру или считайте код ручным сканером.",
    en: "The camera did not start. Let the browser use it, or read the code with a hand scanner.",
  },
  notSecure: {
    kk: "Бұл мекенжайда браузер камераны бермейді: бетті https:// арқылы ашыңыз.",
    ru: "По этому адресу браузер не даёт камеру: откройте страницу через https://.",
    en: "At this address the browser gives no camera: open the page with https://.",
  },
  noReader: {
    kk: "Бұл браузер кодтарды оқи алмайды. Браузерді жаңартыңыз немесе қол сканерін қолданыңыз.",
    ru: "Этот браузер не читает коды. Обновите браузер или возьмите ручной сканер.",
    en: "This browser cannot read codes. Update it, or use a hand scanner.",
  },
  codeField: { kk: "Рұқсат коды", ru: "Код пропуска", en: "Code of a pass" },
  codeText: { kk: "Қол сканері кодты осында жазады.", ru: "Ручной сканер впишет код сюда.", en: "A hand scanner writes the code here." },
  check: { kk: "Тексеру", ru: "Проверить", en: "Check" },
  next: { kk: "Келесі адам", ru: "Следующий", en: "Next person" },
  insideTitle: { kk: "Ішіндегі адамдар", ru: "Людей внутри", en: "People inside" },
  insideOf: { kk: "{n} / {all}", ru: "{n} из {all}", en: "{n} of {all}" },
  oneLeft: { kk: "−1: біреу шықты", ru: "−1: вышел", en: "−1: one left" },
  oneCame: { kk: "+1: біреу кірді", ru: "+1: вошёл", en: "+1: one came" },
  counted: { kk: "Санап шықтыңыз ба? Нақты саны", ru: "Пересчитали? Точное число", en: "Counted them? The exact number" },
  setCount: { kk: "Санын жазу", ru: "Записать число", en: "Set the number" },
  countSet: { kk: "Жазылды", ru: "Записано", en: "Set" },
  checked: { kk: "24 сағатта телефонмен тексерілді: {n}", ru: "Проверено телефоном за 24 часа: {n}", en: "Checked by phone in 24 hours: {n}" },
  "page-staff": { kk: "Қызметкер телефоны", ru: "Телефон сотрудника", en: "Staff's phone" },
};
