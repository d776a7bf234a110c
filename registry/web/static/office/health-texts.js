// The words about a door's board, and about renewing its enrolment.

export const boards = {
  "undervoltage-past": { kk: "кернеу төмендеген", ru: "напряжение проседало", en: "the voltage was low" },
  "undervoltage-now": { kk: "кернеу төмен", ru: "низкое напряжение", en: "the voltage is low" },
  "throttled-past": { kk: "процессор баяулатылған", ru: "процессор замедлялся", en: "the processor was slowed down" },
  "throttled-now": { kk: "процессор баяулатылып тұр", ru: "процессор замедлен", en: "the processor is slowed down" },
  wifiSignal: { kk: "Wi-Fi {n} дБм", ru: "Wi-Fi {n} дБм", en: "Wi-Fi {n} dBm" },
  spaceFree: { kk: "{size} МБ-тың {free} МБ бос", ru: "свободно {free} из {size} МБ", en: "{free} of {size} MB free" },
  cardWritten: { kk: "{span} ішінде картаға {n} МБ жазылды", ru: "записано на карту {n} МБ за {span}", en: "{n} MB written to the card in {span}" },
  "fault-tamper": { kk: "корпус ашық", ru: "корпус открыт", en: "case open" },
  "fault-output-fault": { kk: "шам не реле істемейді", ru: "не работают лампа или реле", en: "a lamp or the relay does not work" },
  "fault-camera": { kk: "камера істемейді", ru: "не работает камера", en: "the camera does not work" },
  "fault-clock": { kk: "уақыты белгісіз", ru: "не знает времени", en: "does not know the time" },
  "fault-unapproved": { kk: "жаңартуға рұқсат күтеді", ru: "ждёт разрешения продлить сертификат", en: "waits for its renewal to be approved" },
  lifeUsed: { kk: "жад ресурсының {n} %-ы жұмсалды", ru: "израсходовано {n} % ресурса памяти", en: "{n} % of the memory's life used" },
  "restart-ordered": { kk: "тоқтатылып, қайта қосылды", ru: "перезапуск: обычный", en: "restarted in order" },
  "restart-update": { kk: "жаңартудан кейін қайта қосылды", ru: "перезапуск: обновление", en: "restarted for an update" },
  "restart-power": { kk: "ток үзілгеннен кейін қайта қосылды", ru: "перезапуск: отключение питания", en: "restarted after a power cut" },
  "restart-watchdog": { kk: "күзет таймері қайта қосты", ru: "перезапуск: сторожевой таймер", en: "restarted by the watchdog" },
  "restart-crash": { kk: "бағдарлама істен шығып, қайта қосылды", ru: "перезапуск: сбой программы", en: "restarted after a crash" },
  approveSure: {
    kk: "{name}: есік ұзақ байланыста болмаған. Құрылғы өз орнында ма? Тіркеу ұзартылсын ба?",
    ru: "{name}: двери долго не было на связи. Устройство на своём месте? Продлить регистрацию?",
    en: "{name}: the door was away for long. Is the device where it belongs? Renew its enrolment?",
  },
};
