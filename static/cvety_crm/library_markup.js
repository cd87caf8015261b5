/* Adds attributes for screen readers to markup of libraries that our templates can't change. */
(function () {
  "use strict";

  // Django's two-column choice puts its hints on plain spans, and only after the page has loaded.
  window.addEventListener("load", function () {
    setTimeout(function () {
      document.querySelectorAll("span.help-tooltip[aria-label]").forEach(function (hint) {
        hint.setAttribute("role", "img");
      });
    });
  });
})();
