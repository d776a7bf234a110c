// Small helpers around the DOM. Text goes in as text, never as HTML.

export const $ = (id) => document.getElementById(id);

// show leaves exactly the named ones of a group of elements visible.
export function show(group, ...names) {
  for (const name of group) $(name).hidden = !names.includes(name);
}

// rescue gives the focus to the first of these that is visible, when it went with what was pressed:
// the next Tab would start at the top of the page.
export function rescue(...elements) {
  const isShown = (element) => element && (element.checkVisibility ? element.checkVisibility() : element.offsetParent);
  const { activeElement: now, body } = document;
  if (now !== body && isShown(now)) return;
  elements.find(isShown)?.focus({ preventScroll: true });
}

// el makes an element: el("td", {class: "number"}, "text", otherElement)
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// The sign of each status: one can tell them apart without seeing a colour.
const signs = {
  red: ["M30 4h40l26 26v40L70 96H30L4 70V30z", "M33 33l34 34M67 33L33 67"], // octagon, cross
  yellow: ["M50 6l46 84H4z", "M50 36v26M50 75v1"], // triangle, exclamation mark
  blue: ["M8 8h84v84H8z", "M28 50h44"], // square, dash
  green: ["M50 4a46 46 0 1 0 .1 0z", "M29 52l15 15 28-33"], // disc, tick
  none: ["M50 4a46 46 0 1 0 .1 0z", "M24 76L76 24"], // disc, stroke
};

export function sign(colour) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("sign");
  (signs[colour] ?? signs.none).forEach((d, i) => {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("d", d);
    path.classList.add(i === 0 ? "sign-shape" : "sign-mark");
    svg.append(path);
  });
  return svg;
}
