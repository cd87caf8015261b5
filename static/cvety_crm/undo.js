/* Buttons that take a status back: they say how many seconds are left, and vanish when none is.
   Whether it can be taken back is decided by the server; without this script the buttons only lack the figure. */
(function () {
  "use strict";

  document.addEventListener("DOMContentLoaded", function () {
    const form = document.getElementById("crm-undo-form");
    if (!form) return;
    // Counted by the server's clock: the one of this device may be wrong.
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
    // A page that stays open got new messages (order_list.js).
    document.addEventListener("crm:messages", function () {
      ahead = Date.now() / 1000 - Number(form.dataset.now);
      start();
    });
  });
})();
