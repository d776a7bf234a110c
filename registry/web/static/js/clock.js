// The registry's time. Doors keep it, too, and take a code for 25 s only, so a code is made with it as long as the page knows
// it; until then, and after the phone's clock has jumped, with the phone's own.

const tolerance = 2_000; // ms; what an answer says of the time is not more exact

let wrong = 0; // ms that the phone's clock is ahead
let steady = 0; // the phone's clock minus one that nobody sets, when that was learnt

export const sinceSteady = () => Date.now() - performance.now();

// jumpedSince tells whether somebody has set the phone's clock since then, or the phone has slept.
export const jumpedSince = (then) => Math.abs(sinceSteady() - then) > tolerance;

// error is how far the phone's clock is ahead, ms; 0 while that is not known, or nothing.
export function error() {
  if (wrong !== 0 && jumpedSince(steady)) wrong = 0;
  return wrong;
}

export const now = () => Date.now() - error();

// learn takes the registry's time (ms, NaN where it is not known) as of this moment, and tells whether codes change by it.
export function learn(time) {
  if (Number.isNaN(time)) return false;
  const before = error();
  const measured = Date.now() - time;
  wrong = Math.abs(measured) > tolerance ? measured : 0;
  steady = sinceSteady();
  return Math.abs(wrong - before) > tolerance;
}
