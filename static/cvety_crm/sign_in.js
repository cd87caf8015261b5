/* The button that prints the recovery codes. */
document.addEventListener("click", function (event) {
  if (event.target.closest("[data-print]")) window.print();
});
