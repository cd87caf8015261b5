/* Suggestions below a text field during typing. The arrow keys mark a suggestion, Enter chooses it, Escape closes the
   list. The suggestions are requested from the server and inserted as text, never as HTML. */
(function () {
  "use strict";

  const TYPING_DELAY = 150; // milliseconds without a key before the request
  let lists = 0;

  /* options: url, isEnough(text), row(found) -> {title, details, isDim, picture}, choose(found), answered(found[], text) -> true
     if no list is needed, nothing (text without suggestions), extra(text) -> found or null, marksFirst (Enter chooses
     the first suggestion, even before the list is shown). Return {look, close}. */
  window.crmSuggestions = function (input, options) {
    const list = document.createElement("ul");
    list.id = "crm-suggestions-" + ++lists;
    list.className = "crm-suggestions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.labels?.length ? input.labels[0].textContent : "");
    list.hidden = true;
    input.insertAdjacentElement("afterend", list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", list.id);

    let found = [];
    let active = -1;
    let timer = null;
    let asked = null;
    let isAwaited = false; // Enter was pressed before the response came

    function close() {
      clearTimeout(timer);
      if (asked) asked.abort();
      isAwaited = false;
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function mark(position) {
      const rows = list.querySelectorAll("[role=option]");
      if (!rows.length) return;
      active = (position + rows.length) % rows.length;
      rows.forEach(function (row, at) { row.setAttribute("aria-selected", at === active ? "true" : "false"); });
      rows[active].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", rows[active].id);
    }

    function take(position) {
      const chosen = found[position];
      close();
      if (chosen) options.choose(chosen);
    }

    function show(rows, text) {
      const extra = options.extra ? options.extra(text) : null;
      found = extra ? rows.concat([extra]) : rows;
      list.replaceChildren();
      if (!rows.length) {
        const nothing = document.createElement("li");
        nothing.className = "crm-suggestion-none";
        nothing.setAttribute("role", "presentation");
        nothing.textContent = options.nothing;
        list.append(nothing);
      }
      found.forEach(function (one, position) {
        const words = options.row(one);
        const row = document.createElement("li");
        row.id = list.id + "-" + position;
        row.className = "crm-suggestion" + (words.isDim ? " crm-suggestion-dim" : "");
        row.setAttribute("role", "option");
        const title = document.createElement("span");
        title.textContent = words.title;
        const details = document.createElement("small");
        details.textContent = words.details;
        const text = document.createElement("div");
        text.append(title, details);
        if (words.picture !== undefined) row.append(picture(words.picture));
        row.append(text);
        // This runs before a tap takes the focus from the field, which would close the list.
        row.addEventListener("pointerdown", function (event) { event.preventDefault(); });
        row.addEventListener("click", function () { take(position); });
        list.append(row);
      });
      list.hidden = false;
      active = -1;
      input.setAttribute("aria-expanded", "true");
      // On a phone the bar at the bottom would cover the list (scroll-margin-bottom is its height).
      list.scrollIntoView({ block: "nearest" });
      if (options.marksFirst && found.length) mark(0);
    }

    // An empty address leaves a neutral square, so that the names stay in one column.
    function picture(address) {
      const shown = document.createElement(address ? "img" : "span");
      shown.className = "crm-picture crm-picture-40";
      if (address) {
        shown.alt = "";
        shown.width = shown.height = 40;
        shown.loading = "lazy";
        shown.src = address;
      }
      return shown;
    }

    function look() {
      const text = input.value.trim();
      if (asked) asked.abort();
      if (!options.isEnough(text)) return close();
      asked = new AbortController();
      fetch(options.url + "?q=" + encodeURIComponent(text), { signal: asked.signal, headers: { Accept: "application/json" } })
        .then(function (answer) { return answer.ok ? answer.json() : { found: [] }; })
        .then(function (answer) {
          if (options.answered?.(answer.found, text)) return close();
          if (isAwaited && answer.found.length) {
            found = answer.found;
            return take(0);
          }
          isAwaited = false;
          if (document.activeElement === input) show(answer.found, text);
        })
        .catch(function () { /* A newer request, or no network. The field works without suggestions. */ });
    }

    input.addEventListener("input", function () {
      clearTimeout(timer);
      isAwaited = false;
      timer = setTimeout(look, TYPING_DELAY);
    });
    input.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.metaKey) return;
      if (list.hidden && options.marksFirst && event.key === "Enter" && options.isEnough(input.value.trim())) {
        event.preventDefault();
        event.stopPropagation();
        clearTimeout(timer);
        isAwaited = true;
        return look();
      }
      if (list.hidden) return;
      if (event.key === "ArrowDown") mark(active + 1);
      else if (event.key === "ArrowUp") mark(active - 1);
      else if (event.key === "Enter" && active >= 0) take(active);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    input.addEventListener("blur", close);
    return { look: look, close: close };
  };
})();
