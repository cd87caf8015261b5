/* What a user types into a form survives a reload, an ended session and a failed network: it is stored in this browser
   until the form is saved. This concerns the pages of the admin, the dialogs of django-unfold (#dialog), and forms with
   the attribute data-draft. With data-draft-with="<id>" a form is also sent by the form with this id. */
(function () {
  "use strict";

  const FORMS = "form[data-draft], form.warn-unsaved-form, #dialog form";
  const WAIT = 300; // milliseconds after a key is pressed
  const LABELS = 6; // names of restored fields in the notice
  const store = window.crmDraftStorage;
  const values = window.crmFormValues;
  const known = new Map(); // the forms of this page
  let texts = null;
  let isLeaving = false;

  function keyOf(form) {
    const url = form.getAttribute("hx-post") || form.getAttribute("action") || location.href;
    return texts.user + ":" + new URL(url, location.href).pathname;
  }

  function newId() {
    return Math.random().toString(36).slice(2, 12);
  }

  function keep(one) {
    if (isLeaving || !one.isTouched || !one.form.isConnected) return;
    clearTimeout(one.timer);
    const changes = values.changes(one.form, one.carried, one.isRefused);
    one.isEmpty = !Object.keys(changes).length;
    if (one.isEmpty) store.forget(localStorage, one.key);
    else store.keep(localStorage, one.key, { id: one.id, isSent: one.isSent, changes });
  }

  function keepAll() {
    known.forEach(keep);
  }

  function touch(form) {
    const one = known.get(form);
    if (!one) return;
    one.isTouched = true;
    // The server will name the id of the sent draft as saved, which does not hold for what is typed after that.
    if (one.isSent) one.id = newId();
    one.isSent = false;
    clearTimeout(one.timer);
    one.timer = setTimeout(() => keep(one), WAIT);
  }

  function discard(one) {
    store.forget(localStorage, one.key);
    one.isTouched = false;
    keepAll(); // what is typed in the other forms of the page
    isLeaving = true;
    location.reload();
  }

  function announce(one, done) {
    const note = document.createElement("div");
    note.className = "crm-note crm-note-warn crm-restored";
    note.setAttribute("role", "status");
    const words = document.createElement("p");
    const labels = Array.from(new Set(done.labels.filter(Boolean)));
    const more = labels.length > LABELS ? "…" : "";
    words.textContent = texts.restored + (labels.length ? ": " + labels.slice(0, LABELS).join(", ") + more : "");
    note.append(words);
    done.homeless.forEach(function (text) {
      const line = document.createElement("p");
      line.textContent = texts.homeless + " " + text;
      note.append(line);
    });
    const button = document.createElement("button");
    button.type = "button";
    button.className = "crm-button";
    button.textContent = texts.discard;
    button.addEventListener("click", () => discard(one));
    note.append(button);
    const page = one.form.matches(".warn-unsaved-form") && document.getElementById("content-main");
    (page || one.form).prepend(note);
  }

  function restore(one, draft) {
    const done = values.restore(one.form, draft.changes);
    if (!done.labels.length && !done.homeless.length) {
      store.forget(localStorage, one.key); // all of it has been saved by other means
      return;
    }
    one.id = draft.id;
    touch(one.form);
    announce(one, done);
  }

  // A form that is shown again after a refusal has its values from the server.
  function carry(one, draft) {
    one.id = draft.id;
    one.isRefused = one.isTouched = true;
    one.carried = new Set(Object.keys(draft.changes));
    keep(one);
  }

  // A dialog keeps its form, and only the fields are replaced by those of a refused form.
  function meetAnswer(one, isAnswer) {
    const draft = isAnswer && one.isSent ? store.find(localStorage, one.key) : null;
    if (!draft || !values.showsAgain(one.form, draft.changes)) return;
    one.isSent = false;
    carry(one, draft);
  }

  function adopt(form, isAnswer) {
    if (known.has(form)) {
      meetAnswer(known.get(form), isAnswer);
      return;
    }
    const one = { form, key: keyOf(form), id: newId(), carried: new Set(), isTouched: false, isSent: false, isRefused: false, isEmpty: true, timer: null };
    known.set(form, one);
    const draft = store.find(localStorage, one.key);
    if (!draft) return;
    if (isAnswer && values.showsAgain(form, draft.changes)) carry(one, draft);
    else if (isAnswer && draft.isSent && form.hasAttribute("hx-post")) store.forget(localStorage, one.key);
    else restore(one, draft);
  }

  // --- saving

  function attach(form, one) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "draft";
    field.value = one.id;
    form.append(field);
  }

  // Marks the drafts that a form sends. The server remembers their ids if it has saved them (cvety_crm/drafts.py).
  function send(form) {
    form.querySelectorAll("input[name=draft]").forEach((old) => { old.remove(); });
    known.forEach(function (one) {
      if (one.form !== form && one.form.dataset.draftWith !== form.id) return;
      one.isSent = true;
      keep(one);
      if (one.isTouched && !one.isEmpty) attach(form, one);
    });
  }

  // Returns whether a successful answer of htmx means that the form was saved.
  function isSaved(form, xhr) {
    return form.getAttribute("hx-swap") === "none" && !xhr.getResponseHeader("HX-Retarget");
  }

  function comesBack(form) {
    const one = known.get(form);
    if (!one) return;
    one.isSent = false;
    keep(one);
  }

  document.addEventListener("submit", function (event) {
    const isStopped = event.defaultPrevented && !event.target.hasAttribute("hx-post");
    if (known.has(event.target) && !isStopped) send(event.target);
  });

  // The browser would ask whether to leave the page, although nothing is lost.
  window.addEventListener("beforeunload", function (event) {
    if (isLeaving) event.stopImmediatePropagation();
  }, true);
  document.addEventListener("click", function (event) {
    if (!event.target.closest(".crm-tap-failed a")) return;
    keepAll();
    isLeaving = true;
  });
  window.addEventListener("pagehide", keepAll);
  document.addEventListener("visibilitychange", keepAll);
  window.addEventListener("pageshow", function (event) {
    // The browser's Back button shows the page in its last state, of which the draft may have been saved since.
    if (!event.persisted) return;
    isLeaving = false;
    known.forEach((one) => { Object.assign(one, { id: newId(), isTouched: false, isSent: false }); });
  });

  document.addEventListener("DOMContentLoaded", function () {
    const source = document.getElementById("crm-texts");
    if (!source) return;
    texts = source.dataset;
    const saved = texts.saved.split(" ");
    store.sweep((draft) => saved.includes(draft.id));
    const adoptAll = function (within, isAnswer) { within.querySelectorAll(FORMS).forEach((form) => { adopt(form, isAnswer); }); };
    // The rows of formsets are added by scripts that begin on this event too.
    setTimeout(() => adoptAll(document, texts.posted === "yes"));
    ["input", "change"].forEach(function (kind) {
      document.addEventListener(kind, (event) => { touch(event.target.form); });
    });
    // A field with suggestions reports its changes only through jQuery.
    window.django?.jQuery?.(document).on("change", "select", (event) => { touch(event.target.form); });

    document.body.addEventListener("htmx:afterSwap", () => { setTimeout(() => adoptAll(document, true)); });
    ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach(function (name) {
      document.body.addEventListener(name, (event) => { comesBack(event.detail.elt); });
    });
    document.body.addEventListener("htmx:afterRequest", function (event) {
      const one = known.get(event.detail.elt);
      if (!one?.isSent) return;
      const { successful, xhr } = event.detail;
      const isReloaded = xhr.status === 200 && xhr.getResponseHeader("HX-Refresh"); // `successful` is not set then
      if (!isReloaded && (!successful || window.crmFailedTap.isLoggedOut(xhr))) comesBack(one.form);
      else if (isReloaded || isSaved(one.form, xhr)) {
        one.isTouched = false;
        store.forget(localStorage, one.key);
      }
    });
  });
})();
