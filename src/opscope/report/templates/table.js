// The table of all rows: filtered, sorted, a hundred at a time.
"use strict";
(() => {
  const root = document.getElementById("listing");
  if (!root) return;
  const { columns, count } = JSON.parse(document.getElementById("rows").textContent);
  const PAGE = 100;
  const [body, said, printed, place] = ["tbody", ".count", ".printed", ".place"].map(
    (name) => root.querySelector(name));
  const [search, back, next] = [".search", ".back", ".next"].map((name) => root.querySelector(name));
  const selects = [...root.querySelectorAll("select")];
  const heads = [...root.querySelectorAll("th")];
  const everything = Array.from({ length: count }, (_, row) => row);
  const sorted = { column: null, falling: false };
  let shown = everything;
  let page = 0;

  const text = (column, row) =>
    column.names ? column.names[column.texts[row]] : String(column.texts[row]);
  const texts = everything.map(
    (row) => columns.map((column) => text(column, row)).join("\n").toLowerCase());

  function compare(column) {
    const sign = sorted.falling ? -1 : 1;
    return (a, b) => {
      if (!column.values) return sign * text(column, a).localeCompare(text(column, b));
      const [left, right] = [column.values[a], column.values[b]];
      if (left === null || right === null) return (left === null) - (right === null);
      return sign * (left - right);
    };
  }

  function choose() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter((select) => select.value !== "")
      .map((select) => [columns[Number(select.dataset.column)], Number(select.value)]);
    shown = everything.filter((row) =>
      wanted.every(([column, value]) => column.texts[row] === value) &&
      words.every((word) => texts[row].includes(word)));
    if (sorted.column !== null) shown.sort(compare(columns[sorted.column]));
    page = 0;
    show();
  }

  function show() {
    const first = page * PAGE;
    const rows = shown.slice(first, first + PAGE);
    body.replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      columns.forEach((column) => {
        const cell = document.createElement("td");
        cell.className = column.look;
        cell.textContent = text(column, row);
        line.append(cell);
      });
      return line;
    }));
    const [total, all] = [shown.length, count].map((number) => number.toLocaleString("en"));
    said.textContent = `${total} of ${all} shown`;
    place.textContent = total === "0" ? "none" :
      `${(first + 1).toLocaleString("en")}–${(first + rows.length).toLocaleString("en")} of ${total}`;
    const chosen = total === all ? "" : `, chosen from ${all}`;
    printed.textContent = `Rows ${place.textContent}${chosen}.`;
    back.disabled = page === 0;
    next.disabled = first + PAGE >= shown.length;
  }

  function sort(number) {
    sorted.falling = sorted.column === number && !sorted.falling;
    sorted.column = number;
    heads.forEach((head, place) => {
      if (place === number) {
        head.setAttribute("aria-sort", sorted.falling ? "descending" : "ascending");
      } else head.removeAttribute("aria-sort");
    });
    choose();
  }

  heads.forEach((head, number) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(number));
    head.replaceChildren(button);
  });
  search.addEventListener("input", choose);
  selects.forEach((select) => select.addEventListener("change", choose));
  back.addEventListener("click", () => { page -= 1; show(); });
  next.addEventListener("click", () => { page += 1; show(); });
  root.querySelectorAll("[data-scripted]").forEach((part) => { part.hidden = false; });
  show();
})();
