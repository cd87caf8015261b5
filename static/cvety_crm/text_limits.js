/* A text with a limit shows how many characters it has, from near the limit on. Nothing is cut: the server refuses a text
   that is too long (cvety_crm/text_limits.py). */
(function () {
  "use strict";

  const NEAR = 0.9; // part of the limit from which the characters are counted
  const counters = new WeakMap();

  // A line break counts as one character, as on the server, and so does an emoji.
  function lengthOf(field) {
    return Array.from(field.value).length;
  }

  function grouped(number) {
    return number.toLocaleString("ru-RU");
  }

  function counterOf(field) {
    let counter = counters.get(field);
    if (!counter) {
      counter = document.createElement("p");
      counter.className = "crm-count";
      counter.setAttribute("role", "status");
      (field.closest("label") || field).after(counter);
      counters.set(field, counter);
    }
    return counter;
  }

  function count(field, texts) {
    const limit = Number(field.dataset.longest);
    const length = lengthOf(field);
    const isNear = length > limit * NEAR;
    if (!isNear && !counters.has(field)) return;
    const counter = counterOf(field);
    const isOver = length > limit;
    const words = isOver ? texts.tooLong : texts.length;
    counter.hidden = !isNear;
    counter.classList.toggle("crm-count-over", isOver);
    counter.textContent = words
      .replace("{count}", grouped(length)).replace("{limit}", grouped(limit)).replace("{excess}", grouped(length - limit));
  }

  document.addEventListener("input", function (event) {
    const field = event.target;
    const texts = document.getElementById("crm-texts")?.dataset;
    // The page of a new order has counters of its own.
    if (!texts || !field.dataset?.longest || document.querySelector("[data-count-of='" + field.id + "']")) return;
    count(field, texts);
  });
})();
