// The overview: how many people, passes and checks there are, and what waits for a person.

import { $, el, sign } from "../js/dom.js";
import { moment, setUp, t } from "../js/i18n.js";
import { words } from "./admin-texts.js";
import { summary } from "./counts.js";
import { Gate } from "./office.js";
import { Overview, ago } from "./overview.js";

// A person's status as the list has it, and the colour that goes with it.
const statuses = { red: "red", yellow: "yellow", valid: "blue", green: "green", suspended: "none", invalid: "none" };

setUp(words);
let overview;
const gate = new Gate("admin-key", () => overview?.refresh());
overview = new Overview(gate, render);

$("confirm-restored").addEventListener("click", async () => {
  if (!confirm(t("restoredSure"))) return;
  try {
    await gate.ask("/v1/restored", {});
  } catch (err) {
    alert(err.message);
  }
  await overview.refresh();
});

function render(known) {
  $("restored").hidden = !known.backup;
  if (known.backup) $("restored-text").textContent = t("restored", { time: moment(new Date(known.backup)) });
  const totals = known.doors.map((door) => summary(door.counts));
  const waiting = sum(known.sources, "waiting");
  $("tiles").replaceChildren(
    tile(t("version"), known.version, t("published", { age: ago(Date.parse(known.issued)) })),
    tile(t("citizens"), known.citizens, t("passes", { n: known.credentials })),
    tile(t("checks"), sum(totals, "all"), t("refused", { n: sum(totals, "turnedBack") })),
    tile(t("disagreements"), known.disagreements.length, link("records", "settleThem")),
    tile(t("waitingRecords"), waiting, link("sources", "decideThem")),
  );
  $("statuses").replaceChildren(...Object.entries(statuses).map(([status, colour]) => {
    const box = el("li", { "data-colour": colour }, sign(colour));
    box.append(el("span", {}, t(status)), el("strong", {}, String(known.statuses[status] ?? 0)));
    return box;
  }));
}

const sum = (rows, name) => rows.reduce((n, row) => n + row[name], 0);

const link = (page, key) => el("a", { href: `/${page}` }, t(key));

function tile(label, value, below) {
  return el("div", { class: "tile" }, el("span", {}, label), el("strong", {}, String(value)), el("span", { class: "small" }, below));
}
