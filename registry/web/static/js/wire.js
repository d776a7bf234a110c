// Requests to the registry, as package server defines them.

const patience = 10_000; // ms for one request
const slow = 3_600_000; // ms for a file
const quick = 4_000; // ms; what a slower answer says of the time is of no use

// RequestError is an answer from 400 on (status, and the registry's own words), or no answer at all
// (status 0).
export class RequestError extends Error {
  constructor(status, words, hint, clock, answer) {
    super(words);
    this.status = status;
    this.hint = hint;
    this.clock = clock;
    this.answer = answer; // as it came
  }
}

// request sends body (none: GET; else POST, or method), or a file, and gives {answer, clock}; clock is the registry's time in ms
// when the answer came, NaN where it is not told or the answer took long. wait is how many ms the
// registry may keep the request, and gone an AbortController for who gives it up.
export async function request(path, { body, method, file, key, wait = 0, gone = new AbortController() } = {}) {
  const headers = { "Accept-Language": document.documentElement.lang }; // of the registry's errors
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (file) headers["Content-Type"] = "text/csv";
  if (key) headers.Authorization = `Bearer ${key}`;
  const sent = performance.now();
  const timeout = setTimeout(() => gone.abort(), (file ? slow : patience) + wait);
  let response, text, took;
  try {
    response = await fetch(path, {
      method: method ?? (body === undefined && !file ? "GET" : "POST"),
      headers,
      body: file ?? (body === undefined ? undefined : JSON.stringify(body)),
      cache: "no-store",
      credentials: "omit",
      signal: gone.signal,
    });
    took = performance.now() - sent;
    text = await response.text();
  } catch (err) {
    throw new RequestError(0, err.message, "", NaN);
  } finally {
    clearTimeout(timeout);
  }
  const answer = parse(text);
  const clock = clockOf(response, took - (answer?.waited_ms ?? 0));
  if (response.ok && (answer || response.status === 204)) return { answer, clock };
  // A good answer that is not JSON comes from something else, like a hotel's log-in page.
  if (response.ok) throw new RequestError(0, "the answer is not the registry's", "", NaN);
  throw new RequestError(response.status, answer?.error ?? `${response.status} ${response.statusText}`, answer?.hint ?? "", clock, answer);
}

// clockOf takes the middle of the second that the header names, and half of the way there and back.
function clockOf(response, took) {
  return took > quick ? NaN : Date.parse(response.headers.get("Date")) + 500 + took / 2;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // 204, or somebody else's page
  }
}

export function toBase64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
