// A citizen says that the records behind a red or yellow status are wrong. That changes no colour: a
// person looks at them.

import { $ } from "./dom.js";
import { say } from "./i18n.js";
import { dispute } from "./own.js";

// setUpDispute brings the form to life. passOf gives the pass; done is called after each answer.
export function setUpDispute(passOf, done) {
  $("dispute-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const why = $("dispute-why").value.trim().replace(/\s+/g, " ");
    const button = $("dispute-send");
    button.disabled = true;
    say($("dispute-error"), "");
    try {
      await dispute(passOf(), why);
      $("dispute-form").reset();
      $("dispute").open = false;
    } catch (err) {
      say($("dispute-error"), trouble(err));
    } finally {
      button.disabled = false;
      done();
    }
  });
}

function trouble(err) {
  if (err.status === 409) return "disputeStands";
  if (err.status === 0 || err.status === undefined) return "noNetwork";
  return err.status >= 500 ? "serverTrouble" : "disputeRefused";
}
