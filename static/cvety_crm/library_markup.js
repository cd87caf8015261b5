/* What the markup of libraries lacks for screen readers, where no template of ours could say it. */
(function () {
  "use strict";

  // Django's two-column choice writes its hints on bare spans, and only when the page has been loaded.
  window.addEventListener("load", function () {
    setTimeout(function () {
      document.querySelectorAll("span.help-tooltip[aria-label]").forEach(function (hint) {
        hint.setAttribute("role", "img");
      });
    });
  });
})();
