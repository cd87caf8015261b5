/* A picture that the CRM is just fetching from the site is asked for again after a moment. Until then, and if it can't be
   fetched, the page shows a neutral square of the same size. */
(function () {
  "use strict";

  const DELAY = 1500; // milliseconds
  const MOST_TRIES = 6;

  function retry(picture) {
    if (!(picture instanceof HTMLImageElement) || !picture.classList.contains("crm-picture")) return;
    const tries = Number(picture.dataset.tries || 0) + 1;
    if (tries > MOST_TRIES) return;
    picture.dataset.tries = tries;
    const address = picture.src;
    setTimeout(function () {
      if (picture.isConnected && picture.src === address) picture.src = address;
    }, DELAY * tries);
  }

  // An error of an image does not bubble. Images may have failed before this script ran.
  document.addEventListener("error", (event) => retry(event.target), true);
  document.querySelectorAll("img.crm-picture").forEach(function (picture) {
    if (picture.complete && !picture.naturalWidth) retry(picture);
  });
})();
