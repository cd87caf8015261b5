/* The order's page: unfold what a link or a changed input needs, and keep the place when a button reloads the page.
   Without this script sections are folded on every screen, and a button of a section returns to that section. */
(function () {
  "use strict";

  const STORED = "crm-order-place";
  const FRESH = 60000; // milliseconds in which the same page restores the place
  const CONTROLS = "a, button, summary";
  const SHOWN_FOR = 8000; // milliseconds in which the answer to a button stays at the bottom of the screen

  function unfold(target) {
    for (let one = target; one; one = one.parentElement?.closest("details")) {
      if (one.tagName === "DETAILS") one.open = true;
    }
    // The section of a link may be around the fold.
    if (target.matches("section.crm-fold")) target.querySelector("details").open = true;
  }

  function unfoldHash() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) unfold(target);
    return target;
  }

  // --- the place

  function near() {
    // The place is measured from the section at the top of the screen, because a message may move all of them.
    const parts = Array.from(document.querySelectorAll(".crm-page section[id]"));
    const part = parts.findLast((one) => one.getBoundingClientRect().top < 160) || null;
    return part ? { id: part.id, top: part.getBoundingClientRect().top } : null;
  }

  function focused() {
    const control = document.activeElement?.matches(CONTROLS) ? document.activeElement : null;
    const part = control?.closest(".crm-page section[id]");
    return part ? { id: part.id, position: Array.from(part.querySelectorAll(CONTROLS)).indexOf(control) } : null;
  }

  function remember() {
    const open = Array.from(document.querySelectorAll(".crm-page section[id]"))
      .filter((one) => one.querySelector(":scope > details:not(.crm-edit)")?.open)
      .map((one) => one.id);
    const place = { path: location.pathname, at: Date.now(), scroll: window.scrollY, near: near(), focused: focused(), open };
    try {
      sessionStorage.setItem(STORED, JSON.stringify(place));
    } catch {
      // Without storage the page starts at the section of the button.
    }
  }

  function remembered() {
    try {
      const place = JSON.parse(sessionStorage.getItem(STORED));
      sessionStorage.removeItem(STORED);
      const isReload = performance.getEntriesByType("navigation")[0]?.type === "reload";
      const isSame = document.referrer && new URL(document.referrer).pathname === location.pathname;
      return (isReload || isSame) && place?.path === location.pathname && Date.now() - place.at < FRESH ? place : null;
    } catch {
      return null;
    }
  }

  function restore(place) {
    document.querySelectorAll(".crm-page section[id] > details:not(.crm-edit)").forEach(function (one) {
      one.open = one.open || place.open.includes(one.parentElement.id);
    });
    const from = place.focused && document.getElementById(place.focused.id);
    from?.querySelectorAll(CONTROLS)[place.focused.position]?.focus({ preventScroll: true });
    // The answer leaves its place at the top of the page, which moves all sections. The browser would correct that too.
    const root = document.documentElement;
    root.style.overflowAnchor = "none";
    goTo(place);
    showAnswer();
    goTo(place);
    requestAnimationFrame(function () {
      requestAnimationFrame(function () { root.style.overflowAnchor = ""; });
    });
  }

  function goTo(place) {
    const part = place.near && document.getElementById(place.near.id);
    const top = part ? window.scrollY + part.getBoundingClientRect().top - place.near.top : place.scroll;
    window.scrollTo({ top, behavior: "instant" });
  }

  // The answer is at the top of the page, which may be off the screen.
  function showAnswer() {
    const said = document.getElementById("crm-messages");
    if (!said?.textContent.trim() || window.scrollY < 80) return;
    said.classList.add("crm-answer-below");
    setTimeout(function () { said.classList.remove("crm-answer-below"); }, SHOWN_FOR);
  }

  function start() {
    const page = document.querySelector(".crm-page");
    if (!page) return;
    if (matchMedia("(min-width: 1200px)").matches) {
      page.querySelectorAll("details[data-wide]").forEach(function (one) { one.open = true; });
    }

    window.addEventListener("pagehide", remember);
    const place = remembered();
    const target = unfoldHash();
    if (place) {
      restore(place);
      // The browser goes to the section of the address after this script.
      if (target) window.addEventListener("load", function () { restore(place); }, { once: true });
    }

    window.addEventListener("hashchange", unfoldHash);
    page.addEventListener("click", function (event) {
      const link = event.target.closest(".crm-index a");
      const target = link && document.getElementById(link.hash.slice(1));
      if (target) unfold(target);
    });

    const form = document.getElementById("order_form");
    form?.addEventListener("input", function () { form.dataset.changed = ""; });
    form?.addEventListener("change", function (event) {
      form.dataset.changed = "";
      const fold = event.target.closest(".crm-edit");
      if (fold) fold.open = true;
    });
    form?.addEventListener("reset", function () { delete form.dataset.changed; });
    // The first input of a block gets the focus when the block is unfolded by hand.
    form?.addEventListener("click", function (event) {
      const fold = event.target.closest(".crm-edit > summary")?.parentElement;
      if (!fold || fold.open) return;
      setTimeout(function () {
        fold.querySelector(".crm-edit-inputs :is(input:not([type=hidden], [type=checkbox]), textarea, select)")?.focus({ preventScroll: true });
      });
    });
  }

  document.addEventListener("DOMContentLoaded", start);
})();
