// What somebody asks the phone to keep, and what the page says where the browser cannot.

import { $ } from "./dom.js";
import { say } from "./i18n.js";

// remember waits until it is stored, and tells whether it is. Otherwise the element with that id says why not.
export async function remember(id, storing, full = "notKept") {
  say($(id), "");
  try {
    await storing;
    return true;
  } catch (err) {
    say($(id), err.name === "QuotaExceededError" ? full : "noStorage");
    return false;
  }
}
