// Checks by hour and colour: bars, and the same numbers as a table. Stripes, lines and dots tell the
// colours apart for whoever does not see them.

import { $, el } from "../js/dom.js";
import { figure, t } from "../js/i18n.js";
import { timeZone } from "./country.js";

export const order = ["green", "blue", "yellow", "red", "none"]; // from the bottom
const [width, height] = [600, 180];
const hour = 3600_000;

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// pattern is laid over a bar of this colour.
const patterns = {
  red: [["path", { d: "M-2 10L10 -2", class: "stripe" }]],
  yellow: [["path", { d: "M0 4h8", class: "bar-line" }]],
  green: [["circle", { cx: 4, cy: 4, r: 1.3, class: "dot" }]],
};

function defs() {
  return svg("defs", {}, ...Object.entries(patterns).map(([colour, parts]) =>
    svg("pattern", { id: `over-${colour}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, ...parts.map(([name, values]) => svg(name, values)))));
}

function bar(colour, box) {
  const bars = [svg("rect", { ...box, class: `bar bar-${colour}` })];
  if (patterns[colour]) bars.push(svg("rect", { ...box, fill: `url(#over-${colour})` }));
  return bars;
}

// byColour adds up checks by colour. Who leaves through an exit door is not checked.
export function byColour(counts) {
  const out = Object.fromEntries(order.map((colour) => [colour, 0]));
  for (const [name, n] of Object.entries(counts ?? {})) {
    const [signal, colour] = name.split("/");
    if (signal !== "left") out[colour] += n;
  }
  return out;
}

// drawChart shows the 25 hours that end with this one.
export function drawChart(hours) {
  const now = Math.floor(Date.now() / hour) * hour;
  const at = new Map(hours.map((one) => [Date.parse(one.hour), byColour(one.counts)]));
  const list = Array.from({ length: 25 }, (_, i) => now - (24 - i) * hour).map((time) => ({ time, counts: at.get(time) ?? byColour() }));
  const sum = (counts) => order.reduce((n, colour) => n + counts[colour], 0);
  const most = Math.max(1, ...list.map(({ counts }) => sum(counts)));
  const clock = (time) => new Date(time).toLocaleTimeString("ru-KZ", { hour: "2-digit", minute: "2-digit", timeZone });
  const total = list.reduce((n, { counts }) => n + sum(counts), 0);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("chartLabel", { n: figure(total) }) }, defs());
  list.forEach(({ counts }, i) => {
    let y = height;
    for (const colour of order) {
      const h = counts[colour] / most * height;
      if (h > 0) picture.append(...bar(colour, { x: i * width / 25 + 2, y: (y -= h), width: width / 25 - 4, height: h }));
    }
  });
  const key = (colour) => el("li", {}, svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, ...bar(colour, { x: 0, y: 0, width: 16, height: 16 })), t(`colour-${colour}`));
  $("chart").replaceChildren(
    el("p", { class: "small" }, t("mostInAnHour", { n: figure(total ? most : 0) })), picture,
    el("div", { class: "axis small" }, ...[0, 12, 24].map((i) => el("span", {}, clock(list[i].time)))),
    el("ul", { class: "legend small" }, ...[...order].reverse().map(key)));
  const number = (n) => el("td", { class: "number" }, figure(n));
  $("chart-head").replaceChildren(...[t("hour"), ...order.map((colour) => t(`colour-${colour}`))].map((text, i) => el("th", i ? { scope: "col", class: "number" } : { scope: "col" }, text)));
  $("chart-rows").replaceChildren(...list.map(({ time, counts }) => el("tr", {}, el("td", {}, clock(time)), ...order.map((colour) => number(counts[colour])))));
}
