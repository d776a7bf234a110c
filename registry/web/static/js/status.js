// One's own status, while the page is visible and there is a network; otherwise the last known one,
// with its age. The registry keeps a question until there is news. Where an answer comes at once,
// because too many wait or something on the way does not, the page asks every half minute.

import * as clock from "./clock.js";
import * as days from "./days.js";
import { $, el, sign } from "./dom.js";
import { day, moment, span, t } from "./i18n.js";
import { selfCheck } from "./pass.js";
import { get, put } from "./store.js";
import { request, toBase64url } from "./wire.js";

const every = 30_000; // ms between two questions that are answered at once
const longest = 50; // s that the registry may keep a question; proxies often cut it off after 60 s
const shortest = 6; // s; for less than that it is not worth it
const least = 1_000; // ms between two questions, whatever the answers
const old = 90_000; // ms after which an answer is "the last known one"
const clockLimit = 6_000; // ms; without a network a phone that is that far behind shows codes that doors do not take any more

const colours = ["red", "yellow", "blue", "green"];

export class StatusCard {
  #pass;
  #known; // {answer, fetched}
  #trouble = ""; // key of a text
  #question; // the one that is being asked: {seen, asked, steady, gone}
  #seen = ""; // state of the answer that a question may wait for a change of
  #wait = longest; // s
  #due = 0; // when to ask next, by performance.now(): the phone's clock may jump
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

  // newPhone is when another phone got a pass of this person, ms; 0: no phone did.
  get newPhone() { return Date.parse(this.#known?.answer.new_phone) || 0; }

  async start(pass) {
    this.stop();
    this.#pass = pass;
    this.#known = await get(`status-${pass.id}`);
    this.#trouble = "";
    this.#look(true);
    this.render();
  }

  stop() {
    this.#letGo(true);
    this.#pass = this.#known = undefined;
    this.#seen = "";
  }

  // again asks at once.
  again() {
    this.#look(true);
  }

  #look(now) {
    if (!this.#pass) return;
    if (this.#question && clock.jumpedSince(this.#question.steady)) now = true; // codes need the registry's time again
    if (now || document.hidden || !navigator.onLine) this.#letGo();
    if (document.hidden) return;
    if (!navigator.onLine) this.#trouble = "offline";
    else if (now) {
      [this.#seen, this.#wait] = ["", longest];
      this.#ask();
    } else if (performance.now() >= this.#due) this.#ask();
    this.render();
  }

  // letGo gives up a question that the registry keeps, or whichever there is.
  #letGo(any = false) {
    if (!this.#question || !(any || this.#question.seen)) return;
    this.#question.gone.abort();
    this.#question = undefined;
    this.#due = 0;
  }

  async #ask() {
    if (this.#question) return;
    const question = { seen: this.#seen, asked: performance.now(), steady: clock.sinceSteady(), gone: new AbortController() };
    this.#question = question;
    const pass = this.#pass;
    const wait = question.seen ? this.#wait : 0;
    let pause = every;
    try {
      const self = toBase64url(await selfCheck(pass.phone, clock.now()));
      const body = wait ? { self, seen: question.seen, wait } : { self };
      const { answer, clock: time } = await request("/v1/self", { body, wait: wait * 1000, gone: question.gone });
      if (question !== this.#question) return;
      clock.learn(time);
      this.#known = { answer, fetched: Date.now() };
      this.#trouble = "";
      this.#seen = this.#wait >= shortest ? (answer.state ?? "") : "";
      const kept = performance.now() - question.asked >= (shortest * 1000) / 2;
      if (this.#seen && (this.#seen !== question.seen || kept)) pause = least;
      await put({ [`status-${pass.id}`]: this.#known }).catch(() => {}); // without space it is known as long as the page is open
    } catch (err) {
      if (question !== this.#question) return;
      const changed = clock.learn(err.clock ?? NaN);
      const kept = wait && performance.now() - question.asked >= (shortest * 1000) / 2;
      if (kept) this.#wait = Math.floor(this.#wait / 2); // cut off: that alone is no trouble
      else this.#trouble = trouble(err);
      this.#seen = "";
      // Because of the clock it may be that the request was not accepted.
      if (kept || (changed && this.#trouble === "notAccepted")) pause = least;
    } finally {
      if (question === this.#question) this.#question = undefined;
    }
    this.#due = question.asked + pause;
    setTimeout(() => this.#look(false), this.#due - performance.now());
    this.render();
    this.#onChange();
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
    const words = this.#trouble === "offline" && days.left(this.#pass.id) === 0 ? "noNetwork" : this.#trouble;
    view.note = words && t(words);
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
