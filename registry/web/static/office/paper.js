// A printed pass: the administrator asks for it and prints the sheet. No name and no IIN get on it
// unless typed by hand.

import { $, el, show } from "../js/dom.js";
import { draw } from "../js/draw.js";
import { setUp } from "../js/i18n.js";
import { encode } from "../js/qr.js";
import { Gate, onSubmit } from "./office.js";
import { sheet, words } from "./paper-texts.js";

const parts = ["order", "printing"];
const form = $("paper-form");

setUp(words);
show(parts, "order");
const gate = new Gate("admin-key", fromPeoplePage);

onSubmit(form, async ({ iin }) => {
  const { code, expires } = await gate.ask("/v1/paper", { iin });
  fill(code, new Date(expires));
  form.reset();
  show(parts, "printing");
  return [];
});

$("print").addEventListener("click", () => window.print());
$("another").addEventListener("click", () => {
  $("holder").value = "";
  write();
  show(parts, "order");
});
$("holder").addEventListener("input", write);

// fromPeoplePage takes over the number that was typed there, once. It was not put into the address:
// that would be logged.
function fromPeoplePage() {
  const iin = sessionStorage.getItem("ashyq.paper-iin");
  sessionStorage.removeItem("ashyq.paper-iin");
  if (!iin) return;
  form.elements.iin.value = iin;
  // After the form knows what to do when it is sent.
  queueMicrotask(() => form.requestSubmit());
}

function fill(code, expires) {
  const canvas = $("qr");
  draw(canvas, encode(code), 1000);
  canvas.style.width = canvas.style.height = ""; // in millimetres, by the style sheet
  canvas.dataset.code = code;
  // It ends with a month, by UTC: the last day is that of the moment before.
  const last = new Date(expires - 1);
  const date = last.toLocaleDateString("ru-KZ", { timeZone: "UTC", day: "2-digit", month: "2-digit", year: "numeric" });
  $("until").replaceChildren(...sheet.map(({ lang, until }) => el("span", { lang }, until)), el("strong", {}, date));
  $("explanation").replaceChildren(...sheet.map(({ lang, title, text }) =>
    el("p", { lang }, el("strong", {}, `${title}. `), text)));
}

function write() {
  const name = $("holder").value.trim();
  $("name").textContent = name;
  $("name").hidden = !name;
}
