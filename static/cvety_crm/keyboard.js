/* Keyboard shortcuts. They work only outside of fields and dialogs.
   Letters are identified by their position on the keyboard, so they work with the Russian layout too. */
(function () {
  "use strict";

  function isTyping(target) {
    return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], dialog[open]") !== null;
  }

  function rows() {
    return Array.from(document.querySelectorAll("#result_list .crm-no"));
  }

  function current() {
    const row = document.activeElement.closest?.("#result_list tr[data-row]");
    return row || null;
  }

  function step(by) {
    const links = rows();
    if (!links.length) {
      // The order's page has links to the orders beside it in the list.
      document.querySelector(`a[data-neighbour=${by > 0 ? "next" : "previous"}]`)?.click();
      return;
    }
    const row = current();
    const index = row ? links.findIndex((link) => row.contains(link)) : -1;
    const wanted = index < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(index + by, 0), links.length - 1);
    links[wanted].focus();
    links[wanted].closest("tr").scrollIntoView({ block: "nearest" });
  }

  function nextStep() {
    const row = current();
    const button = (row || (rows().length ? null : document))?.querySelector(".crm-next:not([disabled])");
    if (button) button.click();
  }

  function print() {
    const row = current();
    const action = document.querySelector("#changelist-form select[name=action]");
    if (row && action) {
      // Print the selected orders, or the current order if no order is selected.
      const box = row.querySelector("input.action-select");
      if (!document.querySelector("input.action-select:checked")) box.checked = true;
      action.value = "print_selected";
      action.form.requestSubmit();
      return;
    }
    const menu = document.querySelector("details.crm-print");
    if (menu) {
      menu.open = true;
      menu.querySelector("button").focus();
    }
  }

  function search() {
    const box = document.getElementById("searchbar");
    if (box) box.focus();
    else location.href = document.getElementById("crm-keys").dataset.list + "#searchbar";
  }

  const keys = {
    KeyJ: () => step(1),
    KeyK: () => step(-1),
    KeyS: nextStep,
    KeyP: print,
  };

  document.addEventListener("keydown", function (event) {
    const help = document.getElementById("crm-keys");
    if ((event.ctrlKey || event.metaKey) && event.code === "KeyK" && event.key.toLowerCase() !== "k") {
      event.preventDefault();
      window.dispatchEvent(new CustomEvent("opencommand")); // Unfold accepts only the Latin letter
      return;
    }
    if (!help || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "?" || (event.shiftKey && event.code === "Slash") || (event.shiftKey && event.code === "Digit7" && event.key === "?")) {
      help.showModal();
    } else if (event.key === "/" || (event.code === "Slash" && !event.shiftKey)) {
      search();
    } else if (keys[event.code] && !event.shiftKey) {
      keys[event.code]();
    } else {
      return;
    }
    event.preventDefault();
  });

  document.addEventListener("DOMContentLoaded", function () {
    if (location.hash === "#searchbar") document.getElementById("searchbar")?.focus();
  });
})();
