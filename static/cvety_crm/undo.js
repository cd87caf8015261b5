/* Buttons that undo a status change: they show the remaining seconds and disappear at zero.
   The server decides whether the undo is possible; without this script the buttons only lack the seconds. */
(function () {
  "use strict";

  document.addEventListener("DOMContentLoaded", function () {
    const form = document.getElementById("crm-undo-form");
    if (!form) return;
    // The server's clock counts, because the clock of this device may be wrong.
    let ahead = Date.now() / 1000 - Number(form.dataset.now);
    let timer = 0;

    function tick() {
      const buttons = document.querySelectorAll("button[data-until]:not([hidden])");
      buttons.forEach(function (button) {
        const left = Math.ceil(Number(button.dataset.until) - (Date.now() / 1000 - ahead));
        button.hidden = left <= 0;
        button.querySelector(".crm-countdown").textContent = form.dataset.left.replace("{seconds}", left);
      });
      if (!buttons.length) clearInterval(timer);
    }

    function start() {
      clearInterval(timer);
      timer = setInterval(tick, 250);
      tick();
    }

    start();
    // An open page can get new messages (order_list.js).
    document.addEventListener("crm:messages", function () {
      ahead = Date.now() / 1000 - Number(form.dataset.now);
      start();
    });
  });
})();
