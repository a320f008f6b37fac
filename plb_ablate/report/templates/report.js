"use strict";
// A click on a column's name sorts by it, another one the other way round. Cells without a value come last, and so does
// the row that sums the others up.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const table = head.closest("table");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => ({ row, place, key: row.cells[head.cellIndex].dataset.key }));
    body.append(...rows.sort((a, b) => order(a, b, down)).map(({ row }) => row));
    document.getElementById("said").textContent =
      `Sorted by ${button.textContent}, ${down ? "descending" : "ascending"}.`;
  });
}

function order(a, b, down) {
  const last = (row) => Number(row.row.classList.contains("last"));
  const empty = (row) => Number(row.key === "");
  const numbers = [Number(a.key), Number(b.key)];
  const words = numbers.some(Number.isNaN);
  const compared = words ? a.key.localeCompare(b.key, "en", { numeric: true }) : numbers[0] - numbers[1];
  return last(a) - last(b) || empty(a) - empty(b) || (down ? -compared : compared) || a.place - b.place;
}
