/* The values of a form that differ from those that the page came with, and how they are put into the form of another
   page. A row of a formset is found by its id, because its position changes when a colleague adds or removes rows. */
(function () {
  "use strict";

  const SKIPPED = ["hidden", "password", "file", "submit", "button", "image", "reset"];
  const SEEN = "initial-"; // the hidden input with the value that the page showed (orders/admin/orders/lost_update_guard.py)

  function fields(form) {
    return Array.from(form.elements).filter(function (field) {
      const isField = field.matches("input, select, textarea") && !SKIPPED.includes(field.type);
      return isField && field.name && !field.disabled && !field.name.includes("__prefix__");
    });
  }

  function prefixes(form) {
    return Array.from(form.querySelectorAll("[name$='-TOTAL_FORMS']"), (total) => total.name.slice(0, -"-TOTAL_FORMS".length));
  }

  function input(form, name) {
    const found = form.elements.namedItem(name);
    return found instanceof Element ? found : null;
  }

  // Where a field is: its name, and for a field of a formset the formset, the row and the name in the row.
  function place(form, field) {
    const prefix = prefixes(form).find((one) => field.name.startsWith(one + "-"));
    if (prefix === undefined) return { name: field.name };
    const rest = field.name.slice(prefix.length + 1);
    const index = rest.split("-", 1)[0];
    return { prefix, index, id: input(form, prefix + "-" + index + "-id")?.value || "", name: rest.slice(index.length + 1) };
  }

  function isBox(field) {
    return field.type === "checkbox" || field.type === "radio";
  }

  function typed(field) {
    if (isBox(field)) return field.checked ? "on" : "";
    if (field.type === "select-multiple") return Array.from(field.selectedOptions, (option) => option.value).join("\n");
    return field.value;
  }

  function shown(field) {
    if (isBox(field)) return field.defaultChecked ? "on" : "";
    if (!field.matches("select")) return field.defaultValue;
    const chosen = Array.from(field.options).filter((option) => option.defaultSelected);
    if (field.type === "select-multiple") return chosen.map((option) => option.value).join("\n");
    return (chosen.at(-1) || field.options[0])?.value ?? "";
  }

  function keyOf(where, field) {
    const row = where.prefix === undefined ? [] : [where.prefix, where.id || "+" + where.index];
    return [...row, where.name, ...(isBox(field) ? [field.value] : [])].join("|");
  }

  function labelOf(field) {
    return (field.getAttribute("aria-label") || field.labels?.[0]?.textContent || field.placeholder || "").replaceAll("*", "").trim();
  }

  // Returns the changed values by the keys of their fields. `also` are keys that count as changed. With `isRefused`, the
  // page came with the values of a refused form, so every new row is a change.
  function changes(form, also, isRefused) {
    const found = {};
    fields(form).forEach(function (field) {
      const where = place(form, field);
      const key = keyOf(where, field);
      const value = typed(field);
      const isOfNewRow = where.prefix !== undefined && !where.id && isRefused && value !== "";
      if (value === shown(field) && !also.has(key) && !isOfNewRow) return;
      found[key] = {
        where, value,
        box: isBox(field) ? field.value : null,
        option: field.type === "select-one" ? field.selectedOptions[0]?.textContent.trim() || "" : null,
        label: labelOf(field),
        seen: input(form, SEEN + field.name)?.value ?? null,
      };
    });
    return found;
  }

  // Returns the position of the row of a change. A new row is added once.
  function rowOf(form, where, added) {
    const { prefix, id, index } = where;
    const total = input(form, prefix + "-TOTAL_FORMS");
    if (!total) return null;
    if (id) {
      const rows = Array.from({ length: Number(total.value) }, (_one, row) => row);
      return rows.find((row) => input(form, prefix + "-" + row + "-id")?.value === id) ?? null;
    }
    const row = prefix + "|" + index;
    if (!added.has(row)) {
      const next = Number(total.value);
      document.getElementById(prefix + "-group")?.querySelector(".add-row")?.click();
      added.set(row, Number(total.value) > next ? next : null);
    }
    return added.get(row);
  }

  function fieldOf(form, change, added) {
    let name = change.where.name;
    if (change.where.prefix !== undefined) {
      const row = rowOf(form, change.where, added);
      if (row === null) return null;
      name = change.where.prefix + "-" + row + "-" + name;
    }
    return fields(form).find((field) => field.name === name && (change.box === null || field.value === change.box)) || null;
  }

  function put(field, change) {
    if (isBox(field)) field.checked = change.value === "on";
    else if (field.type === "select-multiple") {
      const wanted = change.value.split("\n");
      Array.from(field.options).forEach((option) => { option.selected = wanted.includes(option.value); });
    } else {
      const isOffered = !field.matches("select") || Array.from(field.options).some((option) => option.value === change.value);
      // The options of a field with suggestions are loaded later.
      if (!isOffered) field.append(new Option(change.option, change.value, true, true));
      field.value = change.value;
    }
    const seen = input(field.form, SEEN + field.name);
    if (seen && change.seen !== null) seen.value = change.seen;
    ["input", "change"].forEach((kind) => { field.dispatchEvent(new Event(kind, { bubbles: true })); });
  }

  // Puts the changes into the form. Returns the labels of the changed fields, and the texts that have no field any more.
  function restore(form, found) {
    const added = new Map();
    const done = { labels: [], homeless: [] };
    Object.values(found).forEach(function (change) {
      const field = fieldOf(form, change, added);
      if (!field) {
        if (change.box === null && change.value.trim()) done.homeless.push(change.label + ": " + (change.option || change.value));
      } else if (typed(field) !== change.value) {
        put(field, change);
        for (let around = field.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
        done.labels.push(labelOf(field));
      }
    });
    return done;
  }

  // Returns whether the page came with one of these values, which is so if it shows a refused form again.
  function showsAgain(form, found) {
    return fields(form).some(function (field) {
      const change = found[keyOf(place(form, field), field)];
      return change && change.value !== "" && shown(field) === change.value;
    });
  }

  window.crmFormValues = { changes, restore, showsAgain };
})();
