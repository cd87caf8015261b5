/* An open order list keeps itself up to date: rows change in place, new orders are announced and shown when asked for,
   one tap moves an order on. Without this script every button and link works too, by loading a page. */
(function () {
  "use strict";

  const EVERY = 5000; // milliseconds between two questions
  const CLOCK = 60000; // how often "in 10 min" is read anew though nothing has changed
  const PAUSE = 1500; // milliseconds after a tap in which the row takes no other
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
    const place = "crm-list:" + location.pathname + location.search;
    let seen = head.dataset.seen;
    let since = sessionStorage.getItem("crm-list-since") || head.dataset.since;
    const announced = new Set(head.dataset.announced.split(","));
    let elsewhere = false;
    let here = [];
    let failures = 0;
    let refreshedAt = Date.now();
    let isBusy = false;

    /* --- rows */

    function rows() {
      const found = new Map();
      document.querySelectorAll("#result_list .crm-row-number[data-key]").forEach(function (mark) {
        found.set(mark.dataset.key, mark.closest("tbody"));
      });
      return found;
    }

    function versionOf(row) {
      return row.querySelector(".crm-row-number").dataset.version;
    }

    function updateRow(row, cells) {
      const focused = row.contains(document.activeElement) ? document.activeElement : null;
      const path = focused && (focused.getAttribute("href") || focused.getAttribute("formaction"));
      Object.entries(cells).forEach(function ([name, html]) {
        const cell = row.querySelector(".field-" + name + " .crm-cell");
        const fresh = document.createElement("template");
        fresh.innerHTML = html;
        if (cell && cell.outerHTML !== fresh.innerHTML) cell.replaceWith(fresh.content);
      });
      if (focused && !document.contains(focused)) {
        const again = Array.from(row.querySelectorAll("a, button")).find(
          (element) => path && (element.getAttribute("href") || element.getAttribute("formaction")) === path
        );
        (again || row.querySelector(".field-number_column a")).focus({ preventScroll: true });
      }
    }

    function showMessages(html, now) {
      const box = document.getElementById("crm-messages");
      if (!html?.trim()) return;
      box.innerHTML = html;
      document.getElementById("crm-undo-form").dataset.now = now;
      document.dispatchEvent(new Event("crm:messages"));
      box.scrollIntoView({ block: "nearest" });
    }

    /* Only a tap of one's own brings messages: those of another page are not ours to show. */
    async function refresh(keys, withMessages) {
      if (!keys.length && !withMessages) return;
      const query = new URLSearchParams({ keys: keys.join(",") });
      if (withMessages) query.set("messages", "1");
      const answer = await fetch(head.dataset.rows + "?" + query, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error("no rows");
      const said = await answer.json();
      const shown = rows();
      Object.entries(said.rows).forEach(function ([key, cells]) {
        const row = shown.get(key);
        if (!row) return;
        const isNew = versionOf(row) !== said.versions[key];
        updateRow(row, cells);
        if (isNew) {
          row.classList.add("crm-row-changed");
          setTimeout(() => row.classList.remove("crm-row-changed"), 2000);
        }
      });
      if (withMessages) showMessages(said.messages, said.now);
    }

    /* --- the question */

    function setCounts(counts) {
      document.querySelectorAll("[data-preset]").forEach(function (chip) {
        const figure = chip.querySelector(".crm-chip-count");
        const count = counts[chip.dataset.preset];
        if (figure && count !== undefined) figure.textContent = count;
      });
      setTitle(counts.new);
    }

    function setTitle(count) {
      document.title = count > 0 ? "(" + count + ") " + title : title;
    }

    function announce(said) {
      const fresh = said.new.filter((key) => !announced.has(key));
      fresh.forEach((key) => { announced.add(key); });
      here = said.here;
      elsewhere = said.new.length > said.here.length;
      news.hidden = said.new.length === 0;
      newsButton.textContent = said.words;
      if (fresh.length) sound.play();
    }

    async function ask() {
      const shown = rows();
      const query = new URLSearchParams(location.search);
      query.set("since", since);
      query.set("seen", seen);
      query.set("known", Array.from(shown.keys()).join(","));
      const answer = await fetch(head.dataset.pulse + "?" + query, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error("no answer");
      const said = await answer.json();
      if (said.counts) setCounts(said.counts);
      seen = said.changed;
      announce(said);
      if (document.hidden) return; // nobody looks: rows can wait, the sound can't
      let stale = Array.from(shown.keys()).filter((key) => said.versions[key] !== versionOf(shown.get(key)));
      if (Date.now() - refreshedAt > CLOCK) {
        stale = Array.from(shown.keys());
        refreshedAt = Date.now();
      }
      await refresh(stale, false);
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
      const row = button.closest("tbody");
      if (row.dataset.busy) return;
      row.dataset.busy = "1";
      button.disabled = true;
      const body = new FormData(document.getElementById("crm-undo-form"));
      if (button.name) body.set(button.name, button.value);
      try {
        const answer = await fetch(button.formAction, { method: "POST", body, headers: { "HX-Request": "true" } });
        if (!answer.ok || answer.redirected) {
          location.reload(); // logged out, or no right: the server's page says it
          return;
        }
        await refresh([row.querySelector(".crm-row-number").dataset.key], true);
      } catch {
        lost.textContent = head.dataset.failed;
        lost.hidden = false;
      }
      button.disabled = false;
      // The next button stands where this one was: an impatient second tap is not meant for it.
      setTimeout(() => delete row.dataset.busy, PAUSE);
    });

    /* --- new orders are shown when asked for: by the server's page, which knows where they belong */

    newsButton.addEventListener("click", function () {
      if (elsewhere && here.length) sessionStorage.setItem("crm-list-since", since);
      else sessionStorage.removeItem("crm-list-since");
      if (!here.length) {
        location.href = head.dataset.newUrl;
        return;
      }
      const ticked = Array.from(document.querySelectorAll("input.action-select:checked"), (box) => box.value);
      sessionStorage.setItem("crm-list-shown", JSON.stringify({
        place, ticked, known: Array.from(rows().keys()), announced: Array.from(announced),
      }));
      location.reload();
    });

    (function showFresh() {
      const shown = JSON.parse(sessionStorage.getItem("crm-list-shown") || "null");
      sessionStorage.removeItem("crm-list-shown");
      if (!shown || shown.place !== place) {
        sessionStorage.removeItem("crm-list-since");
        since = head.dataset.since;
        return;
      }
      shown.announced.forEach((key) => { announced.add(key); });
      // After the admin's own script has set up its boxes.
      window.addEventListener("load", function () {
        document.querySelectorAll("input.action-select").forEach(function (box) {
          if (shown.ticked.includes(box.value)) box.click();
        });
        let first = null;
        rows().forEach(function (row, key) {
          if (shown.known.includes(key)) return;
          row.classList.add("crm-fresh");
          first = first || row;
        });
        if (first) first.querySelector(".field-number_column a").focus();
      });
    })();

    /* --- sound: browsers play it only after a tap */

    const sound = (function () {
      const button = document.getElementById("crm-sound");
      const word = button.querySelector(".crm-sound-word");
      const sign = button.querySelector(".crm-sound-sign");
      let context = null;
      let isOn = localStorage.getItem("crm-sound") === "on";

      function show() {
        const isLocked = isOn && context?.state !== "running";
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

    document.addEventListener("click", function (event) {
      const link = event.target.closest("#result_list a");
      const row = link?.closest("tbody");
      const mark = row?.querySelector(".crm-row-number");
      if (mark) sessionStorage.setItem("crm-list-row", mark.dataset.key);
    });
    window.addEventListener("pagehide", function () {
      sessionStorage.setItem(place, JSON.stringify({ top: window.scrollY, at: Date.now() }));
    });
    const kept = JSON.parse(sessionStorage.getItem(place) || "null");
    const from = document.referrer ? new URL(document.referrer) : null;
    if (kept && Date.now() - kept.at < FORGET && from?.pathname.startsWith(location.pathname)
        && from.pathname !== location.pathname) {
      // Once more when all is laid out: until then the page may be too short for it.
      const goThere = () => window.scrollTo({ top: kept.top, behavior: "instant" });
      goThere();
      if (document.readyState !== "complete") window.addEventListener("load", () => setTimeout(goThere), { once: true });
    }
    const last = rows().get(sessionStorage.getItem("crm-list-row"));
    if (last) last.classList.add("crm-visited");

    setTitle(Number(head.dataset.new));
    setTimeout(beat, EVERY);
  });
})();
