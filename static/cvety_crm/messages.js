/* Messages to customers and recipients: choose the language, and record a tap on the order's timeline. A tap on a link
   to WhatsApp is recorded without delaying the link, a copy when the text has been copied (copy.js).
   Without this script the links work, in the language that was last used, but nothing is recorded. */
(function () {
  "use strict";

  async function record(control, channel) {
    const row = control.closest("[data-message]");
    const secret = document.querySelector("#crm-undo-form [name=csrfmiddlewaretoken]");
    if (!row || !secret) return;
    const said = row.querySelector("[data-message-sent]");
    const data = new FormData();
    data.set("csrfmiddlewaretoken", secret.value);
    data.set("language", control.closest("[data-language]").dataset.language);
    data.set("channel", channel);
    let text = row.closest("[data-messages]").dataset.failed;
    let isDone = false;
    try {
      // A phone may put this page to sleep as soon as WhatsApp opens: `keepalive` sends the request all the same.
      const answer = await fetch(row.dataset.message, { method: "POST", body: data, credentials: "same-origin", keepalive: true });
      isDone = answer.ok && !answer.redirected;
      if ((answer.headers.get("Content-Type") || "").startsWith("text/plain")) text = await answer.text();
    } catch {
      // Without a network the text says that nothing was recorded.
    }
    said.textContent = text;
    said.toggleAttribute("data-refused", !isDone);
  }

  document.addEventListener("change", function (event) {
    if (!event.target.matches("[data-message-language]")) return;
    event.target.closest("[data-messages]").querySelectorAll("[data-language]").forEach(function (one) {
      one.hidden = one.dataset.language !== event.target.value;
    });
  });

  function tapped(event) {
    const link = event.target.closest("a[data-message-channel]");
    if (link && event.button < 2) record(link, link.dataset.messageChannel);
  }

  document.addEventListener("click", tapped);
  document.addEventListener("auxclick", tapped); // the middle button opens a link too
  document.addEventListener("crm:copied", function (event) { record(event.target, "copy"); });
})();
