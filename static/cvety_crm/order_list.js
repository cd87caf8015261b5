/* An open order list keeps itself up to date: rows change in place, new orders are announced and shown when asked for,
   one tap moves an order on. Without this script every button and link works too, by loading a page. */
(function () {
  "use strict";

  const EVERY = 5000; // milliseconds between two questions
  const CLOCK = 60000; // how often "in 10 min" is read anew though nothing has changed
  const FORGET = 30 * 60000; // a place in the list older than this is not returned to

  // Eleven columns need the width: until somebody has chosen, the menu is folded. This runs before the page is drawn.
  if (/\/orders\/order\/$/.test(location.pathname) && window.innerWidth < 1600
      && localStorage.getItem("sidebarDesktopOpen") === null) {
    localStorage.setItem("sidebarDesktopOpen", "0");
  }

  document.addEventListener("DOMContentLoaded", function () {
    const head = document.getElementById("crm-list-head");
    if (!head) return;

    const title = document.title;
    const news = document.getElementById("crm-news");
    const newsButton = document.getElementById("crm-news-button");
    const lost = document.getElementById("crm-lost");
    let seen = head.dataset.seen;
    let announced = new Set();
    let here = [];
    let failures = 0;
    let refreshedAt = Date.now();
    let isBusy = false;

    /* --- rows */

    function rowsOf(root) {
      const rows = new Map();
      root.querySelectorAll("#result_list .crm-row-number[data-key]").forEach(function (mark) {
        rows.set(mark.dataset.key, mark.closest("tbody"));
      });
      return rows;
    }

    function parse(html) {
      return new DOMParser().parseFromString(html, "text/html");
    }

    function signature(row) {
      // The box that selects a row, and what Alpine adds to it, are no change of the order.
      return Array.from(row.querySelectorAll(".crm-cell"), (cell) => cell.innerHTML).join("|");
    }

    function replaceRow(old, fresh) {
      const focused = old.contains(document.activeElement) ? document.activeElement : null;
      const pairs = Array.from(old.querySelectorAll("td, th"));
      const others = Array.from(fresh.querySelectorAll("td, th"));
      if (pairs.length !== others.length) return;
      const path = focused && (focused.getAttribute("href") || focused.getAttribute("formaction"));
      pairs.forEach(function (cell, index) {
        const one = cell.querySelector(".crm-cell");
        const two = others[index].querySelector(".crm-cell");
        if (one && two && one.innerHTML !== two.innerHTML) one.innerHTML = two.innerHTML;
      });
      if (focused && !document.contains(focused)) {
        const again = Array.from(old.querySelectorAll("a, button")).find(
          (element) => path && (element.getAttribute("href") || element.getAttribute("formaction")) === path
        );
        (again || old.querySelector(".field-number_column a")).focus({ preventScroll: true });
      }
      old.classList.add("crm-changed");
      setTimeout(() => old.classList.remove("crm-changed"), 2000);
    }

    function showMessages(page) {
      const fresh = page.getElementById("crm-messages");
      const place = document.getElementById("crm-messages");
      if (!fresh || !place || !fresh.textContent.trim()) return;
      place.innerHTML = fresh.innerHTML;
      const form = page.getElementById("crm-undo-form");
      if (form) document.getElementById("crm-undo-form").dataset.now = form.dataset.now;
      document.dispatchEvent(new Event("crm:messages"));
    }

    async function refresh() {
      const rows = rowsOf(document);
      refreshedAt = Date.now();
      const query = new URLSearchParams({ keys: Array.from(rows.keys()).join(",") });
      const answer = await fetch(location.pathname + "?" + query, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error("no list");
      const page = parse(await answer.text());
      const fresh = rowsOf(page);
      rows.forEach(function (row, key) {
        const other = fresh.get(key);
        if (other && signature(other) !== signature(row)) replaceRow(row, other);
      });
      showMessages(page);
    }

    async function showNew() {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = parse(await answer.text());
      const table = document.getElementById("result_list");
      const other = page.getElementById("result_list");
      if (!answer.ok || !table || !other) {
        location.reload();
        return;
      }
      const known = rowsOf(document);
      table.querySelectorAll("tbody").forEach((row) => row.remove());
      other.querySelectorAll("tbody").forEach(function (row) {
        const adopted = document.adoptNode(row);
        table.append(adopted);
        const mark = adopted.querySelector(".crm-row-number");
        if (mark && !known.has(mark.dataset.key)) adopted.classList.add("crm-fresh");
        if (window.htmx) window.htmx.process(adopted);
      });
      const head2 = page.getElementById("crm-list-head");
      if (head2) head.dataset.since = head2.dataset.since;
      announced = new Set(rowsOf(document).keys());
      news.hidden = true;
      const first = table.querySelector(".crm-fresh .field-number_column a");
      if (first) first.focus();
    }

    /* --- the question */

    function setCounts(counts) {
      document.querySelectorAll("[data-preset]").forEach(function (chip) {
        const place = chip.querySelector(".crm-chip-count");
        const count = counts[chip.dataset.preset];
        if (place && count !== undefined) place.textContent = count;
      });
      setTitle(counts.new);
    }

    function setTitle(count) {
      document.title = count > 0 ? "(" + count + ") " + title : title;
    }

    function announce(answer) {
      const fresh = answer.new.filter((key) => !announced.has(key));
      here = answer.here;
      news.hidden = answer.new.length === 0;
      newsButton.textContent = answer.words;
      if (fresh.length) {
        fresh.forEach((key) => announced.add(key));
        sound.play();
      }
    }

    async function ask() {
      const query = new URLSearchParams(location.search);
      query.set("since", head.dataset.since);
      query.set("seen", seen);
      query.set("known", Array.from(rowsOf(document).keys()).join(","));
      const answer = await fetch(head.dataset.pulse + "?" + query, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error("no answer");
      const said = await answer.json();
      if (said.is_changed) {
        setCounts(said.counts);
        announce(said);
        await refresh();
        seen = said.changed;
      } else if (Date.now() - refreshedAt > CLOCK) {
        await refresh();
      }
    }

    async function beat() {
      if (!isBusy) {
        isBusy = true;
        try {
          await ask();
          failures = 0;
          lost.hidden = true;
        } catch {
          failures += 1;
          if (failures === 2) {
            lost.textContent = head.dataset.lost + " · " + new Date().toTimeString().slice(0, 5);
            lost.hidden = false;
          }
        }
        isBusy = false;
      }
      setTimeout(beat, EVERY);
    }

    /* --- one tap moves an order on */

    document.addEventListener("click", async function (event) {
      const button = event.target.closest("button[data-live]");
      if (!button || event.defaultPrevented) return;
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      const body = new FormData(document.getElementById("crm-undo-form"));
      if (button.name) body.set(button.name, button.value);
      try {
        const answer = await fetch(button.formAction, { method: "POST", body, headers: { "HX-Request": "true" } });
        if (!answer.ok) throw new Error("refused");
        await refresh();
      } catch {
        location.reload(); // whatever went wrong, the server's page says it
      }
      button.disabled = false;
    });

    newsButton.addEventListener("click", function () {
      if (here.length) showNew();
      else location.href = head.dataset.newUrl;
    });

    /* --- sound: browsers play it only after a tap */

    const sound = (function () {
      const button = document.getElementById("crm-sound");
      const word = button.querySelector(".crm-sound-word");
      const sign = button.querySelector(".crm-sound-sign");
      let context = null;
      let isOn = localStorage.getItem("crm-sound") === "on";

      function show() {
        const isLocked = isOn && (!context || context.state !== "running");
        button.setAttribute("aria-pressed", String(isOn));
        button.classList.toggle("crm-locked", isLocked);
        sign.textContent = isOn && !isLocked ? "🔔" : "🔕";
        word.textContent = isLocked ? head.dataset.soundLocked : isOn ? head.dataset.soundOn : head.dataset.soundOff;
      }

      async function unlock() {
        context = context || new AudioContext();
        await context.resume();
        show();
      }

      function play() {
        if (!isOn || !context || context.state !== "running") return;
        [880, 1175].forEach(function (pitch, index) {
          const tone = context.createOscillator();
          const volume = context.createGain();
          const start = context.currentTime + index * 0.18;
          tone.frequency.value = pitch;
          volume.gain.setValueAtTime(0.25, start);
          volume.gain.exponentialRampToValueAtTime(0.001, start + 0.35);
          tone.connect(volume).connect(context.destination);
          tone.start(start);
          tone.stop(start + 0.4);
        });
        button.dataset.played = String(Number(button.dataset.played || 0) + 1);
      }

      button.addEventListener("click", async function () {
        isOn = !(isOn && context && context.state === "running");
        localStorage.setItem("crm-sound", isOn ? "on" : "off");
        if (isOn) {
          await unlock();
          play();
        }
        show();
      });
      document.addEventListener("pointerdown", function (event) {
        if (isOn && !event.target.closest("#crm-sound")) unlock();
      });
      button.hidden = false;
      show();
      return { play };
    })();

    /* --- another day */

    const day = document.getElementById("crm-day-input");
    head.classList.add("crm-scripted");
    day.addEventListener("change", function () {
      if (day.value) day.form.submit();
    });

    /* --- returning to the same place */

    const place = "crm-list:" + location.pathname + location.search;

    document.addEventListener("click", function (event) {
      const link = event.target.closest("#result_list a");
      const row = link && link.closest("tbody");
      const mark = row && row.querySelector(".crm-row-number");
      if (mark) sessionStorage.setItem("crm-list-row", mark.dataset.key);
    });
    window.addEventListener("pagehide", function () {
      sessionStorage.setItem(place, JSON.stringify({ top: window.scrollY, at: Date.now() }));
    });
    const kept = JSON.parse(sessionStorage.getItem(place) || "null");
    const from = document.referrer ? new URL(document.referrer) : null;
    if (kept && Date.now() - kept.at < FORGET && from && from.pathname.startsWith(location.pathname + "")
        && from.pathname !== location.pathname) {
      // Once more when all is laid out: until then the page may be too short for it.
      const goThere = () => window.scrollTo({ top: kept.top, behavior: "instant" });
      goThere();
      if (document.readyState !== "complete") window.addEventListener("load", () => setTimeout(goThere), { once: true });
    }
    const last = rowsOf(document).get(sessionStorage.getItem("crm-list-row"));
    if (last) last.classList.add("crm-visited");

    announced = new Set(rowsOf(document).keys());
    setTitle(Number(head.dataset.new));
    setTimeout(beat, EVERY);
  });
})();
