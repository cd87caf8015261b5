/* The drafts of forms, stored only in this browser. A draft contains names and phones, so it is deleted after a day and
   when a user logs out, also in the browser's other tabs. */
(function () {
  "use strict";

  const PREFIX = "crm-draft-1:"; // another number makes stored drafts unreadable, if their form has changed
  const LOGGED_OUT = "crm-logged-out";
  const KEPT = 24 * 60 * 60 * 1000; // milliseconds
  const opened = Date.now();
  const storages = function () { return [localStorage, sessionStorage]; };

  // Without storage, or if it is full, there are no drafts, and the forms work as they do without this script.
  function tried(work) {
    try {
      return work();
    } catch {
      return null;
    }
  }

  function loggedOutAt() {
    return tried(() => Number(localStorage.getItem(LOGGED_OUT))) || 0;
  }

  function parsed(text) {
    const found = tried(() => JSON.parse(text));
    const isCurrent = found && found.at > Date.now() - KEPT && found.at > loggedOutAt();
    return isCurrent ? found.draft : null;
  }

  // Deletes the drafts for which `isOver` is true, and all drafts that are too old.
  function sweep(isOver) {
    tried(function () {
      storages().forEach(function (storage) {
        Object.keys(storage).filter((name) => name.startsWith(PREFIX)).forEach(function (name) {
          const draft = parsed(storage.getItem(name));
          if (!draft || isOver(draft)) storage.removeItem(name);
        });
      });
    });
  }

  window.crmDraftStorage = {
    find: function (storage, key) { return tried(() => parsed(storage.getItem(PREFIX + key))); },
    forget: function (storage, key) { tried(() => storage.removeItem(PREFIX + key)); },
    keep: function (storage, key, draft) {
      // A page that is still open after a logout in another tab stores nothing any more.
      if (loggedOutAt() < opened) tried(() => storage.setItem(PREFIX + key, JSON.stringify({ at: Date.now(), draft })));
    },
    sweep,
  };

  document.addEventListener("submit", function (event) {
    if (event.target.id !== "logout-form") return;
    tried(() => localStorage.setItem(LOGGED_OUT, String(Date.now())));
    sweep(() => true);
  });
  window.addEventListener("storage", function (event) {
    if (event.key === LOGGED_OUT) sweep(() => true);
  });
  sweep(() => false);
})();
