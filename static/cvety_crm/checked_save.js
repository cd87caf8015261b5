/* Before a form with a draft leaves the page, ask the server whether the user is still logged in. If there is no answer,
   a message beside the button says why, and the page with everything that was typed stays.
   htmx sends its own forms and reports their failures (failed_tap.js). */
(function () {
  "use strict";

  const FORMS = "form[data-draft]:not([hx-post]), form.warn-unsaved-form, #new-order-form";
  const LONGEST_WAIT = 15000; // milliseconds
  const checking = new WeakSet();
  const checked = new WeakSet();

  async function session(texts) {
    const answer = await fetch(texts.session, { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(LONGEST_WAIT) });
    if (answer.status === 401) return null;
    // Any other error is shown by the page that answers the form itself.
    return answer.ok ? await answer.json() : { user: texts.user };
  }

  async function check(form, button) {
    const { loginUrl, show, hide, texts } = window.crmFailedTap;
    const control = button || form;
    let found;
    hide();
    try {
      found = await session(texts);
    } catch {
      show(control, texts.lost);
      return false;
    }
    if (found === null) show(control, texts.out, loginUrl());
    else if (found.user !== texts.user) show(control, texts.otherUser);
    else {
      // After a login in another tab, the token of this page is no longer valid.
      if (found.token) document.querySelectorAll("[name=csrfmiddlewaretoken]").forEach((field) => { field.value = found.token; });
      return true;
    }
    return false;
  }

  document.addEventListener("submit", async function (event) {
    const form = event.target;
    if (!form.matches(FORMS) || checked.has(form) || !window.crmFailedTap) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (checking.has(form)) return;
    const button = event.submitter;
    checking.add(form);
    const isFine = await check(form, button);
    checking.delete(form);
    if (!isFine) return;
    checked.add(form);
    form.requestSubmit(button?.isConnected ? button : null);
    checked.delete(form);
  }, true);
})();
