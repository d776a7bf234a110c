// One line about a door's board, as it last said. What is in trouble is marked, and stays text for
// whoever cannot see the mark.

import { el } from "../js/dom.js";
import { span, t } from "../js/i18n.js";

const mega = (bytes) => Math.round(bytes / 1e6).toLocaleString("en-GB").replaceAll(",", "\u00a0");

// Each part of the line, with the trouble that marks it. A part that the board does not tell is
// undefined.
const parts = [
  [(h) => h.board],
  [(h) => h.celsius !== undefined && `${h.celsius} °C`, "hot"],
  [(h) => h.undervoltage && h.undervoltage !== "never" && t(`undervoltage-${h.undervoltage}`), "undervoltage"],
  [(h) => h.throttled && h.throttled !== "never" && t(`throttled-${h.throttled}`), "throttled"],
  [(h) => h.wifi_dbm !== undefined && t("wifiSignal", { n: h.wifi_dbm }), "wifi"],
  [(h) => h.size && t("spaceFree", { free: mega(h.free ?? 0), size: mega(h.size) }), "space"],
  [(h) => h.written && t("cardWritten", { n: mega(h.written), span: span(h.up * 1000) })],
  [(h) => h.life_used !== undefined && t("lifeUsed", { n: h.life_used }), "worn"],
  [(h) => h.restart && t(`restart-${h.restart}`)],
  [(h) => h.faults?.includes("tamper") && t("fault-tamper"), "tamper"],
  [(h) => h.faults?.filter((fault) => fault !== "tamper").map((fault) => t(`fault-${fault}`)).join(", "), "out-of-order"],
  [(h) => h.mirrors?.map(({ host, kind }) => t(`mirror-${kind}`, { host })).join(", "), "mirror"],
];

// healthLine is undefined for a door that has said nothing yet.
export function healthLine({ health }) {
  if (!health) return undefined;
  const line = el("div", { class: "small health" });
  for (const [text, trouble] of parts) {
    const said = text(health);
    if (!said) continue;
    if (line.childNodes.length) line.append(" · ");
    const marked = trouble && health.troubles?.includes(trouble);
    line.append(marked ? el("span", { class: "late", "data-trouble": trouble }, `⚠ ${said}`) : said);
  }
  return line;
}
