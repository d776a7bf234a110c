// The code on the screen: a new one at each full period, with a bar that says how long it still
// stands.

import * as clock from "./clock.js";
import * as days from "./days.js";
import { draw } from "./draw.js";
import { dayOf, period, rotate } from "./pass.js";
import { encode } from "./qr.js";

const look = 250; // ms between two looks at the clock: it can jump, and the phone can have slept

export class Rotation {
  #canvas;
  #bar;
  #id; // of the pass
  #slot; // number of the period that the shown code belongs to
  #symbol;
  #timer;

  constructor(canvas, bar) {
    this.#canvas = canvas;
    this.#bar = bar;
    new ResizeObserver(() => this.#paint()).observe(canvas.parentElement);
    document.addEventListener("visibilitychange", () => this.#look());
  }

  // start shows the codes of the pass with that id.
  start(id) {
    this.stop();
    this.#id = id;
    this.#timer = setInterval(() => this.#look(), look);
    return this.#look();
  }

  // again looks at once whether there is a credential for today.
  again() {
    if (!this.#symbol) this.#slot = undefined;
    return this.#look();
  }

  stop() {
    clearInterval(this.#timer);
    this.#id = this.#slot = undefined;
    this.#show(undefined);
  }

  async #look() {
    if (!this.#id || document.hidden) return;
    const now = clock.now();
    this.#bar.style.transform = `scaleX(${1 - (now % period) / period})`;
    const slot = Math.floor(now / period);
    if (slot === this.#slot) return;
    this.#slot = slot; // before the signature is waited for, so that the next look does not ask for it again
    // A day begins with a period, so a code never outlives its day's beginning on the screen.
    const id = this.#id;
    const day = await days.find(id, dayOf(now));
    const text = day && await rotate(day.keys.privateKey, day.credential, now);
    if (id !== this.#id || slot !== this.#slot) return; // replaced in the meantime
    this.#show(text);
  }

  #show(text) {
    this.#symbol = text && encode(text);
    if (text) this.#canvas.dataset.code = text;
    else delete this.#canvas.dataset.code;
    this.#paint();
  }

  #paint() {
    if (this.#symbol) draw(this.#canvas, this.#symbol, this.#canvas.parentElement.clientWidth);
  }
}
