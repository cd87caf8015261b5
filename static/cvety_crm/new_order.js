/* The page of a new order: items, a live sum, disabled slots that are over, and a draft of the form, which survives a
   reload. The script only helps: the server calculates the sum and validates every field again. */
(function () {
  "use strict";

  document.addEventListener("DOMContentLoaded", function () {
    const form = document.getElementById("new-order-form");
    if (!form) return;
    const words = form.dataset;
    const field = function (name) { return form.elements[name]; };
    const one = function (selector, within) { return (within || form).querySelector(selector); };
    const all = function (selector, within) { return Array.from((within || form).querySelectorAll(selector)); };
    const readJson = function (id) { return JSON.parse(document.getElementById(id).textContent); };

    // --- money

    function amount(text) {
      const value = Number(String(text || "").replace(/[\s\u00a0₸]/g, "").replace(",", "."));
      return Number.isFinite(value) ? value : 0;
    }
    function money(tiyn) {
      const places = tiyn % 100 ? 2 : 0;
      const text = (tiyn / 100).toLocaleString("ru-RU", { minimumFractionDigits: places, maximumFractionDigits: places });
      return text.replace(/\s/g, "\u00a0") + "\u00a0₸";
    }
    // Whole numbers are multiplied, because a fraction such as 0.03 is not exact. A quantity has at most three decimals,
    // a price four. The total is rounded once, to hundredths.
    function lineTotal(quantity, price) {
      return Math.round(Math.round(quantity * 1000) * Math.round(price * 10000) / 100000);
    }
    function count() {
      let sum = 0;
      all("[data-line]").forEach(function (line) {
        const own = lineTotal(amount(part(line, "quantity").value), amount(part(line, "price").value));
        one("[data-line-sum]", line).textContent = money(own);
        sum += own;
        const price = part(line, "price").value, listed = amount(part(line, "list_price").value);
        const listPrice = one("[data-list-price]", line);
        listPrice.hidden = !price || listed <= amount(price);
        one("s", listPrice).textContent = listPrice.hidden ? "" : money(Math.round(listed * 100));
      });
      if (!field("is_pickup").checked) sum += Math.round(amount(field("delivery_fee").value) * 100);
      sum -= Math.round(amount(field("discount_amount").value) * 100);
      one("[data-sum]").textContent = money(sum);
    }

    // --- items

    const lines = one("[data-lines]");
    const template = one("[data-line-template]");
    const total = field("items-TOTAL_FORMS");

    function part(line, name) { return one("[name$='-" + name + "']", line); }
    function renumber() {
      all("[data-line]").forEach(function (line, position) {
        all("[name^='items-'], [id^='id_items-'], [for^='id_items-'], [aria-describedby^='id_items-']", line).forEach(function (node) {
          ["name", "id", "for", "aria-describedby"].forEach(function (attribute) {
            const value = node.getAttribute(attribute);
            if (value) node.setAttribute(attribute, value.replace(/items-(\d+|__prefix__)-/, "items-" + position + "-"));
          });
        });
      });
      total.value = all("[data-line]").length;
    }
    function addLine(values) {
      const line = template.content.firstElementChild.cloneNode(true);
      lines.append(line);
      renumber();
      ["product", "name", "quantity", "price", "list_price"].forEach(function (name) {
        if (values[name] !== undefined) part(line, name).value = values[name];
      });
      showTitle(line);
      return line;
    }
    function showTitle(line) {
      const isProduct = Boolean(part(line, "product").value);
      const title = one("[data-title]", line);
      title.textContent = isProduct ? part(line, "name").value : "";
      title.hidden = !isProduct;
      const picture = one("[data-picture]", line);
      if (isProduct) picture.src = words.thumbnail.replace(words.noProduct, part(line, "product").value);
      picture.hidden = !isProduct;
      one("[data-free-name]", line).hidden = isProduct;
    }
    function changed() {
      count();
      keep();
    }
    function step(line, by) {
      const quantity = part(line, "quantity");
      const next = Math.round((amount(quantity.value) + by) * 1000) / 1000;
      if (next > 0 && next <= 999) quantity.value = String(next).replace(".", ",");
      changed();
    }
    function addProduct(product) {
      const same = all("[data-line]").find(function (line) { return product.id && part(line, "product").value === product.id; });
      if (same) step(same, 1);
      else addLine({ product: product.id, name: product.name, quantity: "1", price: product.price, list_price: product.price });
      finder.value = "";
      changed();
      return same || lines.lastElementChild;
    }
    function addFree(name) {
      const line = addLine({ product: "", name: name, quantity: "1" });
      changed();
      part(line, name ? "price" : "name").focus();
    }

    lines.addEventListener("click", function (event) {
      const line = event.target.closest("[data-line]");
      const stepper = event.target.closest("[data-step]");
      if (stepper) step(line, Number(stepper.dataset.step));
      if (event.target.closest("[data-remove]")) {
        line.remove();
        renumber();
        changed();
        finder.focus();
      }
    });
    one("[data-add-free]").addEventListener("click", function () {
      const name = finder.value.trim();
      finder.value = "";
      addFree(name);
    });

    const finder = one("[data-product]");
    window.crmSuggestions(finder, {
      url: words.products,
      marksFirst: true,
      nothing: words.nothing,
      isEnough: function (text) { return text.length >= 2; },
      row: function (product) {
        return { title: product.is_free ? words.free.replace("{name}", product.name) : product.name, details: product.details, isDim: product.on_sale === false, picture: product.is_free ? undefined : product.picture };
      },
      extra: function (text) { return { is_free: true, name: text, details: "" }; },
      choose: function (product) {
        finder.value = "";
        if (product.is_free) addFree(product.name);
        else addProduct(product);
      },
    });

    // --- the customer, and earlier recipients

    const known = one("[data-known]");
    const recipients = one("[data-recipients]");
    let nameOfKnown = "";

    function showCustomer(customer) {
      known.hidden = !customer;
      known.textContent = customer ? customer.title + " · " + customer.orders : "";
      recipients.replaceChildren();
      const offered = customer?.recipients || [];
      recipients.hidden = !offered.length;
      offered.forEach(function (recipient) {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.className = "crm-new-chip";
        chip.textContent = recipient.label;
        chip.setAttribute("aria-pressed", field("recipient_from").value === recipient.from ? "true" : "false");
        chip.addEventListener("click", function () {
          field("recipient_is_customer").checked = false;
          field("recipient_name").value = recipient.name;
          field("recipient_phone").value = recipient.phone;
          field("recipient_from").value = recipient.from;
          if (recipient.address) field("delivery_address").value = recipient.address;
          all("button", recipients).forEach(function (other) { other.setAttribute("aria-pressed", other === chip ? "true" : "false"); });
          showWhatApplies();
          changed();
        });
        recipients.append(chip);
      });
    }
    function tellOf(key) {
      fetch(words.customers + key + "/", { headers: { Accept: "application/json" } })
        .then(function (answer) { return answer.ok ? answer.json() : null; })
        .then(function (answer) { if (answer && field("customer").value === key) showCustomer(answer.found); })
        .catch(function () { /* The order can be created without the customer's details. */ });
    }
    function chooseCustomer(customer, keepsPhone) {
      field("customer").value = customer.id;
      if (!keepsPhone) field("phone").value = customer.phone;
      if (customer.name) field("name").value = nameOfKnown = customer.name;
      showCustomer(customer);
      tellOf(customer.id);
      keep();
    }
    function forgetCustomer() {
      if (!field("customer").value) return;
      field("customer").value = "";
      if (field("name").value === nameOfKnown) field("name").value = "";
      showCustomer(null);
    }

    const customerRow = function (customer) {
      return { title: [customer.title, customer.phone].filter(Boolean).join(" · "), details: customer.orders };
    };
    const phoneFinder = window.crmSuggestions(field("phone"), {
      url: words.customers,
      nothing: words.unknown,
      isEnough: function (text) { return text.replace(/\D/g, "").length >= 4; },
      row: customerRow,
      choose: function (customer) {
        chooseCustomer(customer);
        field("recipient_name").focus();
      },
      answered: function (found) {
        if (found.length !== 1 || !found[0].is_exact) return false;
        chooseCustomer(found[0], true);
        return true;
      },
    });
    window.crmSuggestions(field("name"), {
      url: words.customers,
      nothing: words.unknown,
      isEnough: function (text) { return !field("phone").value && text.replace(/[\d\s]/g, "").length >= 3; },
      row: customerRow,
      choose: function (customer) {
        chooseCustomer(customer);
        field("recipient_name").focus();
      },
    });
    field("phone").addEventListener("input", forgetCustomer);

    // --- the day and its slots. The time is the server's, because the clock of this device may be wrong.

    const opened = Date.now();
    function now() { return new Date(Date.parse(words.now + "Z") + Date.now() - opened); }
    function day(ahead) { return new Date(now().getTime() + ahead * 86400000).toISOString().slice(0, 10); }

    // The page asks whether a chosen slot that is over is right, so the slot stays.
    const askedSlot = document.getElementById("crm-questions") && one("input[name=delivery_slot]:checked");

    function markSlots() {
      const isToday = field("delivery_date").value === day(0);
      const time = now().toISOString().slice(11, 16);
      all("[data-day]").forEach(function (button) {
        const isChosen = field("delivery_date").value === day(Number(button.dataset.day));
        button.setAttribute("aria-pressed", isChosen ? "true" : "false");
      });
      const slots = all("input[name=delivery_slot]");
      slots.forEach(function (slot) {
        const ends = slot.dataset.ends;
        const runsPastMidnight = !ends || ends === "00:00" || ends <= slot.dataset.starts;
        slot.disabled = isToday && !runsPastMidnight && ends <= time && slot !== askedSlot;
        slot.parentElement.title = slot.disabled ? words.over : "";
      });
      const chosen = slots.find(function (slot) { return slot.checked; });
      if (chosen?.disabled) {
        chosen.checked = false;
        const next = slots.find(function (slot) { return !slot.disabled && (!slot.dataset.starts || slot.dataset.starts > time); });
        if (next) next.checked = true;
      }
    }
    all("[data-day]").forEach(function (button) {
      button.addEventListener("click", function () {
        field("delivery_date").value = day(Number(button.dataset.day));
        markSlots();
        keep();
      });
    });
    setInterval(markSlots, 30000);

    // --- fields that depend on the chosen options

    function showWhatApplies() {
      all("[data-hidden-by]").forEach(function (node) { node.hidden = field(node.dataset.hiddenBy).checked; });
      one("[data-method]").hidden = field("payment").value === "on_delivery";
      one("[data-ask-address]").hidden = field("is_pickup").checked || field("delivery_address").value.trim() !== "";
      all("[data-count-of]").forEach(function (counter) {
        const length = Array.from(document.getElementById(counter.dataset.countOf).value).length;
        counter.textContent = length + " / " + counter.dataset.limit;
        counter.classList.toggle("crm-new-too-long", length > Number(counter.dataset.limit));
      });
    }

    // --- the draft of the form. It is stored only in this tab, because it contains names and phones.

    function keep() {
      const entries = Array.from(new FormData(form)).filter(function (pair) { return pair[0] !== "csrfmiddlewaretoken"; });
      window.crmDraftStorage.keep(sessionStorage, words.draft, entries);
    }
    function restore(entries) {
      const values = new Map(entries);
      for (let position = Number(values.get("items-TOTAL_FORMS")) || 0; position > 0; position--) addLine({});
      Array.from(form.elements).forEach(function (element) {
        if (!element.name || element.name === "csrfmiddlewaretoken" || element.name === "items-TOTAL_FORMS") return;
        const value = values.get(element.name);
        if (element.type === "checkbox") element.checked = value !== undefined;
        else if (element.type === "radio") element.checked = value === element.value;
        else if (value !== undefined) element.value = value;
      });
      all("[data-line]").forEach(showTitle);
      nameOfKnown = field("name").value;
      if (field("customer").value) tellOf(field("customer").value);
      one("[data-restored]").hidden = false;
    }
    one("[data-forget]").addEventListener("click", function () {
      window.crmDraftStorage.forget(sessionStorage, words.draft);
      location.href = form.getAttribute("action");
    });

    const kept = window.crmDraftStorage.find(sessionStorage, words.draft);
    const isDone = kept && readJson("new-order-done").includes(new Map(kept).get("key"));
    if (isDone) window.crmDraftStorage.forget(sessionStorage, words.draft);
    else if (kept && words.beginsEmpty === "yes") restore(kept);

    // --- the keyboard. Enter moves to the next field, and Ctrl+Enter creates the order.

    form.addEventListener("keydown", function (event) {
      if (event.key !== "Enter") return;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        form.requestSubmit();
      } else if (event.target.matches("input")) {
        event.preventDefault();
        const reachable = Array.from(form.elements).filter(function (element) {
          const isOther = element.type === "radio" && !element.checked;
          return !element.disabled && element.type !== "hidden" && element.tabIndex >= 0 && !isOther && element.offsetParent;
        });
        const next = reachable[reachable.indexOf(event.target) + 1];
        if (next) next.focus();
      }
    });
    let isSent = false;
    form.addEventListener("submit", function (event) {
      if (isSent) return event.preventDefault();
      isSent = true;
      one("[data-submit]").setAttribute("aria-disabled", "true");
    });
    // The browser's Back button shows the page in its last state.
    window.addEventListener("pageshow", function (event) {
      if (!event.persisted) return;
      isSent = false;
      one("[data-submit]").removeAttribute("aria-disabled");
    });

    form.addEventListener("input", function (event) {
      if (event.target === finder) return;
      showWhatApplies();
      changed();
    });
    form.addEventListener("change", function () {
      markSlots();
      showWhatApplies();
      changed();
    });

    const customer = readJson("new-order-customer");
    if (customer) {
      nameOfKnown = field("name").value;
      showCustomer(customer);
    }
    markSlots();
    showWhatApplies();
    count();
    const refused = document.getElementById("new-order-refused");
    const wrong = one("[aria-invalid=true]");
    (wrong || refused || field("phone")).focus();
    if (wrong || refused) window.scrollTo({ top: 0 });
    else if (field("phone").value && !field("customer").value) phoneFinder.look();
  });
})();
