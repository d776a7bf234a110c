// What the source has entered in the last 24 hours, to correct and to withdraw.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, t } from "../js/i18n.js";
import { kindsOf } from "./kinds-of-sources.js";
import { localMinute, onSubmit, trouble } from "./office.js";

const often = 10_000; // ms between two looks

export class Entries {
  #gate;
  #person;
  #name = "";
  #kinds = [];
  #list = [];
  #chosen; // the entry that the dialog is about
  #correcting = false;

  constructor(gate, person) {
    this.#gate = gate;
    this.#person = person;
    onLanguage(() => this.#render());
    $("change-dialog").querySelector("[data-close]").addEventListener("click", () => $("change-dialog").close());
    $("change-kinds").addEventListener("change", () => this.#needIIN());
    onSubmit($("change-form"), (values) => this.#change(values));
    setInterval(() => this.#gate.key && this.#kinds.length && !document.hidden && this.refresh(), often);
  }

  open(source) {
    this.#name = source.name;
    this.#kinds = kindsOf[source.kind];
    this.refresh();
  }

  async refresh() {
    try {
      this.#list = await this.#gate.ask("/v1/records/today");
      $("trouble").replaceChildren();
      this.#render();
    } catch (err) {
      $("trouble").replaceChildren(...trouble(err));
    }
  }

  #render() {
    const focused = document.activeElement?.dataset?.button;
    $("today-count").textContent = this.#list.length || "";
    $("today").replaceChildren(...(this.#list.length ? this.#list.map((entry) => this.#row(entry))
      : [el("tr", {}, el("td", { colspan: "8" }, t("none")))]));
    if (focused) document.querySelector(`[data-button="${focused}"]`)?.focus();
  }

  #row(entry) {
    const live = ["waiting", "in force"].includes(entry.state);
    const cells = [moment(new Date(entry.came)), entry.sample.startsWith("#") ? "" : entry.sample, `…${entry.iin_end}`, t(entry.kind),
      moment(new Date(entry.at)), t(live ? `state-${entry.state}` : `last-${entry.last}`), entry.person === this.#name ? "" : entry.person].map((text) => el("td", {}, text));
    const buttons = !live ? [] : [["correct", true], ["withdraw", false]].map(([name, correcting]) => {
      const button = el("button", { type: "button", class: "plain", "data-button": `${name}-${entry.id}` }, t(name));
      button.addEventListener("click", () => this.#ask(entry, correcting));
      return button;
    });
    return el("tr", live ? {} : { class: "ended" }, ...cells, el("td", {}, ...buttons));
  }

  #ask(entry, correcting) {
    this.#chosen = entry;
    this.#correcting = correcting;
    const form = $("change-form");
    form.reset();
    form.querySelector("output").className = "";
    form.querySelector("output").replaceChildren();
    $("change-title").textContent = t(correcting ? "correctTitle" : "withdrawTitle");
    $("change-text").textContent = t("changeText", {
      what: t("entryOf", { kind: t(entry.kind), sample: entry.sample.startsWith("#") ? moment(new Date(entry.at)) : entry.sample }), end: entry.iin_end,
    });
    $("change-fields").hidden = !correcting;
    $("change-send").textContent = t(correcting ? "correct" : "withdraw");
    $("change-reasons").replaceChildren(...["whyTube", "whyPerson", "whyResult"].map((key) => el("option", { value: t(key) })));
    const legend = $("change-kinds").firstElementChild;
    $("change-kinds").replaceChildren(legend, ...this.#kinds.map((kind) => {
      const input = el("input", { type: "radio", name: "kind", value: kind });
      input.checked = kind === entry.kind;
      return el("label", {}, input, " ", el("span", {}, t(kind)));
    }));
    $("change-at").value = localMinute(new Date(entry.at));
    this.#needIIN();
    $("change-dialog").showModal();
    (correcting ? $("change-kinds").querySelector(":checked") : $("change-why")).focus();
  }

  // needIIN marks the IIN where somebody becomes red: it is typed again, as for any positive result.
  #needIIN() {
    const kind = $("change-form").elements.kind?.value;
    $("change-iin").required = this.#correcting && kind === "positive" && this.#chosen?.kind !== "positive";
  }

  async #change({ kind, iin, at, why }) {
    if (!why.trim()) return this.#stop("change-why", "needWhy");
    const target = { record: this.#chosen.id, why: why.trim(), person: this.#person() };
    if (!this.#correcting) {
      await this.#gate.ask("/v1/records/withdraw", target);
    } else {
      const number = iin.trim();
      if (number || $("change-iin").required) {
        if (!/^[0-9]{12}$/.test(number)) return this.#stop("change-iin", "needIIN");
      }
      const next = { kind, iin: number };
      const time = new Date(at);
      // A field has minutes; what was entered may have seconds.
      if (Math.abs(time - new Date(this.#chosen.at)) >= 60_000) next.at = time.toISOString();
      await this.#gate.ask("/v1/records/correct", { ...target, next });
    }
    $("change-dialog").close();
    await this.refresh();
    return [t("releaseDone")];
  }

  #stop(field, key) {
    $(field).focus();
    throw Object.assign(new Error(t(key)), { status: 400 });
  }
}
