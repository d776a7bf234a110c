// Venues out of a CSV file: first what it would do, then doing it, and a report of the rows that cannot
// be used.

import { $, el } from "../js/dom.js";
import { t } from "../js/i18n.js";
import { onSubmit } from "./office.js";

const most = 8 * 2 ** 20; // bytes that the registry takes
const listed = 20; // refused rows on the page

export class PlacesFile {
  #gate;
  #regionName;
  #onDone;

  constructor(gate, regionName, onDone) {
    this.#gate = gate;
    this.#regionName = regionName;
    this.#onDone = onDone;
    onSubmit($("file-form"), () => this.#preview());
    $("example").addEventListener("click", () => save("ashyq-venues.csv", table(example)));
  }

  async #preview() {
    const file = $("file").files[0];
    if (!file) throw Object.assign(new Error(t("needFile")), { status: 400 });
    if (file.size > most) throw Object.assign(new Error(t("fileTooLarge")), { status: 400 });
    const answer = await this.#gate.upload("/v1/venues/import?preview=1", file);
    const parts = this.#report(answer, "preview");
    if (answer.new + answer.changed > 0) {
      const button = el("button", { type: "button", class: "main", id: "import" }, t("importButton", { n: answer.new + answer.changed }));
      button.addEventListener("click", () => this.#import(file, button));
      parts.push(button);
    }
    return parts;
  }

  async #import(file, button) {
    button.disabled = true;
    const out = $("file-form").querySelector("output");
    try {
      out.replaceChildren(...this.#report(await this.#gate.upload("/v1/venues/import", file), "imported"));
      $("file-form").reset();
      await this.#onDone();
    } catch (err) {
      out.className = "error";
      out.replaceChildren(err.message, el("br"), err.hint ?? "");
    }
  }

  #report(answer, what) {
    const { refused, regions } = answer;
    const parts = [el("p", {}, el("strong", {}, t(what))), el("ul", { class: "counts" },
      ...["new", "changed", "same", "doors"].map((key) => el("li", { "data-count": key }, t(`count-${key}`, { n: answer[key] }))),
      ...Object.entries(regions).sort().map(([code, n]) => el("li", { class: "small" }, `${this.#regionName(code)}: ${n}`)))];
    if (!refused.length) return parts;
    const button = el("button", { type: "button", class: "plain", id: "report" }, t("report"));
    button.addEventListener("click", () => save("ashyq-refused.csv", table([[t("line"), t("column"), t("reason")], ...refused.map(({ line, field, reason }) => [line, field, reason])])));
    const more = refused.length > listed ? [el("li", {}, t("moreRefused", { n: refused.length - listed }))] : [];
    parts.push(el("p", { class: "late" }, t("refusedRows", { n: refused.length })),
      el("ul", { class: "refused", tabindex: "0", "aria-label": t("report") }, ...refused.slice(0, listed).map(({ line, field, reason }) =>
        el("li", {}, `${t("line")} ${line}${field && `, ${field}`}: ${reason}`)), ...more), el("p", {}, button));
    return parts;
  }
}

// example is a file that can be filled in.
const example = [
  ["БИН", "Название", "Вид объекта", "Регион", "Зона", "Адрес", "Вместимость", "Телефон", "Входы", "Выходы"],
  ["990140000007", "Keruen", "торговый центр", "Алматы", "зелёная", "пр. Абая, 12", "500", "8 701 000 00 00", "Северный|Южный", "1"],
];

// table is a CSV file that spreadsheets in Kazakhstan open: with a byte order mark and semicolons. A
// field that begins like a formula is kept from being one.
function table(rows) {
  const field = (value) => {
    const text = String(value).replace(/^[=@+\-\t]/, (first) => `'${first}`);
    return /[;"\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\ufeff${rows.map((row) => row.map(field).join(";")).join("\r\n")}\r\n`;
}

function save(name, text) {
  const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000); // the browser has it by then
}
