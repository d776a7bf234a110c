// The page decides nothing: it shows the screens that the daemon sends, and two that it was given with the page.
"use strict";

const page = JSON.parse(document.documentElement.dataset.constants);
const find = (selector) => document.querySelector(selector);
const mirror = find("#mirror");

let ended, quiet, again, look; // timers
let source;

function show(screen) {
  const body = document.body;
  body.dataset.signal = screen.signal;
  body.dataset.ground = screen.ground;
  body.dataset.symbol = screen.symbol;
  body.dataset.blink = screen.blink;
  body.dataset.seq = screen.seq;
  find("#symbol use").setAttribute("href", "#" + screen.symbol);

  const field = find(".field");
  [field.dataset.a, field.dataset.b] = [screen.lamps[0] ?? "", screen.lamps[1] ?? ""];
  for (const lamp of document.querySelectorAll(".lamp")) {
    const place = screen.lamps.indexOf(lamp.dataset.colour) + 1;
    if (place) lamp.dataset.lit = place;
    else delete lamp.dataset.lit;
  }
  for (const line of screen.lines) {
    const section = find(`section[lang=${line.lang}]`);
    [line.head, line.body, line.until, line.age, "", line.missing].forEach((text, i) => { section.children[i].textContent = text ?? ""; });
    section.querySelector(".checks").append(...(line.checks ?? []).map(checked));
  }
  reflect(screen.mirror);
  fit();

  clearTimeout(ended);
  if (screen.hold) ended = setTimeout(() => show(page.neutral), screen.hold + page.grace);
}

// checked is a part of a door that is being set up: it is there, or it is missing.
function checked(check) {
  const span = document.createElement("span");
  span.className = check.ok ? "ok" : "failed";
  span.textContent = (check.ok ? "✓ " : "✗ ") + check.name;
  return span;
}

// fit finds the largest words for which nothing is cut off: a rule may need two lines or ten.
function fit() {
  const words = find(".words");
  const size = (fit) => document.documentElement.style.setProperty("--fit", fit);
  let [fits, bursts] = [0.4, 1.9];
  while (bursts - fits > 0.02) {
    const middle = (fits + bursts) / 2;
    size(middle);
    if (words.scrollHeight > words.clientHeight || words.scrollWidth > words.clientWidth) bursts = middle;
    else fits = middle;
  }
  size(fits);
}

// reflect starts or ends the mirror. Without a source the browser lets go of the last picture, so nobody's stays. A
// stream that breaks off later makes no event: the picture has no width any more, that is all, so look now and then.
function reflect(wanted) {
  clearInterval(look);
  if (!wanted) return dark();
  const light = () => {
    if (mirror.naturalWidth) return;
    dark();
    mirror.src = "mirror";
  };
  light();
  look = setInterval(light, page.retry);
}

function dark() {
  mirror.removeAttribute("src");
  delete mirror.parentElement.dataset.live;
}

mirror.addEventListener("load", () => { mirror.parentElement.dataset.live = ""; });

// alive puts off the moment at which the page says that nobody answers.
function alive() {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    show(page.lost);
    connect();
    alive(); // and again, should the new connection hang
  }, page.silence);
}

// connect opens the stream of events, anew where there is one. EventSource tries again by itself after a lost
// connection, but gives up for good after an answer that it does not like.
function connect() {
  clearTimeout(again);
  source?.close();
  source = new EventSource("events");
  source.addEventListener("beat", alive);
  source.addEventListener("screen", (event) => {
    const screen = JSON.parse(event.data);
    if (screen.build !== page.build) location.reload();
    else show(screen);
    alive();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, page.retry);
  });
}

window.addEventListener("resize", fit);
show(page.neutral);
alive();
connect();
