/* Buttons that undo a status change show the remaining seconds and are hidden at zero.
   The server decides whether the undo is possible. Without this script the buttons are not updated and not hidden. */
(function () {
  "use strict";

  document.addEventListener("DOMContentLoaded", function () {
    const messages = document.getElementById("crm-messages");
    if (!messages) return;
    let now = "";
    let ahead = 0; // seconds
    let timer = 0;

    function tick() {
      const buttons = document.querySelectorAll("button[data-until]:not([hidden])");
      buttons.forEach(function (button) {
        const left = Math.ceil(Number(button.dataset.until) - (Date.now() / 1000 - ahead));
        button.hidden = left <= 0;
        button.querySelector(".crm-countdown").textContent = messages.dataset.left.replace("{seconds}", left);
      });
      if (!buttons.length) clearInterval(timer);
    }

    function start() {
      // The server's time is used, because the clock of this device may be wrong.
      now = messages.dataset.now;
      ahead = Date.now() / 1000 - Number(now);
      clearInterval(timer);
      timer = setInterval(tick, 250);
      tick();
    }

    start();
    // The open page may have received new messages.
    document.body.addEventListener("htmx:afterRequest", function () {
      if (messages.dataset.now !== now) start();
    });
  });
})();
