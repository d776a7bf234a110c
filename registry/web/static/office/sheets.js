// A code sheet: one venue, with a code for each of its doors. Whoever mounts the devices reads it in
// Kazakh and in Russian.

import { el } from "../js/dom.js";
import { draw } from "../js/draw.js";
import { encode } from "../js/qr.js";
import { sheetWords } from "./places-texts.js";
import { venueNames } from "./venues.js";

const fileName = "ashyq-enrol.txt"; // what a door looks for on its card

// sheet makes the page of a venue. Of a door without a venue there is only the door.
export function sheet({ venue, doors }, regions) {
  const region = regions.find(({ code }) => code === venue.region);
  const both = (key, values = {}) => [...new Set(sheetWords.map((words) => fill(words[key], values)))].join(" / ");
  const place = [region && [region.kk, region.ru].filter((name, i, all) => all.indexOf(name) === i).join(" / "), venue.address, venue.phone];
  return el("article", { class: "venue-sheet" },
    el("p", { class: "paper-brand" }, "Ashyq"),
    el("h2", {}, venue.name || doors[0].name),
    ...(venue.name ? [el("p", {}, venueNames(venue.kind)), el("p", {}, place.filter(Boolean).join(", "))] : []),
    el("div", { class: "steps" }, ...sheetWords.map(({ lang, steps, secret }) =>
      el("div", { lang }, el("ol", {}, ...steps.map((step) => el("li", {}, step))), el("p", {}, secret)))),
    el("div", { class: "door-codes" }, ...doors.map((door) => part(door, both))));
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const date = (time) => new Date(time).toLocaleDateString("ru-KZ", { day: "2-digit", month: "2-digit", year: "numeric" });

function part(door, both) {
  const head = [el("h3", {}, door.entrance || door.name), el("p", {}, el("span", { class: `way way-${door.way}` }, both(`way-${door.way}`)), ` ${door.name}`)];
  if (!door.code) return el("section", { class: "door-code" }, ...head, el("p", {}, both(door.enrolled ? "has" : "earlier", { time: date(door.code_until) })));
  const canvas = el("canvas", { role: "img", "aria-label": `QR: ${door.name}` });
  const symbol = encode(door.code);
  draw(canvas, symbol, 2 * (symbol.size + 8)); // few pixels each: there can be hundreds of them
  canvas.style.width = canvas.style.height = ""; // in millimetres, by the style sheet
  canvas.dataset.code = door.code;
  return el("section", { class: "door-code" }, ...head, canvas, el("p", {}, `${both("until")} `, el("strong", {}, date(door.code_until))), download(door));
}

// download offers the code as the file that can be put on the card instead of being shown to the
// camera.
function download({ code, name }) {
  const button = el("button", { type: "button", class: "plain controls" }, fileName);
  button.setAttribute("aria-label", `${fileName}: ${name}`);
  button.addEventListener("click", () => {
    const href = URL.createObjectURL(new Blob([`${code}\n`], { type: "text/plain" }));
    el("a", { href, download: fileName }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000); // the browser has it by then
  });
  return button;
}
