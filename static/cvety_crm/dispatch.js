/* The dispatcher's page: drag orders to couriers, sort stops by dragging, and keep the selection while the page updates
   itself. Without this script the ticks and the buttons work, by loading a page. */
(function () {
  "use strict";

  const KEY = 22; // the length of an order's key; the value of a stop's box is longer
  const MISSED = 15000; // milliseconds without an update after which the page may be out of date

  document.addEventListener("DOMContentLoaded", function () {
    const page = document.getElementById("crm-dispatch-page");
    if (!page) return;
    const form = document.getElementById("crm-d-form");
    const poll = document.getElementById("crm-d-poll");
    const bar = document.getElementById("crm-d-chosen");
    const clear = bar.querySelector("[data-d-clear]");
    const fresh = document.getElementById("crm-dispatch-fresh");
    const stale = document.getElementById("crm-dispatch-stale");
    const said = document.getElementById("crm-dispatch-said");
    const selected = new Map(); // the value of each ticked box by the id of its card: the order and the courier it showed
    let drag = null; // the card that is dragged, or whose drop is being saved, and where it came from
    let focused = null;
    let seen = Date.now();

    /* --- the selection */

    function boxes() {
      return page.querySelectorAll("[data-d-list] input");
    }

    function cardOf(element) {
      return element.closest("[data-d-list] > li");
    }

    function showSelection() {
      const taken = [];
      const present = new Set();
      boxes().forEach(function (box) {
        const key = cardOf(box).id;
        present.add(key);
        // Another user has given the order to a courier: a tap must not take it away from there.
        if (selected.has(key) && selected.get(key) !== box.value) {
          selected.delete(key);
          taken.push(box.getAttribute("aria-label"));
        }
        box.checked = selected.has(key);
      });
      selected.forEach(function (_value, key) { if (!present.has(key)) selected.delete(key); });
      page.classList.toggle("crm-d-selecting", selected.size > 0);
      page.classList.toggle("crm-d-has-stops", Array.from(selected.values()).some((value) => value.length > KEY));
      page.querySelectorAll("[data-d-count]").forEach(function (one) {
        one.textContent = one.closest("#crm-d-chosen") ? selected.size : "(" + selected.size + ")";
      });
      if (taken.length) {
        said.textContent = page.dataset.taken.replace("{number}", taken.join(", "));
        said.hidden = false;
      }
    }

    function clearSelection() {
      selected.clear();
      showSelection();
      if (bar.contains(document.activeElement)) page.querySelector("[data-d-list] input")?.focus();
    }

    page.addEventListener("change", function (event) {
      if (!event.target.matches("[data-d-list] input")) return;
      const key = cardOf(event.target).id;
      if (event.target.checked) selected.set(key, event.target.value);
      else selected.delete(key);
      said.hidden = true;
      showSelection();
    });
    page.addEventListener("keydown", function (event) {
      if (event.key === "Enter" && event.target.matches("[data-d-list] input")) event.preventDefault();
    });
    clear.addEventListener("click", clearSelection);
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && selected.size && !document.querySelector("dialog[open]")) clearSelection();
    });

    /* --- dragging */

    function putBack() {
      if (drag?.card.isConnected) drag.from.insertBefore(drag.card, drag.next?.isConnected ? drag.next : null);
      drag = null;
      page.removeAttribute("aria-busy");
    }

    function post(values) {
      const secret = form.elements.csrfmiddlewaretoken.value;
      const date = form.elements.date.value;
      htmx.ajax("POST", form.action, { source: page, swap: "none", values: { csrfmiddlewaretoken: secret, date, ...values } });
    }

    function courierOf(list) {
      return list.dataset.dList;
    }

    function orderOf(card) {
      return card.id.slice("o".length);
    }

    function dropped(event) {
      page.classList.remove("crm-d-dragging");
      const to = event.to;
      const isSameCourier = courierOf(to) === courierOf(drag.from);
      const isMoved = event.from !== to || event.oldIndex !== event.newIndex;
      if (!isMoved || (isSameCourier && !courierOf(to))) {
        putBack();
        htmx.trigger(poll, "crm:refresh");
        return;
      }
      drag.isSaving = true;
      page.setAttribute("aria-busy", "true");
      if (isSameCourier) {
        const stops = Array.from(to.querySelectorAll(":scope > li"), orderOf);
        post({ route: courierOf(to), stop: stops });
        return;
      }
      const box = drag.card.querySelector("input");
      const next = drag.card.nextElementSibling;
      const values = { to: courierOf(to) || "none", order: selected.has(drag.card.id) ? Array.from(selected.values()) : [box.value] };
      if (courierOf(to) && next) values.before = orderOf(next);
      post(values);
    }

    // A finger drags a card by the side with the tick, and scrolls the page with the rest of the card.
    const isFinger = window.matchMedia("(pointer: coarse)").matches;
    const grip = isFinger ? { handle: "label" } : { filter: "a, button, label, input" };

    let sortables = [];

    function makeSortable() {
      // Sortable would drop cards into lists that an update has removed from the page.
      sortables.filter((one) => !one.el.isConnected).forEach(function (one) { one.destroy(); });
      sortables = Array.from(page.querySelectorAll("[data-d-list]"), (list) => Sortable.get(list) || sortable(list));
    }

    function sortable(list) {
      return Sortable.create(list, {
        group: { name: "orders", put: (to) => !to.el.hasAttribute("data-d-closed") },
        draggable: "li",
        ...grip,
        preventOnFilter: false,
        forceFallback: true, // the same behaviour with a finger and with a mouse
        fallbackOnBody: true,
        fallbackTolerance: 5,
        emptyInsertThreshold: 24,
        animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
        ghostClass: "crm-d-ghost",
        fallbackClass: "crm-d-moving",
        onStart: function (event) {
          drag = { card: event.item, from: event.from, next: event.item.nextElementSibling, isSaving: false };
          page.classList.add("crm-d-dragging");
        },
        onEnd: dropped,
      });
    }

    /* --- requests of htmx: the updates, and the requests after a tap or a drop */

    function showTime() {
      seen = Date.now();
      fresh.textContent = fresh.dataset.updated.replace("{time}", new Date().toTimeString().slice(0, 8));
      stale.hidden = true;
    }

    function showStale() {
      if (!stale.hidden) return;
      stale.textContent = stale.dataset.lost.replace("{time}", new Date(seen).toTimeString().slice(0, 5));
      stale.hidden = false;
    }

    function refresh() {
      makeSortable();
      showSelection();
      if (focused && document.activeElement === document.body) {
        const card = document.getElementById(focused.card);
        (card?.querySelector('[name="' + focused.name + '"]') || card?.querySelector("a, input"))?.focus({ preventScroll: true });
      }
      focused = null;
    }

    function isOurs(xhr) {
      return xhr.status === 204 || xhr.responseText.includes('id="crm-dispatch"');
    }

    function rememberFocus() {
      const card = document.activeElement && cardOf(document.activeElement);
      if (card) focused = { card: card.id, name: document.activeElement.name || "order" };
    }

    page.addEventListener("htmx:beforeRequest", function (event) {
      // An update must not change the page under a card that is being dragged.
      if (event.target === poll && drag) event.preventDefault();
    });
    page.addEventListener("htmx:beforeSwap", function (event) {
      const xhr = event.detail.xhr;
      if (event.target.closest("dialog")) return;
      if (event.target.id === "crm-dispatch" && (drag || !isOurs(xhr))) event.detail.shouldSwap = false;
      // A conflict brings the present state of the page, with the reason at the card.
      if (xhr.status === 409 && isOurs(xhr)) event.detail.shouldSwap = true;
      if (event.detail.shouldSwap) rememberFocus();
    });
    document.body.addEventListener("htmx:oobBeforeSwap", function (event) {
      if (event.target.id === "crm-dispatch") {
        // The card is put back first, because the swap compares the page with the page before the drop.
        putBack();
        rememberFocus();
      }
    });
    // This listener comes before those of the page, which keep some failures to themselves.
    document.body.addEventListener("htmx:afterRequest", function (event) {
      if (!isOurs(event.detail.xhr)) return;
      showTime();
      if (!drag) refresh();
    }, true);

    function failed(event, words, link) {
      // The card goes back, and the message is beside it (failed_tap.js shows other failures).
      event.stopPropagation();
      const card = drag.card;
      putBack();
      window.crmFailedTap.show(card, words, link);
    }

    ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
      page.addEventListener(name, function (event) {
        if (drag?.isSaving) failed(event, window.crmFailedTap.texts.lost);
        else if (event.target === poll) showStale();
      });
    });
    page.addEventListener("htmx:afterRequest", function (event) {
      const xhr = event.detail.xhr;
      if (!xhr.status) return; // no connection: reported above
      if (event.target === poll) {
        if (!isOurs(xhr)) showStale();
        return;
      }
      if (xhr.status === 409 && isOurs(xhr)) event.stopPropagation();
      else if (drag?.isSaving && window.crmFailedTap.isLoggedOut(xhr)) {
        failed(event, window.crmFailedTap.texts.out, window.crmFailedTap.loginUrl());
      } else if (drag?.isSaving) failed(event, window.crmFailedTap.texts.broken);
    });
    page.addEventListener("htmx:beforeOnLoad", function (event) {
      const detail = event.detail;
      const isMove = Boolean(detail.requestConfig.triggeringEvent?.submitter?.matches("[name=up], [name=down]"));
      // Orders that were assigned are not selected any more. Stops that were moved stay selected for the next move.
      if (detail.requestConfig.verb === "post" && !isMove && isOurs(detail.xhr)) selected.clear();
    });

    setInterval(function () { if (!document.hidden && Date.now() - seen > MISSED) showStale(); }, 1000);
    document.addEventListener("visibilitychange", function () {
      // A hidden page sends no requests. When it is visible again, it gets time for an update.
      if (!document.hidden) seen = Date.now() - MISSED / 2;
    });
    page.classList.add("crm-d-js");
    clear.hidden = false;
    showTime();
    refresh();
  });
})();
