// Files of records: sending one, watching how far the registry is with it, and fetching the rows
// that it refused. The registry keeps on reading when this page is closed.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, t } from "../js/i18n.js";
import { onSubmit } from "./office.js";

const most = 64 * 2 ** 20; // bytes that the registry takes
const often = 1_000; // ms between two looks at a file that is being read

export class Uploads {
  #gate;
  #person;
  #onEnd;
  #kind = "";
  #list = [];
  #timer;

  constructor(gate, person, onEnd) {
    this.#gate = gate;
    this.#person = person;
    this.#onEnd = onEnd;
    onLanguage(() => this.#render());
    onSubmit($("file-form"), () => this.#send());
  }

  open(kind) {
    this.#kind = kind;
    if (kind === "vaccination-register") return;
    this.#watch();
  }

  async #send() {
    const file = $("file").files[0];
    if (!file) throw Object.assign(new Error(t("needFile")), { status: 400 });
    if (file.size > most) throw Object.assign(new Error(t("fileTooLarge")), { status: 400 });
    await this.#gate.upload(`/v1/imports?person=${encodeURIComponent(this.#person())}`, file);
    $("file-form").reset();
    this.#watch();
    return [t("fileSent")];
  }

  // watch looks until nothing is being read any more. No network is no reason to give up.
  async #watch() {
    clearTimeout(this.#timer);
    const before = this.#running();
    try {
      this.#list = (await this.#gate.ask("/v1/imports")).imports;
      this.#render();
    } catch (err) {
      if (err.status === 401) return;
    }
    if (this.#running()) {
      this.#timer = setTimeout(() => this.#watch(), often);
    } else if (before) {
      $("file-form").querySelector("output").className = "";
      $("file-form").querySelector("output").replaceChildren();
      this.#onEnd();
    }
  }

  #running() { return this.#list.some((file) => file.state === "running"); }

  #render() {
    $("columns").textContent = this.#kind ? t(`columns-${this.#kind}`) : "";
    $("imports").replaceChildren(...this.#list.slice(0, 3).map((file) => this.#one(file)));
  }

  #one(file) {
    const parts = [el("p", {}, el("strong", {}, t(`import-${file.state}`, { line: file.line })), ` ${moment(new Date(file.started))}, ${file.person}`)];
    if (file.state === "running") {
      parts.push(el("progress", { max: String(file.size), value: String(file.done), "aria-label": t("fileTitle") }));
    }
    parts.push(el("p", { class: "small" }, t("importCounts", file)));
    if (file.reason) parts.push(el("p", { class: "error" }, file.reason));
    if (file.refused > 0) {
      const button = el("button", { type: "button", class: "plain" }, t("report"));
      button.addEventListener("click", () => this.#download(file.id));
      parts.push(button);
    }
    return el("div", { class: "import", "data-state": file.state }, ...parts);
  }

  async #download(id) {
    const text = await this.#gate.download(`/v1/imports/${id}/refused.csv`);
    const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    el("a", { href, download: `ashyq-refused-${id}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }
}
