// The page decides nothing: it shows the screens from the daemon, and two that came with the page.
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

// checked is a line of the set-up list: a part that is there or missing.
function checked(check) {
  const span = document.createElement("span");
  span.className = check.ok ? "ok" : "failed";
  span.textContent = (check.ok ? "✓ " : "✗ ") + check.name;
  return span;
}

// fit finds the largest size of the words without cutting anything off: a rule may need two lines or ten.
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

// reflect starts or ends the mirror. Without a source the browser drops the last picture of a person.
// A stream that breaks off later raises no event; only the picture's width becomes 0, so look regularly.
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

// alive restarts the time until the page says that the kiosk does not answer.
function alive() {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    show(page.lost);
    connect();
    alive(); // again, if the new connection hangs
  }, page.silence);
}

// connect opens the stream of events again. EventSource reconnects by itself after a lost connection,
// but gives up after an answer that it rejects.
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
