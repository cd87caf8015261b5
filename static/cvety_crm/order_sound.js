/* The sound of a new order (event crm:new-order). It is repeated until the order is accepted or the user silences it.
   Browsers play it only after a tap. */
(function () {
  "use strict";

  const INTERVAL = 4000; // milliseconds between two sounds
  const KEPT = "crm-ringing";
  const button = document.getElementById("crm-sound");
  if (!button) return;
  const texts = document.getElementById("crm-list-head").dataset;
  const word = button.querySelector(".crm-sound-word");
  const sign = button.querySelector(".crm-sound-sign");
  const silence = document.createElement("button");
  let context = null;
  let isOn = localStorage.getItem("crm-sound") === "on";
  let ringing = new Set(JSON.parse(sessionStorage.getItem(KEPT) || "[]")); // the orders that are not accepted yet
  let timer = null;

  function isReady() {
    return isOn && context?.state === "running";
  }

  function show() {
    const isLocked = isOn && !isReady();
    button.setAttribute("aria-pressed", String(isOn));
    button.classList.toggle("crm-locked", isLocked);
    sign.textContent = isReady() ? "🔔" : "🔕";
    word.textContent = isLocked ? texts.soundLocked : isOn ? texts.soundOn : texts.soundOff;
    silence.hidden = !isOn || !ringing.size;
  }

  async function unlock() {
    context = context || new AudioContext();
    await context.resume();
    show();
  }

  function play() {
    if (!isReady()) return;
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

  // The list asks with each update which of these orders are still new (orders/admin/orders/live_updates.py).
  function ringFor(keys) {
    ringing = new Set(keys);
    sessionStorage.setItem(KEPT, JSON.stringify(keys));
    if (!keys.length) {
      clearInterval(timer);
      timer = null;
    } else if (timer === null) {
      play();
      timer = setInterval(play, INTERVAL);
    }
    show();
  }

  button.addEventListener("click", async function () {
    isOn = !isReady();
    localStorage.setItem("crm-sound", isOn ? "on" : "off");
    if (isOn) {
      await unlock();
      play();
    } else {
      ringFor([]);
    }
    show();
  });
  silence.type = "button";
  silence.className = "crm-button crm-silence";
  silence.textContent = document.getElementById("crm-texts").dataset.silence;
  silence.addEventListener("click", function () {
    ringFor([]);
    button.focus();
  });
  button.after(silence);
  document.addEventListener("pointerdown", function (event) {
    if (isOn && !event.target.closest("#crm-sound")) unlock();
  });
  document.addEventListener("crm:new-order", function (event) {
    if (isOn) ringFor([...ringing, ...event.detail.keys]);
  });
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.target.id === "crm-list-live" && ringing.size) event.detail.parameters.ringing = Array.from(ringing).join(",");
  });
  document.addEventListener("crm:still-new", function (event) {
    // An order that was silenced after the request must not ring again.
    ringFor(event.detail.keys.filter((key) => ringing.has(key)));
  });
  button.hidden = false;
  if (isOn) ringFor(Array.from(ringing));
  else ringFor([]);
})();
