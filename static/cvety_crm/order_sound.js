/* The sound of a new order (event crm:new-order). Browsers play it only after a tap. */
(function () {
  "use strict";

  const button = document.getElementById("crm-sound");
  if (!button) return;
  const texts = document.getElementById("crm-list-head").dataset;
  const word = button.querySelector(".crm-sound-word");
  const sign = button.querySelector(".crm-sound-sign");
  let context = null;
  let isOn = localStorage.getItem("crm-sound") === "on";

  function isReady() {
    return isOn && context?.state === "running";
  }

  function show() {
    const isLocked = isOn && !isReady();
    button.setAttribute("aria-pressed", String(isOn));
    button.classList.toggle("crm-locked", isLocked);
    sign.textContent = isReady() ? "🔔" : "🔕";
    word.textContent = isLocked ? texts.soundLocked : isOn ? texts.soundOn : texts.soundOff;
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

  button.addEventListener("click", async function () {
    isOn = !isReady();
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
  document.addEventListener("crm:new-order", play);
  button.hidden = false;
  show();
})();
