// What a page shows of the registry, asked for again every two seconds while somebody looks.

import { $, el } from "../js/dom.js";
import { onLanguage, span, t } from "../js/i18n.js";

const every = 2000; // ms

// Overview asks for what is at a path and has it rendered, also in another language.
export class Overview {
  #gate;
  #path;
  #render;
  #received = 0;
  #error;
  known; // the newest answer; undefined before the first

  // path is a function: what is asked for may change.
  constructor(gate, path, render) {
    this.#gate = gate;
    this.#path = path;
    this.#render = render;
    onLanguage(() => this.#show());
    this.#loop();
  }

  async #loop() {
    if (this.#gate.key && !document.hidden) await this.refresh();
    setTimeout(() => this.#loop(), every);
  }

  async refresh() {
    const path = this.#path();
    try {
      const known = await this.#gate.ask(path);
      if (path !== this.#path()) return; // somebody went on meanwhile
      this.known = known;
      this.#received = Date.now();
      this.#error = undefined;
    } catch (err) {
      this.#error = err;
    }
    this.#show();
  }

  #show() {
    $("outdated").hidden = !this.#error;
    if (this.#error) $("outdated").textContent = t("outdated", { error: this.#error.message, age: ago(this.#received) });
    if (this.known) this.#render(this.known);
  }
}

export const ago = (time) => t("ago", { span: span(Date.now() - time) });

export const warning = (key, values) => el("span", { class: "late" }, `⚠ ${t(key, values)}`);

// fill writes rows into a table's body; numbers stand to the right. What is below a row takes its
// whole width.
export function fill(name, rows, below = []) {
  $(`${name}-count`).textContent = rows.length;
  const cells = (row) => row.map((cell) => el("td", typeof cell === "number" ? { class: "number" } : {}, cell));
  const empty = () => el("tr", {}, el("td", { colspan: "10", class: "small" }, t("none")));
  const both = (row, i) => [el("tr", {}, ...cells(row)), ...(below[i] ? [el("tr", { class: "below" }, el("td", { colspan: "10" }, below[i]))] : [])];
  $(name).replaceChildren(...(rows.length ? rows.flatMap(both) : [empty()]));
}
