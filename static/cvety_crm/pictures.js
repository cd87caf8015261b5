/* A picture that the CRM is just fetching from the site is asked for again after a moment. Until then, and if it can't be
   fetched, the page shows a neutral square of the same size. */
(function () {
  "use strict";

  const DELAY = 1500; // milliseconds
  const MOST_TRIES = 6;

  // An error of an image does not bubble.
  document.addEventListener("error", function (event) {
    const picture = event.target;
    if (!(picture instanceof HTMLImageElement) || !picture.classList.contains("crm-picture")) return;
    const tries = Number(picture.dataset.tries || 0) + 1;
    if (tries > MOST_TRIES) return;
    picture.dataset.tries = tries;
    const address = picture.src;
    setTimeout(function () {
      if (picture.isConnected && picture.src === address) picture.src = address;
    }, DELAY * tries);
  }, true);
})();
