// The code on the screen: a new one at each full period, with a bar that says how long it still
// stands.

import * as clock from "./clock.js";
import { draw } from "./draw.js";
import { period, rotate } from "./pass.js";
import { encode } from "./qr.js";

const look = 250; // ms between two looks at the clock: it can jump, and the phone can have slept

export class Rotation {
  #canvas;
  #bar;
  #pass;
  #slot; // number of the period that the shown code belongs to
  #symbol;
  #timer;

  constructor(canvas, bar) {
    this.#canvas = canvas;
    this.#bar = bar;
    new ResizeObserver(() => this.#paint()).observe(canvas.parentElement);
    document.addEventListener("visibilitychange", () => this.#look());
  }

  start(pass) {
    this.stop();
    this.#pass = pass;
    this.#timer = setInterval(() => this.#look(), look);
    return this.#look();
  }

  stop() {
    clearInterval(this.#timer);
    this.#pass = this.#slot = this.#symbol = undefined;
    delete this.#canvas.dataset.code;
  }

  async #look() {
    if (!this.#pass || document.hidden) return;
    const now = clock.now();
    this.#bar.style.transform = `scaleX(${1 - (now % period) / period})`;
    const slot = Math.floor(now / period);
    if (slot === this.#slot) return;
    this.#slot = slot; // before the signature is waited for, so that the next look does not ask for it again
    const pass = this.#pass;
    const text = await rotate(pass.keys.privateKey, pass.credential, now);
    if (pass !== this.#pass || slot !== this.#slot) return; // replaced in the meantime
    this.#symbol = encode(text);
    this.#canvas.dataset.code = text;
    this.#paint();
  }

  #paint() {
    if (this.#symbol) draw(this.#canvas, this.#symbol, this.#canvas.parentElement.clientWidth);
  }
}
