/* Shows a message when htmx could not send a request: otherwise a note would only seem to be saved. */
(function () {
  "use strict";

  document.addEventListener("DOMContentLoaded", function () {
    const box = document.getElementById("crm-messages");
    const said = document.getElementById("crm-connection-lost");
    if (!box || !said) return;
    function show() {
      box.replaceChildren(said.content.cloneNode(true));
      box.scrollIntoView({ block: "center" });
    }
    document.body.addEventListener("htmx:sendError", function (event) {
      // Pages that ask by themselves, and the order list, say it in their own way.
      if (!document.getElementById("crm-list-live") && event.detail.requestConfig && event.detail.requestConfig.verb !== "get") show();
    });
  });
})();
