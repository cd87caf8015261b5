/* The day board shows the time of its last update, and an alert if updates fail.
   htmx sends a request every ten seconds while the page is visible (templates/orders/board.html). */
(function () {
  "use strict";

  const page = document.querySelector("[data-board]");
  if (!page) return;
  const fresh = page.querySelector("[data-board-fresh]");
  const stale = page.querySelector("[data-board-stale]");
  const full = page.querySelector("[data-board-full]");
  const MISSED = Number(page.dataset.seconds) * 2500; // milliseconds: the time of two and a half updates
  let seen = Date.now();

  function time() {
    return document.getElementById("crm-board").dataset.time;
  }

  function isFresh() {
    seen = Date.now();
    fresh.textContent = fresh.dataset.updated.replace("{time}", time());
    fresh.hidden = false;
    stale.hidden = true;
    page.classList.remove("crm-board-is-stale");
  }

  function isStale(text) {
    const words = text.replace("{time}", time().slice(0, 5));
    // The text is written only if it differs, because a screen reader would read it again after each attempt.
    if (stale.hidden || stale.textContent !== words) stale.textContent = words;
    stale.hidden = false;
    fresh.hidden = true;
    page.classList.add("crm-board-is-stale");
  }

  // If the response is the login page, the old board is kept and marked as old.
  function isBoard(xhr) {
    return xhr.responseText.includes('id="crm-board"');
  }

  page.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.elt === page && !isBoard(event.detail.xhr)) event.detail.shouldSwap = false;
  });
  page.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.elt !== page) return; // a button of an order
    if (!event.detail.successful) isStale(stale.dataset.lost);
    else if (isBoard(event.detail.xhr)) isFresh();
    else isStale(stale.dataset.login);
  });
  setInterval(function () {
    if (!document.hidden && stale.hidden && Date.now() - seen > MISSED) isStale(stale.dataset.lost);
  }, 1000);
  document.addEventListener("visibilitychange", function () {
    // A hidden page sends no requests. When it is visible again, it gets time for an update before it counts as old.
    if (!document.hidden) seen = Date.now() - MISSED / 2;
  });

  if (document.fullscreenEnabled) {
    const words = full.lastElementChild;
    const enter = words.textContent;
    full.hidden = false;
    document.addEventListener("fullscreenchange", function () {
      words.textContent = document.fullscreenElement ? full.dataset.exit : enter;
    });
    full.addEventListener("click", function () {
      if (document.fullscreenElement) document.exitFullscreen();
      else page.requestFullscreen();
    });
  }
  isFresh();
})();
