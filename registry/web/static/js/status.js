// One's own status: asked for every half minute while the page is visible and there is a network;
// otherwise the last known one, with its age.

import * as clock from "./clock.js";
import { $, el, sign } from "./dom.js";
import { day, moment, span, t } from "./i18n.js";
import { rotate } from "./pass.js";
import { get, put } from "./store.js";
import { request } from "./wire.js";

const every = 30_000; // ms between two questions
const old = 90_000; // ms after which an answer is "the last known one"
const clockLimit = 6_000; // ms; without a network a phone that is that far behind shows codes that doors do not take any more

const colours = ["red", "yellow", "blue", "green"];

export class StatusCard {
  #pass;
  #known; // {answer, fetched}
  #trouble = ""; // key of a text
  #asking;
  #asked = 0; // when a question was sent last, by performance.now(): the phone's clock may jump
  #onChange;
  #written = "";

  constructor(onChange) {
    this.#onChange = onChange;
    for (const event of ["online", "offline"]) window.addEventListener(event, () => this.#look(true));
    document.addEventListener("visibilitychange", () => this.#look(true));
    setInterval(() => this.#look(false), 1000);
  }

  // withdrawn and suspended are what the registry says of the pass itself, as last known.
  get withdrawn() { return this.#known?.answer.status === "invalid"; }
  get suspended() { return this.#known?.answer.status === "suspended"; }

  async start(pass) {
    this.#pass = pass;
    this.#known = await get("status");
    this.#trouble = "";
    this.#look(true);
    this.render();
  }

  stop() {
    this.#pass = undefined;
  }

  // again asks at once.
  again() {
    this.#look(true);
  }

  #look(now) {
    if (!this.#pass || document.hidden) return;
    if (!navigator.onLine) this.#trouble = "offline";
    else if (now || performance.now() - this.#asked >= every) this.#ask();
    this.render();
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    this.#asked = performance.now();
    const pass = this.#pass;
    let again = false;
    try {
      const code = await rotate(pass.keys.privateKey, pass.credential, clock.now());
      const { answer, clock: time } = await request("/v1/self", { body: { code } });
      clock.learn(time);
      if (pass !== this.#pass) return;
      this.#known = { answer, fetched: Date.now() };
      this.#trouble = "";
      await put({ status: this.#known });
    } catch (err) {
      const changed = clock.learn(err.clock ?? NaN);
      if (pass !== this.#pass) return;
      this.#trouble = trouble(err);
      again = changed && this.#trouble === "notAccepted"; // because of the clock, it may be
    } finally {
      this.#asking = false;
    }
    if (again) return this.#ask();
    this.#onChange();
    this.render();
  }

  // render writes the card; a screen reader only hears of it when the words have changed.
  render() {
    if (!this.#pass) return;
    const view = this.#view();
    const written = JSON.stringify([view, document.documentElement.lang]);
    if (written === this.#written) return;
    this.#written = written;
    const card = $("status");
    card.dataset.colour = view.colour;
    card.dataset.fresh = String(view.fresh);
    $("status-sign").replaceChildren(sign(view.colour));
    for (const part of ["head", "word", "text", "until", "as-of"]) write(`status-${part}`, view[part]);
    $("status-why").replaceChildren(...view.why.map((line) => el("li", {}, line)));
    $("status-why").hidden = view.why.length === 0;
    $("dispute").hidden = !view.disputable;
    write("disputed", view.disputed);
    write("note", view.note);
    write("clock", view.clock);
  }

  #view() {
    const view = { head: t("status"), word: t("unknown"), colour: "none", fresh: false, why: [] };
    view.note = this.#trouble && t(this.#trouble);
    const wrong = Math.abs(clock.error());
    if (wrong > clockLimit) view.clock = t("clock", { span: span(wrong + 500) }); // half a second is how exact it is
    if (!this.#known) {
      if (!this.#trouble) view.word = t("asking");
      return view;
    }
    const { answer, fetched } = this.#known;
    const age = Date.now() - fetched;
    view.fresh = !this.#trouble && age < old;
    if (!view.fresh) view.head = t("lastKnown", { age: t("ago", { span: span(age) }) });
    view["as-of"] = t("asOf", { time: moment(new Date(answer.as_of)) });
    if (answer.until) view.until = t("until", { time: moment(new Date(answer.until)) });
    if (colours.includes(answer.colour)) {
      view.colour = answer.colour;
      view.word = t(answer.colour);
      view.text = t(`${answer.colour}Text`);
      view.why = (answer.reasons ?? []).map(reason);
      view.disputable = ["red", "yellow"].includes(answer.colour) && !answer.disputed;
      view.disputed = answer.disputed && t("disputed");
    } else if (this.suspended) {
      view.word = t("suspendedTitle");
      view.text = t("suspendedText");
    }
    return view;
  }
}

// reason is one record behind the colour, in words.
function reason({ kind, at, source }) {
  return t("reason", { what: t(`what-${kind}`), date: day(new Date(at)), source: t(`by-${source}`) });
}

function write(id, text) {
  $(id).hidden = !text;
  $(id).textContent = text ?? "";
}

function trouble(err) {
  if (err.status === 0 || err.status === undefined) return "offline";
  if (err.status === 429) return "tooMany";
  return err.status >= 500 ? "serverTrouble" : "notAccepted";
}
