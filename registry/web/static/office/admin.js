// The overview: how many people, passes and checks there are, and what waits for a person.

import { $, el, sign } from "../js/dom.js";
import { moment, setUp, t } from "../js/i18n.js";
import { words } from "./admin-texts.js";
import { summary } from "./counts.js";
import { Gate } from "./office.js";
import { Overview, ago } from "./overview.js";

const colours = ["red", "yellow", "blue", "green"];

setUp(words);
let overview;
const gate = new Gate("admin-key", () => overview?.refresh());
overview = new Overview(gate, () => "/v1/overview", render);

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
  const checks = summary(known.counts);
  const people = colours.map((colour) => known.people[colour] ?? 0);
  $("tiles").replaceChildren(
    tile(t("version"), known.version, t("published", { age: ago(Date.parse(known.issued)) })),
    tile(t("citizens"), people.reduce((sum, n) => sum + n, 0), t("onHold", { n: known.suspended })),
    tile(t("checks"), checks.all, t("refused", { n: checks.turnedBack })),
    tile(t("disagreements"), known.disagreements, link("records", "settleThem")),
    tile(t("waitingRecords"), known.waiting, link("sources", "decideThem")),
  );
  $("statuses").replaceChildren(...colours.map((colour, i) => {
    const box = el("li", { "data-colour": colour }, sign(colour));
    box.append(el("span", {}, t(colour)), el("strong", {}, String(people[i])));
    return box;
  }));
}

const link = (page, key) => el("a", { href: `/${page}` }, t(key));

function tile(label, value, below) {
  return el("div", { class: "tile" }, el("span", {}, label), el("strong", {}, String(value)), el("span", { class: "small" }, below));
}
