// Subtracts the orders that a customer has not paid from the sum that the courier hands in, unless staff have typed it.
for (const form of document.querySelectorAll(".crm-till form")) {
  const expected = form.querySelector("[data-expected]");
  const handedIn = form.querySelector("[data-handed-in]");
  if (!expected || !handedIn) continue;
  let isTyped = false;
  handedIn.addEventListener("input", () => {
    isTyped = true;
  });
  form.addEventListener("change", (event) => {
    if (!event.target.matches("[data-due]") || isTyped) return;
    const unpaid = [...form.querySelectorAll("[data-due]:checked")].reduce((sum, box) => sum + Number(box.dataset.due), 0);
    handedIn.value = (Number(expected.value) - unpaid).toFixed(2).replace(/\.00$/, "");
  });
}
