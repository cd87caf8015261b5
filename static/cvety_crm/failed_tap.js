/* If a tap fails, a message beside the tapped control says why: no connection, logged out, or the server's own words.
   Pages that update themselves report failures in their own place; only the login page is kept out of them. */
(function () {
  "use strict";

  const GAP = 8; // pixels between the control and the message, and to the edge of the screen
  let texts = null;
  let box = null;
  let tapped = null;

  function loginUrl() {
    return texts.login + "?next=" + encodeURIComponent(location.pathname + location.search);
  }

  // The login page, in place of the wanted response: the session has ended.
  function isLoggedOut(xhr) {
    return xhr.status === 401 || (Boolean(xhr.responseURL) && new URL(xhr.responseURL).pathname === texts.login);
  }

  function isPoll(element) {
    return (element.getAttribute("hx-trigger") || "").includes("every");
  }

  // The pages of errors have a heading and a sentence (templates/cvety_crm/message.html).
  function wordsOf(xhr) {
    const type = xhr.getResponseHeader("Content-Type") || "";
    if (!type.startsWith("text/html")) return texts.broken;
    const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
    const words = Array.from(page.querySelectorAll("main h1, main p"), (one) => one.textContent.trim()).filter(Boolean);
    return words.length ? words.join(". ").replace(/([.!?])\./g, "$1") : texts.broken;
  }

  function hide() {
    if (box) box.remove();
    box = null;
  }

  function place(control) {
    const near = control.isConnected ? control.getBoundingClientRect() : { left: GAP, bottom: window.innerHeight / 2, top: 0 };
    const width = document.documentElement.clientWidth;
    const left = Math.max(GAP, Math.min(near.left, width - box.offsetWidth - GAP));
    const below = near.bottom + GAP;
    const isTooLow = below + box.offsetHeight > window.innerHeight - GAP;
    const top = isTooLow ? Math.max(GAP, near.top - box.offsetHeight - GAP) : below;
    box.style.left = left + window.scrollX + "px";
    box.style.top = top + window.scrollY + "px";
  }

  function show(control, words, link) {
    hide();
    box = document.createElement("div");
    box.className = "crm-tap-failed";
    box.setAttribute("role", "alert");
    const said = document.createElement("p");
    said.textContent = words;
    box.append(said);
    if (link) {
      const again = document.createElement("a");
      again.className = "crm-button";
      again.href = link;
      again.textContent = texts.again;
      box.append(again);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "crm-button";
    close.textContent = texts.close;
    close.addEventListener("click", function () {
      hide();
      if (control.isConnected) control.focus();
    });
    box.append(close);
    // A modal dialog covers the rest of the page, so the message belongs into it.
    (control.closest("dialog[open]") || document.body).append(box);
    place(control);
  }

  function controlOf(event) {
    const element = event.detail.elt;
    const submitter = event.detail.requestConfig?.triggeringEvent?.submitter;
    return submitter || (tapped?.isConnected && element.contains(tapped) ? tapped : element);
  }

  function report(control, xhr) {
    if (isLoggedOut(xhr)) show(control, texts.out, loginUrl());
    else if (xhr.status >= 400) show(control, wordsOf(xhr));
  }

  document.addEventListener("pointerdown", function (event) { tapped = event.target.closest("button, a, input, select"); });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") hide();
    else tapped = event.target.closest?.("button, a, input, select") || null;
  });

  document.addEventListener("DOMContentLoaded", function () {
    const source = document.getElementById("crm-texts");
    if (!source) return;
    texts = source.dataset;
    window.crmFailedTap = { isLoggedOut, loginUrl, show, hide, texts };
    document.body.addEventListener("htmx:beforeSwap", function (event) {
      if (isLoggedOut(event.detail.xhr)) event.detail.shouldSwap = false;
    });
    document.body.addEventListener("htmx:beforeRequest", function (event) {
      if (!isPoll(event.detail.elt)) hide();
    });
    ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
      document.body.addEventListener(name, function (event) {
        if (!isPoll(event.detail.elt)) show(controlOf(event), texts.lost);
      });
    });
    document.body.addEventListener("htmx:afterRequest", function (event) {
      if (!isPoll(event.detail.elt)) report(controlOf(event), event.detail.xhr);
    });
  });
})();
