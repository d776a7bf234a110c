// The form for one venue: a new one, or another name, kind, address and so on of a known one.

import { $, el } from "../js/dom.js";
import { onLanguage, t } from "../js/i18n.js";
import { zones } from "./kinds.js";
import { onSubmit } from "./office.js";
import { venueKeys, venueName, zoneName } from "./venues.js";

const fields = ["name", "bin", "kind", "region", "zone", "address", "phone", "capacity"];
const lists = ["entrances", "exits"]; // one a line
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

// PlacesForm asks regions() for [code, name] of those that may be chosen. saved is called with the
// venue as the registry has it.
export class PlacesForm {
  #regions;
  #id;

  constructor(gate, regions, saved) {
    this.#regions = regions;
    onLanguage(() => this.#choices());
    onSubmit($("venue-form"), async (values) => {
      const venue = Object.fromEntries(fields.map((name) => [name, values[name].trim()]));
      venue.capacity = Number(venue.capacity);
      for (const name of lists) venue[name] = lines(values[name]);
      await saved(await gate.ask("/v1/venues/save", { ...venue, ...(this.#id ? { id: this.#id } : {}) }));
      return [];
    });
  }

  // open shows what is known of a venue, or an empty form.
  open(venue = {}) {
    this.#id = venue.id;
    $("keeps-names").hidden = !venue.id;
    $("venue-form").reset();
    $("venue-form").querySelector("output").replaceChildren();
    this.#choices();
    for (const name of fields) if (venue[name]) $(`venue-${name}`).value = venue[name];
    for (const name of lists) $(`venue-${name}`).value = (venue[name] ?? []).join("\n");
    $("venue-name").focus();
  }

  #choices() {
    $("venue-title").textContent = t(this.#id ? "changeVenue" : "newVenue");
    choose($("venue-kind"), [["", "…"], ...venueKeys().map((key) => [key, venueName(key)])]);
    choose($("venue-region"), this.#regions());
    choose($("venue-zone"), zones.map(({ key }) => [key, zoneName(key)]));
  }
}

// choose fills a select and keeps what is chosen.
function choose(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}
