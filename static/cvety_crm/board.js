/* The day board: says when it was last brought up to date, and says aloud when it no longer is.
   htmx asks every ten seconds while the page is seen (templates/orders/board.html). */
(function () {
  "use strict";

  const page = document.querySelector("[data-board]");
  if (!page) return;
  const fresh = page.querySelector("[data-board-fresh]");
  const stale = page.querySelector("[data-board-stale]");
  const full = page.querySelector("[data-board-full]");
  const MISSED = Number(page.dataset.seconds) * 2500; // ms: two updates and a half
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
    // Written once: a screen reader would repeat it with each attempt.
    if (stale.hidden || stale.textContent !== words) stale.textContent = words;
    stale.hidden = false;
    fresh.hidden = true;
    page.classList.add("crm-board-is-stale");
  }

  // A page to log in is no board: what is shown stays, marked as old.
  function isBoard(xhr) {
    return xhr.responseText.includes('id="crm-board"');
  }

  page.addEventListener("htmx:beforeSwap", function (event) {
    if (!isBoard(event.detail.xhr)) event.detail.shouldSwap = false;
  });
  page.addEventListener("htmx:afterRequest", function (event) {
    if (!event.detail.successful) isStale(stale.dataset.lost);
    else if (isBoard(event.detail.xhr)) isFresh();
    else isStale(stale.dataset.login);
  });
  setInterval(function () {
    if (!document.hidden && stale.hidden && Date.now() - seen > MISSED) isStale(stale.dataset.lost);
  }, 1000);
  document.addEventListener("visibilitychange", function () {
    // A hidden page does not ask; it is given the time of one update before it counts as old.
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
