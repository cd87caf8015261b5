/* The order's page: show which colleagues have the page open, and do not lose a typed note.
   Without this script the line about colleagues is missing, and a note is added only with its own button. */
(function () {
  "use strict";

  const EVERY = 20000; // milliseconds between two reports that the page is open

  function sayHere(line) {
    const form = document.getElementById("crm-undo-form");
    const secret = form?.querySelector("[name=csrfmiddlewaretoken]");
    if (!secret) return;
    let timer = null;

    function body(more) {
      const data = new FormData();
      data.set("csrfmiddlewaretoken", secret.value);
      data.set("since", line.dataset.since);
      if (more) data.set(more, "1");
      return data;
    }

    async function beat() {
      try {
        const answer = await fetch(line.dataset.url, { method: "POST", body: body(), credentials: "same-origin" });
        if (!answer.ok || answer.redirected) return;
        const html = (await answer.text()).trim();
        // A screen reader announces every new text, so the same text is not set again.
        if (html !== line.dataset.shown) {
          line.innerHTML = html;
          line.dataset.shown = html;
        }
      } catch {
        // Without a network the line is not updated. The next report tries again.
      }
    }

    function start() {
      if (timer !== null) return;
      beat();
      timer = setInterval(beat, EVERY);
    }

    function stop() {
      clearInterval(timer);
      timer = null;
    }

    document.addEventListener("visibilitychange", function () {
      if (document.hidden) stop();
      else start();
    });
    window.addEventListener("pagehide", function () {
      stop();
      navigator.sendBeacon(line.dataset.url, body("left"));
    });
    window.addEventListener("pageshow", function () {
      if (!document.hidden) start();
    });
    if (!document.hidden) start();
  }

  function keepNote() {
    const form = document.getElementById("order_form");
    let leaving = false;

    function typed() {
      const box = document.getElementById("crm-note-text");
      return box?.value.trim() ? box.value : "";
    }

    if (form) {
      form.addEventListener("submit", function () {
        leaving = true;
        form.querySelectorAll("[name=note_text]").forEach(function (old) { old.remove(); });
        if (!typed()) return;
        const field = document.createElement("input");
        field.type = "hidden";
        field.name = "note_text";
        field.value = typed();
        form.append(field);
      });
    }
    document.addEventListener("submit", function (event) {
      if (event.target.matches(".crm-note-form")) leaving = true;
    });
    document.addEventListener("htmx:afterSwap", function () { leaving = false; });
    window.addEventListener("beforeunload", function (event) {
      if (!leaving && typed()) event.preventDefault();
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    const line = document.getElementById("crm-presence");
    if (!line) return;
    sayHere(line);
    keepNote();
  });
})();
