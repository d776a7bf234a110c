// The people in a venue, what its staff have checked with their own phones, and when everybody has left.

import { $ } from "../js/dom.js";
import { onLanguage, t } from "../js/i18n.js";
import { summary } from "./counts.js";
import { onSubmit } from "./office.js";

// HallPart shows what is in pages/hall.html. changed is called after somebody has set the hour.
export class HallPart {
  #venue;
  #hall;
  #checks;
  #dirty = false; // somebody is setting the hour

  constructor(gate, changed) {
    $("empties-form").addEventListener("input", () => {
      this.#dirty = true;
      this.#ability();
    });
    onSubmit($("empties-form"), async ({ empties, never }) => {
      const [hour, minute] = never ? [] : empties.split(":").map(Number);
      await gate.ask("/v1/occupancy", { venue: this.#venue, empties: never ? -1 : hour * 60 + minute });
      this.#dirty = false;
      changed();
      return [t("saved")];
    });
    onLanguage(() => this.#hall && this.#write());
  }

  // show is called with what is known of a venue; without it there is nothing to see.
  show(venue, hall, checks) {
    if (venue !== this.#venue) {
      this.#dirty = false;
      $("empties-form").querySelector("output").replaceChildren();
    }
    [this.#venue, this.#hall, this.#checks] = [venue, hall, checks];
    $("hall").hidden = !hall;
    if (hall) this.#write();
  }

  #write() {
    const { capacity, inside, reserved, empties } = this.#hall;
    $("hall-counted").hidden = $("empties-form").hidden = !capacity;
    $("hall-inside").textContent = inside;
    $("hall-capacity").textContent = t("hallOf", { all: capacity });
    $("hall-reserved").textContent = reserved ? t("hallReserved", { n: reserved }) : "";
    const { all, turnedBack } = summary(this.#checks);
    $("hall-checks").textContent = t("staffChecks", { n: all, back: turnedBack });
    if (this.#dirty) return;
    const two = (n) => String(n).padStart(2, "0");
    $("never-empty").checked = empties < 0;
    $("empties").value = empties < 0 ? "" : `${two(Math.floor(empties / 60))}:${two(empties % 60)}`;
    this.#ability();
  }

  #ability() {
    $("empties").disabled = $("never-empty").checked;
  }
}
