/* Add attributes for screen readers to the HTML of libraries, which the templates of the CRM can't change. */
(function () {
  "use strict";

  // Django's widget with two columns of choices adds its hints as plain spans, after the page has been loaded.
  window.addEventListener("load", function () {
    setTimeout(function () {
      document.querySelectorAll("span.help-tooltip[aria-label]").forEach(function (hint) {
        hint.setAttribute("role", "img");
      });
    });
  });
})();
