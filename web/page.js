// Nothing on these pages needs this script: it points out the column of the cell under the pointer.
"use strict";
for (const table of document.querySelectorAll("table.matrix")) {
  const heads = table.tHead.rows[0].cells;
  const mark = (event, on) => {
    const cell = event.target.closest("td");
    if (cell)
      heads[cell.cellIndex].classList.toggle("here", on);
  };
  table.addEventListener("mouseover", event => mark(event, true));
  table.addEventListener("mouseout", event => mark(event, false));
}
