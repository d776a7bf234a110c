// The confirmation of a positive result: the person is red at every door within seconds, so the IIN
// is typed a second time.

import { $ } from "../js/dom.js";
import { t } from "../js/i18n.js";

const dialog = $("confirm-dialog");
let done;

// confirmed asks, and tells whether the same IIN was typed.
export function confirmed(iin, sample) {
  $("confirm-text").textContent = t("confirmText", { sample });
  $("confirm-error").textContent = "";
  $("confirm-form").reset();
  dialog.className = "alarm";
  dialog.showModal();
  $("confirm-iin").focus();
  return new Promise((resolve) => {
    done = (answer) => {
      if (answer !== iin) {
        $("confirm-error").textContent = t("confirmDiffers");
        $("confirm-iin").select();
        return;
      }
      dialog.close("yes");
    };
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.returnValue = "";
  });
}

$("confirm-form").addEventListener("submit", (event) => {
  event.preventDefault();
  done($("confirm-iin").value.trim());
});
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
