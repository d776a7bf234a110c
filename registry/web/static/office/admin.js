// The overview: the country, a region, a venue, a door. Where one is stands behind the # of the
// address, so that back and forward lead through it.

import { $, el, sign } from "../js/dom.js";
import { figure, moment, onLanguage, setUp, t } from "../js/i18n.js";
import { words } from "./admin-texts.js";
import { byColour, drawChart } from "./chart.js";
import { alarmTile, doorCard, doorDetail, link, regionCard, venueCard } from "./fleet.js";
import { summary } from "./counts.js";
import { HallPart } from "./hall.js";
import { drawPager, drawSearch, hashOf } from "./list.js";
import { Gate } from "./office.js";
import { ago } from "./overview.js";

const every = 3000; // ms
const colours = ["red", "yellow", "blue", "green"];
const sections = ["door-part", "doors-part", "people-part", "regions-part", "venues-part", "chart-part"];

let at = {}; // where: region, venue, door, wrong (a list of doors), q and only (venues), page
let me;
let regions = [];
let known; // what was received last
let shown; // as text, with the minute in which it was shown
let received = 0;
let failed;
let started = false;

setUp(words);
const gate = new Gate("admin-key", () => started && open());
const hall = new HallPart(gate, refresh);
onLanguage(() => render(true));
window.addEventListener("hashchange", go);
$("confirm-restored").addEventListener("click", () => act("restoredSure", {}, "/v1/restored", {}));
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const to = { ...at, q: $("search-text").value.trim(), only: $("search-wrong").value };
  delete to.page;
  location.hash = hashOf(to);
});
started = true;
read();
loop();

function open() {
  me = undefined; // it is another key
  refresh();
}

async function loop() {
  if (gate.key && !document.hidden) await refresh();
  setTimeout(loop, every);
}

function read() {
  at = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

// go follows a link; reading goes on at the heading.
async function go() {
  read();
  if (!gate.key) return;
  await refresh();
  $("where").focus();
}

// wanted are the paths of what is shown.
function wanted() {
  const { region, venue, door, wrong, q, only, page } = at;
  if (door) return { door: `/v1/doors/${encodeURIComponent(door)}` };
  const paths = { overview: `/v1/overview?${hashOf({ region, venue })}` };
  if (venue || wrong) paths.doors = `/v1/doors?${hashOf({ region, venue, wrong, page })}`;
  else if (region || q || only || me?.role === "regional") paths.venues = `/v1/overview/venues?${hashOf({ region, q, wrong: only, page })}`;
  return paths;
}

async function refresh() {
  try {
    if (!me) {
      me = await gate.ask("/v1/me");
      regions = await gate.ask("/v1/regions");
    }
    const hash = location.hash;
    const answers = await Promise.all(Object.entries(wanted()).map(async ([name, path]) => [name, await gate.ask(path)]));
    if (hash !== location.hash) return; // somebody went on meanwhile
    known = Object.fromEntries(answers);
    received = Date.now();
    failed = undefined;
  } catch (err) {
    failed = err;
  }
  render(false);
}

async function act(question, values, path, body) {
  if (!confirm(t(question, values))) return;
  try {
    await gate.ask(path, body);
  } catch (err) {
    alert(err.message);
  }
  await refresh();
}

// render draws only what is new: what has the focus, or is being read, stays.
function render(again) {
  $("outdated").hidden = !failed;
  if (failed) $("outdated").textContent = t("outdated", { error: failed.message, age: ago(received) });
  if (!known) return;
  const now = JSON.stringify([known, location.hash, Math.floor(Date.now() / 60_000)]);
  if (!again && now === shown) return;
  shown = now;
  const focused = document.activeElement?.closest?.("#inside a")?.getAttribute("href");
  draw();
  if (focused) [...document.querySelectorAll("#inside a")].find((one) => one.getAttribute("href") === focused)?.focus();
}

const regionName = (code) => regions.find((region) => region.code === code)?.[document.documentElement.lang] ?? (code || t("noRegion"));

function draw() {
  const { overview, venues, doors, door } = known;
  const visible = { "door-part": door, "doors-part": doors, "people-part": overview?.people && !at.wrong, "chart-part": overview && !at.wrong,
    "regions-part": overview && !at.region && !at.venue && !at.wrong && me.role === "national", "venues-part": overview && !at.venue && !at.wrong };
  for (const name of sections) $(name).hidden = !visible[name];
  drawWay(overview?.venue ?? door?.place, door);
  drawTiles(overview);
  hall.show(overview?.venue?.id, at.wrong ? undefined : overview?.hall, overview?.staff_checks);
  if (overview) drawOverview(overview);
  if (door) $("door-part").replaceChildren(doorDetail(door, (name) => act("approveSure", { name }, "/v1/doors/approve", { name })));
  if (doors) {
    $("doors-title").textContent = at.wrong ? t(`list-${at.wrong}`) : t("doors");
    fill("doors", doors.doors.map(doorCard), doors.total);
  }
  fill("venues", (venues?.venues ?? []).map(venueCard), venues?.total);
  drawSearch(at.q, at.only);
  drawPager(doors ?? venues, at);
}

function fill(name, items, total) {
  $(name).replaceChildren(...(items.length ? items : [el("li", { class: "small" }, total === undefined ? t("searchHint") : t("none"))]));
  $(`${name}-count`).textContent = total ?? "";
}

// drawWay shows the way from the country to here.
function drawWay(place, door) {
  const region = at.region ?? place?.region;
  const steps = [[me.role === "regional" ? regionName(me.region) : t("country"), {}]];
  if (region && me.role !== "regional") steps.push([regionName(region), { region }]);
  if (place) steps.push([place.name, { venue: place.id }]);
  if (door) steps.push([door.name, { door: door.id }]);
  if (at.wrong) steps.push([t(`list-${at.wrong}`), at]);
  $("where").textContent = steps.at(-1)[0];
  $("way").replaceChildren(...steps.slice(0, -1).map(([text, to]) => link(to, text)));
}

function drawTiles(overview) {
  const all = overview && !at.region && !at.venue && !at.wrong && me.role === "national";
  $("tiles").hidden = !all;
  $("alarms").hidden = !overview;
  $("restored").hidden = !overview?.backup;
  if (overview?.backup) $("restored-text").textContent = t("restored", { time: moment(new Date(overview.backup)) });
  if (!all) return;
  const checks = summary(overview.counts);
  const page = (name, key) => el("a", { href: `/${name}` }, t(key));
  $("tiles").replaceChildren(
    tile(t("version"), overview.version, t("published", { age: ago(Date.parse(overview.issued)) })),
    tile(t("citizens"), colours.reduce((sum, colour) => sum + (overview.people[colour] ?? 0), 0), t("onHold", { suspended: overview.suspended, revoked: overview.revoked })),
    tile(t("checks"), Object.values(byColour(overview.counts)).reduce((sum, n) => sum + n, 0), t("refused", { n: figure(checks.turnedBack) })),
    tile(t("disagreements"), overview.disagreements, page("records", "settleThem")),
    tile(t("waitingRecords"), overview.waiting, page("sources", "decideThem")),
  );
}

function drawOverview({ people, doors, hours, regions: list }) {
  const here = Object.fromEntries(Object.entries({ region: at.region, venue: at.venue }).filter(([, value]) => value));
  const alarm = (n, kind) => alarmTile(n, kind, t(`alarm-${kind}`), { ...here, wrong: kind === "trouble" ? "trouble" : kind }, at.wrong === kind);
  $("alarms").replaceChildren(alarm(doors.wrong.silent ?? 0, "silent"), alarm(doors.trouble, "trouble"), alarm(doors.wrong.never ?? 0, "never"));
  $("statuses").replaceChildren(...(people ? colours : []).map((colour) => {
    const box = el("li", { "data-colour": colour }, sign(colour));
    box.append(el("span", {}, t(colour)), el("strong", {}, figure(people[colour] ?? 0)));
    return box;
  }));
  $("regions").replaceChildren(...(list ?? []).map((region) => regionCard(region, regionName(region.code))));
  drawChart(hours);
}

function tile(label, value, below) {
  return el("div", { class: "tile" }, el("span", {}, label), el("strong", {}, figure(value)), el("span", { class: "small" }, below));
}
