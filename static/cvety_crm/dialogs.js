/* Links with data-dialog open their page in the dialog of this page, beside the link. htmx loads it and sends its forms.
   Without this script the links open pages. */
(function () {
  "use strict";

  const GAP = 8; // pixels between the dialog and the edge of the window
  const WIDE = 640; // pixels; on a narrower screen the dialog is at the bottom

  document.addEventListener("DOMContentLoaded", function () {
    const dialog = document.getElementById("crm-dialog");
    if (!dialog) return;

    function place(link) {
      dialog.style.inset = "";
      if (window.innerWidth < WIDE) return;
      const from = link.getBoundingClientRect();
      const top = Math.min(from.bottom + 4, window.innerHeight - dialog.offsetHeight - GAP);
      const left = Math.min(from.left, window.innerWidth - dialog.offsetWidth - GAP);
      dialog.style.inset = Math.max(top, GAP) + "px auto auto " + Math.max(left, GAP) + "px";
    }

    function keepInWindow() {
      // Other contents, or an unfolded part, can be taller than those beside which the dialog was placed.
      if (!dialog.open || window.innerWidth < WIDE) return;
      const lowest = Math.max(window.innerHeight - dialog.offsetHeight - GAP, GAP);
      if (dialog.getBoundingClientRect().top > lowest) dialog.style.top = lowest + "px";
    }

    function fail() {
      const text = document.createElement("p");
      text.className = "crm-note crm-note-danger";
      text.setAttribute("role", "alert");
      text.textContent = dialog.dataset.failed;
      dialog.prepend(text);
    }

    async function open(link) {
      // A link in the dialog replaces its contents, and the dialog stays where it is.
      const from = dialog.contains(link) ? null : link;
      dialog.replaceChildren();
      if (from) {
        dialog.showModal();
        place(from);
      }
      await htmx.ajax("GET", link.href, { target: dialog, swap: "innerHTML" });
      if (from) place(from);
      dialog.querySelector("[aria-current], input:not([type=hidden]), select, button")?.focus();
    }

    document.addEventListener("click", function (event) {
      const link = event.target.closest("a[data-dialog]");
      if (event.target === dialog) dialog.close(); // a click beside the dialog
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      open(link);
    });

    dialog.addEventListener("toggle", keepInWindow, true);
    document.body.addEventListener("htmx:afterSwap", keepInWindow);
    document.body.addEventListener("htmx:afterRequest", function (event) {
      const detail = event.detail;
      if (!dialog.open || !dialog.contains(event.target)) return;
      if (detail.xhr.getResponseHeader("HX-Redirect")) return; // htmx opens another page
      if (!detail.successful && !detail.xhr.status) fail();
      else if (!detail.successful) location.reload(); // logged out or not permitted: the server's page shows the reason
      else if (detail.requestConfig.verb === "post" && !detail.xhr.getResponseHeader("HX-Retarget")) dialog.close();
    });
  });
})();
