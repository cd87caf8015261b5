/* Photos on an order's page. The browser shrinks the photos and sends them one by one, and shows the progress. The
   server's response replaces the panel without a reload, because a reload would lose what was typed into the order's
   form. Without this script the same forms send the original files and reload the page. */
(function () {
  "use strict";

  const QUALITY = 0.85;
  const SMALL = 1.5 * 1024 * 1024; // bytes: a JPEG up to this size is sent unchanged, if its sides are short enough

  document.addEventListener("DOMContentLoaded", function () {
    const panel = document.getElementById("crm-photos");
    if (!panel) return;
    const words = panel.dataset;
    const body = panel.querySelector("[data-photos-body]");
    // The first screen may have a camera too. It shows its own progress.
    const places = Array.from(document.querySelectorAll("[data-photos-place]"));
    const said = panel.querySelector("[data-photos-said]");
    const queue = [];
    let busy = false;

    function say(text, refused, place = panel) {
      places.forEach(function (one) {
        const line = one.querySelector("[data-photos-said]");
        line.toggleAttribute("data-refused", Boolean(refused));
        line.textContent = one === place ? text : "";
      });
    }

    // The user may be typing the reason of a withdrawal while another photo arrives.
    function reasons() {
      return Array.from(body.querySelectorAll("details[open] [name=reason]")).map(function (input) {
        return { action: input.form.action, value: input.value, focused: input === document.activeElement };
      });
    }

    function renew(html) {
      const kept = reasons();
      body.innerHTML = html;
      panel.querySelector("[data-count]").textContent = body.querySelectorAll(".crm-photo-list > li").length;
      body.querySelectorAll("[name=reason]").forEach(function (input) {
        const was = kept.find(function (one) { return one.action === input.form.action; });
        if (!was) return;
        input.closest("details").open = true;
        input.value = was.value;
        if (was.focused) input.focus();
      });
    }

    function show(answer, place) {
      if (answer.panel) renew(answer.panel);
      say(answer.said || answer.refused || words.broken, !answer.said, place);
    }

    function fill(text, name, percent) {
      return text.replace("{name}", name).replace("{percent}", percent);
    }

    // --- shrinking

    async function shrink(file) {
      const side = Number(words.side);
      let bitmap;
      try {
        bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
      } catch {
        return file; // this browser can't read the format, and the server returns the error
      }
      const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
      if (scale === 1 && file.type === "image/jpeg" && file.size <= SMALL) return file;
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(bitmap.width * scale);
      canvas.height = Math.round(bitmap.height * scale);
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff"; // background of transparent pixels
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      bitmap.close();
      const blob = await new Promise(function (done) { canvas.toBlob(done, "image/jpeg", QUALITY); });
      return blob || file;
    }

    // --- sending

    function send(form, blob, name, onProgress) {
      return new Promise(function (done) {
        const data = new FormData();
        data.append("csrfmiddlewaretoken", form.token);
        data.append("next", form.next);
        data.append("photo", blob, name);
        const request = new XMLHttpRequest(); // fetch reports no progress of an upload
        request.open("POST", form.action);
        request.setRequestHeader("Accept", "application/json");
        request.upload.onprogress = function (event) {
          if (event.lengthComputable) onProgress(Math.round((100 * event.loaded) / event.total));
        };
        request.onload = function () {
          try {
            done(JSON.parse(request.responseText));
          } catch {
            done({ refused: words.broken, again: true });
          }
        };
        request.onerror = request.ontimeout = function () { done({ refused: words.lost, again: true }); };
        request.timeout = 120000;
        request.send(data);
      });
    }

    function row(item) {
      const li = document.createElement("li");
      const text = document.createElement("span");
      const bar = document.createElement("progress");
      bar.max = 100;
      bar.value = 0;
      bar.setAttribute("aria-label", item.file.name);
      text.textContent = fill(words.waiting, item.file.name);
      li.append(text, bar);
      item.form.place.querySelector("[data-photos-queue]").append(li);
      Object.assign(item, { li: li, text: text, bar: bar });
    }

    function failed(item, why, again) {
      item.text.textContent = item.file.name + ": " + why;
      item.text.dataset.failed = "";
      item.bar.hidden = true;
      if (again) button(item, words.again, function () {
        item.li.remove();
        add(item.form, item.file);
      });
      button(item, words.leave, function () { item.li.remove(); });
    }

    function button(item, title, action) {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "crm-button";
      made.textContent = title;
      made.addEventListener("click", action);
      item.li.append(made);
    }

    async function work() {
      if (busy) return;
      busy = true;
      while (queue.length) {
        const item = queue.shift();
        const name = item.file.name;
        item.text.textContent = fill(words.shrinking, name);
        const blob = await shrink(item.file);
        if (blob.size > Number(words.bytes)) {
          failed(item, words.large);
          continue;
        }
        const answer = await send(item.form, blob, name, function (percent) {
          item.bar.value = percent;
          item.text.textContent = fill(words.sending, name, percent);
        });
        if (answer.said) {
          item.li.remove();
          show(answer, item.form.place);
        } else {
          failed(item, answer.refused || words.broken, answer.again);
        }
      }
      busy = false;
    }

    function add(form, file) {
      const item = { form: form, file: file };
      row(item);
      queue.push(item);
      work();
    }

    function chosen(event) {
      const input = event.target;
      if (input.type !== "file") return;
      const place = input.closest("[data-photos-place]");
      say("", false, place);
      const fields = input.form.elements;
      const form = { action: input.form.action, token: fields.csrfmiddlewaretoken.value, next: fields.next.value, place };
      Array.from(input.files).forEach(function (file) { add(form, file); });
      input.value = ""; // the same photo may be chosen again
      // Unfold warns before the changes of the order's form are lost. A photo is not a change of this form.
      event.stopPropagation();
    }

    places.forEach(function (place) { place.addEventListener("change", chosen); });

    window.addEventListener("beforeunload", function (event) {
      if (busy) event.preventDefault();
    });

    // --- the other buttons

    panel.addEventListener("submit", async function (event) {
      const form = event.target;
      if (form.method !== "post" || !body.contains(form)) return;
      event.preventDefault();
      const data = new FormData(form, event.submitter);
      const buttons = form.querySelectorAll("button");
      buttons.forEach(function (one) { one.disabled = true; });
      try {
        const response = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "application/json" } });
        show(await response.json());
        said.tabIndex = -1;
        said.focus(); // the pressed button no longer exists
      } catch {
        say(navigator.onLine ? words.broken : words.lost, true);
        buttons.forEach(function (one) { one.disabled = false; });
      }
    });

    panel.addEventListener("focusin", function (event) {
      if (event.target.matches("input[readonly]")) event.target.select();
    });

    // --- the large view of a photo, also for the photos on the timeline

    document.addEventListener("click", function (event) {
      const link = event.target.closest(".crm-photo-open");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      const dialog = document.createElement("dialog");
      dialog.className = "crm-photo-view";
      const picture = document.createElement("img");
      picture.src = link.href;
      picture.alt = link.querySelector("img").alt;
      const close = document.createElement("button");
      close.type = "button";
      close.className = "crm-button";
      close.textContent = words.close;
      dialog.append(picture, close);
      dialog.addEventListener("click", function () { dialog.close(); });
      dialog.addEventListener("close", function () { dialog.remove(); });
      document.body.append(dialog);
      dialog.showModal();
    });
  });
})();
