// The doors: how each one is, how the registry knows it, and what it counted.

import { $, el } from "../js/dom.js";
import { moment, t } from "../js/i18n.js";
import { summary } from "./counts.js";
import { healthLine } from "./health.js";
import { ago, fill, warning } from "./overview.js";
import { venueName, zoneName } from "./venues.js";

const silent = 15 * 60_000; // ms after which a door that has not been heard of is marked; until then doors say nothing of their data's age

const recent = 30 * 24 * 3600_000; // ms for which a door's changed settings are marked

// renderDoors fills the table with a page of doors; approve is called with the name of a door whose
// renewal is approved.
export function renderDoors({ doors, total }, approve) {
  fill("doors", doors.map((door) => {
    const { all, admitted, turnedBack, other } = summary(door.counts);
    return [door.name, venueName(door.venue), lastSeen(door.seen), identity(door, approve), t(`ring-${door.ring}`), door.running ?? "", all, admitted, turnedBack, other];
  }), doors.map(healthLine));
  $("doors-count").textContent = total;
  $("door-names").replaceChildren(...doors.map(({ name }) => el("option", { value: name })));
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
    venue: venueName(door.said_venue || door.venue), zone: zoneName(door.said_zone || door.zone), way: t(`way-${door.said_way || door.way}`),
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
