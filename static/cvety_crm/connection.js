/* Show a message if htmx could not send a request. Without the message, a note would only seem to be saved. */
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
      // GET requests are sent by pages that update themselves. They and the order list show their own messages.
      if (!document.getElementById("crm-list-live") && event.detail.requestConfig && event.detail.requestConfig.verb !== "get") show();
    });
  });
})();
