/* Buttons that copy a text. data-copy contains the text, or data-copy-from is the id of the element with the text.
   data-copied and data-failed are the messages, which are also announced to screen readers. */
(function () {
  "use strict";

  const SHOWN = 2000; // milliseconds
  let spoken = null;

  function say(words) {
    if (!spoken) {
      spoken = document.createElement("div");
      spoken.className = "crm-unseen";
      spoken.setAttribute("role", "status");
    }
    // Below an open dialog nothing is announced.
    const place = document.querySelector("dialog[open]") || document.body;
    if (spoken.parentElement !== place) {
      place.append(spoken);
    }
    spoken.textContent = "";
    // Screen readers announce only a change of the text, so the text is cleared before the same text is set again.
    setTimeout(function () { spoken.textContent = words; }, 50);
  }

  function show(button, words, isDone) {
    clearTimeout(Number(button.dataset.timer));
    const bubble = button.querySelector(".crm-bubble") || document.createElement("span");
    bubble.className = "crm-bubble" + (isDone ? "" : " crm-bubble-failed");
    bubble.setAttribute("aria-hidden", "true");
    bubble.textContent = words;
    button.append(bubble);
    button.dataset.timer = setTimeout(function () { bubble.remove(); }, isDone ? SHOWN : 3 * SHOWN);
    say(words);
  }

  // navigator.clipboard is missing without HTTPS, and a browser may refuse to write to it.
  function copyBySelection(text) {
    const field = document.createElement("textarea");
    const focused = document.activeElement;
    field.value = text;
    field.readOnly = true;
    field.style.cssText = "position:fixed;top:0;opacity:0";
    document.body.append(field);
    field.select();
    let isDone = false;
    try {
      isDone = document.execCommand("copy");
    } catch {
      isDone = false;
    }
    field.remove();
    if (focused) focused.focus();
    return isDone;
  }

  async function copy(text) {
    if (navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch { /* The browser has refused: copy by selection instead. */ }
    }
    return copyBySelection(text);
  }

  document.addEventListener("click", async function (event) {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    event.preventDefault();
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    const isDone = await copy(source ? source.textContent : button.dataset.copy || "");
    show(button, isDone ? button.dataset.copied : button.dataset.failed, isDone);
    if (isDone) button.dispatchEvent(new CustomEvent("crm:copied", { bubbles: true }));
  });
})();
