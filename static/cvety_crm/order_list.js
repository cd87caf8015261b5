/* The script of an open order list. htmx loads the changes of the list (templates/orders/list_head.html).
   Without this script every button and link also works, by loading a page. */
(function () {
  "use strict";

  const TAP_DELAY = 1500; // milliseconds after a tap during which another tap on the row is ignored
  const FORGET = 30 * 60000; // milliseconds after which the scroll position is not restored

  if (localStorage.getItem("crm-density") === "comfortable") document.documentElement.classList.add("crm-comfortable");

  // Ten columns need the whole width, so the menu is folded unless the user has unfolded it. This code runs before
  // Alpine, which reads the choice.
  if (window.innerWidth < 1600 && localStorage.getItem("sidebarDesktopOpen") === null) {
    localStorage.setItem("sidebarDesktopOpen", "0");
  }

  document.addEventListener("DOMContentLoaded", function () {
    const head = document.getElementById("crm-list-head");
    if (!head) return;
    const live = document.getElementById("crm-list-live");
    const news = document.getElementById("crm-news");
    const lost = document.getElementById("crm-lost");
    const messages = document.getElementById("crm-messages");
    const title = document.title;
    const place = "crm-list:" + location.pathname + location.search;
    const announced = new Set(head.dataset.announced.split(","));
    let failures = 0;
    let focusedRow = null;

    function keyOf(row) {
      return row.id.slice("row-".length);
    }

    function rows() {
      return new Map(Array.from(document.querySelectorAll("#result_list tr[data-row]"), (row) => [keyOf(row), row]));
    }

    function focusNumber(row) {
      row.querySelector(".crm-no").focus({ preventScroll: true });
    }

    function keysOf(text) {
      return text ? text.split(",") : [];
    }

    function say(text) {
      lost.textContent = text;
      lost.hidden = false;
    }

    function sayLoggedOut() {
      const link = document.createElement("a");
      link.href = window.crmFailedTap.loginUrl();
      link.textContent = window.crmFailedTap.texts.again;
      say(window.crmFailedTap.texts.outList + " ");
      lost.append(link);
    }

    function showTitle() {
      const count = Number(document.getElementById("crm-count-new")?.textContent);
      document.title = count > 0 ? "(" + count + ") " + title : title;
    }

    /* --- requests of htmx: the requests of the list (from `live`), and the requests after a tap */

    function isOurs(detail) {
      // The login page does not count as a response.
      return detail.successful && detail.pathInfo.responsePath?.split("?")[0] === detail.pathInfo.requestPath.split("?")[0];
    }

    function afterUpdate(detail) {
      const isFine = isOurs(detail);
      failures = isFine ? 0 : failures + 1;
      if (isFine) lost.hidden = true;
      else if (window.crmFailedTap.isLoggedOut(detail.xhr)) {
        if (!lost.querySelector("a") || lost.hidden) sayLoggedOut();
      } else if (failures === 2) say(head.dataset.lost + " · " + new Date().toTimeString().slice(0, 5));
      const fresh = keysOf(news.dataset.new).filter((key) => !announced.has(key));
      fresh.forEach((key) => { announced.add(key); });
      if (fresh.length) document.dispatchEvent(new CustomEvent("crm:new-order", { detail: { keys: fresh } }));
      showTitle();
    }

    const busy = new Set(); // the ids of rows with a tap; not attributes, because the response replaces those of the row

    function afterTap(detail) {
      // The button of the next step appears at the position of this button, and a second tap must not press it.
      setTimeout(() => busy.delete(detail.requestConfig.tappedRow), TAP_DELAY);
      // The message beside the button shows why a tap has failed (failed_tap.js).
      if (!detail.successful || window.crmFailedTap.isLoggedOut(detail.xhr)) return;
      if (!isOurs(detail)) location.reload();
      else messages.scrollIntoView({ block: "nearest" });
    }

    document.body.addEventListener("htmx:configRequest", function (event) {
      // The page is hidden, so the rows need no update now. New orders are still reported, because of the sound.
      if (event.target === live && document.hidden) event.detail.parameters.hidden = "1";
      // The server must know which rows the page shows, and their versions.
      if (event.target === live || messages.contains(event.target)) {
        event.detail.parameters.row = Array.from(rows().values(), (row) => row.dataset.row);
      }
    });
    document.body.addEventListener("htmx:beforeRequest", function (event) {
      const row = event.target.closest("#result_list tr[data-row]");
      if (!row) return;
      if (busy.has(row.id)) event.preventDefault();
      else {
        busy.add(row.id);
        event.detail.requestConfig.tappedRow = row.id;
      }
    });
    document.body.addEventListener("htmx:oobBeforeSwap", function (event) {
      const row = event.target.closest("#result_list tr[data-row]");
      if (row?.contains(document.activeElement)) focusedRow = row;
      const fresh = row && event.detail.fragment.querySelector("tr[data-row]");
      if (!fresh) return;
      // A ticked box stays ticked.
      fresh.querySelector(".action-select")?.toggleAttribute("checked", row.querySelector(".action-select").checked);
      if (fresh.dataset.row === row.dataset.row) return;
      row.classList.add("crm-row-changed");
      setTimeout(() => row.classList.remove("crm-row-changed"), 2000);
    });
    document.body.addEventListener("htmx:afterRequest", function (event) {
      // The element with the focus may have been replaced, but the row still exists.
      if (focusedRow && document.activeElement === document.body) focusNumber(focusedRow);
      focusedRow = null;
      if (event.target === live) afterUpdate(event.detail);
      else if (event.target.closest(".crm-bulk")) return; // the button shows its own result
      else if (event.detail.requestConfig.verb === "post") afterTap(event.detail);
    });

    // The buttons of the rows submit one form of the page. htmx sends it, and the response contains the changed rows.
    document.getElementById("crm-undo-form").addEventListener("submit", function (event) {
      if (!event.submitter?.closest("#result_list")) return;
      event.preventDefault();
      htmx.ajax("POST", event.submitter.getAttribute("formaction"), { source: event.submitter, swap: "none" });
    });

    /* --- new orders are shown after a press of the button, by a reload, because the server sorts the orders */

    document.getElementById("crm-news-button").addEventListener("click", function () {
      const here = keysOf(news.dataset.here);
      if (!here.length) {
        location.href = head.dataset.newUrl;
        return;
      }
      const ticked = Array.from(document.querySelectorAll("input.action-select:checked"), (box) => box.value);
      const since = keysOf(news.dataset.new).length > here.length ? live.elements.since.value : null;
      const known = Array.from(rows().keys());
      sessionStorage.setItem("crm-list-shown", JSON.stringify({ place, ticked, since, known, announced: Array.from(announced) }));
      location.reload();
    });

    function showFresh(shown) {
      shown.announced.forEach((key) => { announced.add(key); });
      if (shown.since) live.elements.since.value = shown.since; // new orders of other lists are still announced
      // This runs after the admin's own script has set up the boxes.
      window.addEventListener("load", function () {
        document.querySelectorAll("input.action-select").forEach(function (box) {
          if (shown.ticked.includes(box.value)) box.click();
        });
        const fresh = Array.from(rows()).filter(([key]) => !shown.known.includes(key)).map(([, row]) => row);
        fresh.forEach((row) => { row.classList.add("crm-fresh"); });
        if (fresh.length) fresh[0].querySelector(".crm-no").focus();
      });
    }

    const shown = JSON.parse(sessionStorage.getItem("crm-list-shown") || "null");
    sessionStorage.removeItem("crm-list-shown");
    if (shown?.place === place) showFresh(shown);

    /* --- lists without orders are folded, rows are comfortable or compact */

    const presets = document.getElementById("crm-presets");
    const more = document.getElementById("crm-more");
    document.getElementById("crm-select-all")?.addEventListener("click", () => document.getElementById("action-toggle").click());
    const density = document.getElementById("crm-density");
    presets.classList.add("crm-folded");
    more.hidden = false;
    more.addEventListener("click", function () {
      more.setAttribute("aria-expanded", String(!presets.classList.toggle("crm-folded")));
    });
    function showDensity() {
      density.setAttribute("aria-pressed", String(!document.documentElement.classList.contains("crm-comfortable")));
    }
    density.hidden = false;
    density.addEventListener("click", function () {
      const isComfortable = document.documentElement.classList.toggle("crm-comfortable");
      localStorage.setItem("crm-density", isComfortable ? "comfortable" : "compact");
      showDensity();
    });
    showDensity();
    presets.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

    /* --- bulk actions: the choice of all found orders, which lasts until a box is changed, and a missing action */

    const across = document.getElementById("crm-across");
    const acrossButton = across?.innerHTML;
    function selectPage() {
      if (!across?.querySelector("[name=selection]")) return;
      across.innerHTML = acrossButton;
      htmx.process(across);
    }
    document.getElementById("result_list")?.addEventListener("change", selectPage);
    document.getElementById("action-toggle")?.addEventListener("click", selectPage);
    across?.addEventListener("click", function (event) {
      if (event.target.closest("#crm-across-clear")) selectPage();
    });
    document.getElementById("changelist-form")?.addEventListener("submit", function (event) {
      const action = document.getElementById("crm-bulk-action");
      if (event.submitter?.name !== "index" || action.value) return;
      event.preventDefault();
      window.crmFailedTap.show(action, action.dataset.missing);
      action.focus();
    });

    /* --- the choice of a day */

    const day = document.getElementById("crm-day-input");
    head.classList.add("crm-scripted");
    day.addEventListener("change", function () {
      if (day.value) day.form.submit();
    });

    /* --- the return to the same scroll position */

    // The place is measured from rows, because a message moves all of them. A row may also leave the list, so those of
    // the whole screen are stored, and first the row of the opened order.
    function near() {
      const seen = Array.from(rows().values(), (row) => ({ key: keyOf(row), box: row.getBoundingClientRect() }))
        .filter(({ box }) => box.bottom > 0 && box.top < window.innerHeight)
        .map(({ key, box }) => ({ key, top: box.top }));
      const visited = seen.filter(({ key }) => key === sessionStorage.getItem("crm-list-row"));
      return visited.concat(seen);
    }

    function goTo(kept) {
      const known = rows();
      const part = kept.near.find(({ key }) => known.has(key));
      const top = part ? window.scrollY + known.get(part.key).getBoundingClientRect().top - part.top : kept.top;
      window.scrollTo({ top, behavior: "instant" });
    }

    document.addEventListener("click", function (event) {
      const row = event.target.closest("#result_list a.crm-no")?.closest("tr");
      if (row) sessionStorage.setItem("crm-list-row", keyOf(row));
    });
    window.addEventListener("pagehide", function () {
      sessionStorage.setItem(place, JSON.stringify({ top: window.scrollY, near: near(), at: Date.now() }));
    });
    const kept = JSON.parse(sessionStorage.getItem(place) || "null");
    const from = document.referrer ? new URL(document.referrer) : null;
    if (kept?.near && Date.now() - kept.at < FORGET && from?.pathname.startsWith(location.pathname)
        && from.pathname !== location.pathname) {
      // Scroll again when the page is complete, because before that the page may be too short.
      goTo(kept);
      if (document.readyState !== "complete") {
        window.addEventListener("load", () => setTimeout(() => goTo(kept)), { once: true });
      }
    }
    rows().get(sessionStorage.getItem("crm-list-row"))?.classList.add("crm-visited");
    showTitle();
  });
})();
