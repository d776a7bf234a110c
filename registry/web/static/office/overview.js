// The administrator's overview: what the registry knows, asked for again every two seconds while
// somebody looks.

import { $, el, sign } from "../js/dom.js";
import { moment, span, t } from "../js/i18n.js";
import { healthLine } from "./health.js";

const every = 2000; // ms
const silent = 15 * 60_000; // ms after which a door that has not been heard of is marked; until then doors say nothing of their data's age

const recent = 30 * 24 * 3600_000; // ms for which a door's changed settings are marked

// A person's status as the list has it, and the colour that goes with it.
const statuses = { red: "red", yellow: "yellow", valid: "blue", green: "green", suspended: "none", invalid: "none" };

export class Overview {
  #gate;
  #known;
  #received = 0;
  #error;

  constructor(gate) {
    this.#gate = gate;
    this.#loop();
  }

  async #loop() {
    if (this.#gate.key && !document.hidden) await this.refresh();
    setTimeout(() => this.#loop(), every);
  }

  async refresh() {
    try {
      this.#known = await this.#gate.ask("/v1/overview");
      this.#received = Date.now();
      this.#error = undefined;
    } catch (err) {
      this.#error = err;
    }
    this.render();
  }

  async #approve(name) {
    if (!confirm(t("approveSure", { name }))) return;
    try {
      await this.#gate.ask("/v1/doors/approve", { name });
    } catch (err) {
      alert(err.message);
    }
    await this.refresh();
  }

  async confirmRestored() {
    if (!confirm(t("restoredSure"))) return;
    try {
      await this.#gate.ask("/v1/restored", {});
    } catch (err) {
      alert(err.message);
    }
    await this.refresh();
  }

  // newestWaiting is the newest waiting record that was shown: whatever came after it, nobody has seen.
  newestWaiting(name) {
    return this.#known?.sources.find((source) => source.name === name)?.waiting_last ?? 0;
  }

  render() {
    $("outdated").hidden = !this.#error;
    if (this.#error) $("outdated").textContent = t("outdated", { error: this.#error.message, age: ago(this.#received) });
    if (!this.#known) return;
    const known = this.#known;
    $("restored").hidden = !known.backup;
    if (known.backup) $("restored-text").textContent = t("restored", { time: moment(new Date(known.backup)) });
    const totals = known.doors.map((door) => summary(door.counts));
    $("tiles").replaceChildren(
      tile(t("version"), known.version, t("published", { age: ago(Date.parse(known.issued)) })),
      tile(t("citizens"), known.citizens, t("passes", { n: known.credentials })),
      tile(t("checks"), sum(totals, "all"), t("refused", { n: sum(totals, "turnedBack") })),
    );
    $("statuses").replaceChildren(...Object.entries(statuses).map(([status, colour]) => {
      const box = el("li", { "data-colour": colour }, sign(colour));
      box.append(el("span", {}, t(status)), el("strong", {}, String(known.statuses[status] ?? 0)));
      return box;
    }));
    fill("doors", known.doors.map((door, i) => [
      door.name, door.venue, lastSeen(door.seen), identity(door, (name) => this.#approve(name)), t(`ring-${door.ring}`), door.running ?? "", totals[i].all, totals[i].admitted, totals[i].turnedBack, totals[i].other,
    ]), known.doors.map(healthLine));
    $("door-names").replaceChildren(...known.doors.map(({ name }) => el("option", { value: name })));
    fill("releases", known.releases.map((one) => [t(`ring-${one.ring}`), one.version, one.bundle]));
    fill("sources", known.sources.map((source) => [
      source.name, t(source.kind), state(source), source.records, source.last ? moment(new Date(source.last)) : t("never"), source.hourly,
      source.waiting ? warning("waitingSince", { n: source.waiting, time: moment(new Date(source.waiting_since)) }) : 0,
    ]));
    $("source-names").replaceChildren(...known.sources.map(({ name }) => el("option", { value: name })));
    fill("waiting", known.waiting.map((one) => [
      one.source, one.iin, t(one.kind), moment(new Date(one.at)), moment(new Date(one.came)),
    ]));
    $("waiting-count").textContent = known.sources.reduce((n, source) => n + source.waiting, 0); // the list is cut off at 100
    fill("disagreements", known.disagreements.map((one) => [
      one.iin, t(one.counts), t(one.other), moment(new Date(one.since)),
    ]));
  }
}

// summary adds up counts by signal and colour, as "admitted/green".
function summary(counts) {
  const out = { all: 0, admitted: 0, turnedBack: 0, other: 0 };
  for (const [name, n] of Object.entries(counts ?? {})) {
    const signal = name.split("/")[0];
    const kind = signal.startsWith("admitted") ? "admitted" : signal === "turned-back" ? "turnedBack" : "other";
    out[kind] += n;
    out.all += n;
  }
  return out;
}

const sum = (rows, name) => rows.reduce((n, row) => n + row[name], 0);

const ago = (time) => t("ago", { span: span(Date.now() - time) });

function tile(label, value, below) {
  return el("div", { class: "tile" }, el("span", {}, label), el("strong", {}, String(value)), el("span", { class: "small" }, below));
}

function lastSeen(seen) {
  if (!seen) return el("span", { class: "late" }, `⚠ ${t("never")}`);
  const late = Date.now() - Date.parse(seen) > silent;
  return late ? el("span", { class: "late" }, `⚠ ${ago(Date.parse(seen))}`) : ago(Date.parse(seen));
}

// identity says how the registry knows the door, and whether somebody has to go and look.
function identity(door, approve) {
  const until = door.cert_until && moment(new Date(door.cert_until));
  const lines = [];
  if (door.revoked) lines.push(warning("revoked"));
  else if (door.enrolled) lines.push(t("enrolledUntil", { time: until }));
  else if (until) lines.push(warning("enrolmentEnded", { time: until }));
  else lines.push(t("notEnrolled"));
  if (door.asks && !door.revoked) lines.push(...renewal(door, approve));
  if (door.copied) lines.push(warning("copiedCard"));
  if (door.differs) lines.push(warning("differs", {
    venue: door.said_venue || door.venue, zone: t(`zone-${door.said_zone || door.zone}`), way: t(`way-${door.said_way || door.way}`),
  }));
  if (door.config_since && Date.now() - Date.parse(door.config_since) < recent) lines.push(warning("configChanged", { time: moment(new Date(door.config_since)) }));
  if (door.strays) lines.push(warning("strays", { n: door.strays }));
  if (door.code_used_twice) lines.push(warning("codeUsedTwice"));
  return el("div", {}, ...lines.map((line) => el("div", {}, line)));
}

// renewal is a door's request for a new certificate after the end of the last one. Only a person can
// say that it is the door.
function renewal(door, approve) {
  if (door.approved) return [t("renewalApproved")];
  const button = el("button", { type: "button", "data-approve": door.name }, t("approve"));
  button.addEventListener("click", () => approve(door.name));
  return [warning("asksToRenew", { time: moment(new Date(door.asks)) }), button];
}

// state says whether records of a source are taken.
function state(source) {
  if (source.revoked) return warning("source-revoked");
  return source.suspended ? warning("source-suspended") : t("source-active");
}

const warning = (key, values) => el("span", { class: "late" }, `⚠ ${t(key, values)}`);

// fill writes rows into a table's body; numbers stand to the right. What is below a row takes its
// whole width.
function fill(name, rows, below = []) {
  $(`${name}-count`).textContent = rows.length;
  const cells = (row) => row.map((cell) => el("td", typeof cell === "number" ? { class: "number" } : {}, cell));
  const empty = () => el("tr", {}, el("td", { colspan: "10", class: "small" }, t("none")));
  const both = (row, i) => [el("tr", {}, ...cells(row)), ...(below[i] ? [el("tr", { class: "below" }, el("td", { colspan: "10" }, below[i]))] : [])];
  $(name).replaceChildren(...(rows.length ? rows.flatMap(both) : [empty()]));
}
