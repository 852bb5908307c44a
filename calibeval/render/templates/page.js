// Marks of diagrams and rows of tables answer with their numbers; tables sort by their heads. The page is complete
// without this script, which reads only the page.
{
  const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
  const box = document.body.appendChild(document.createElement("div"));
  box.className = "answer";
  box.setAttribute("role", "tooltip");

  function show(one) {
    box.textContent = one ? (one.matches("tr") ? words(one) : one.getAttribute("aria-label")) : "";
    if (!box.textContent) return;
    const at = one.getBoundingClientRect(), width = box.offsetWidth, height = box.offsetHeight;
    const left = Math.min(at.left + (at.width - width) / 2, document.body.clientWidth - width - 4);
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${scrollY + Math.max(0, at.top - height)}px`;
  }

  // All cells of a row that has a picture, or cells that a narrow window has no room for.
  function words(row) {
    const cells = [...row.cells], heads = row.closest("table").tHead.rows[0].cells;
    if (cells.every((cell) => cell.checkVisibility() && !cell.matches(".plot"))) return "";
    const told = cells.filter((cell) => cell.textContent.trim());
    return told.map((cell, i) => (i ? heads[cell.cellIndex].textContent : "") + ` ${cell.textContent}`).join(" · ");
  }

  // 3,903 and −1.25 and < 0.001 and 81.1 % are numbers, as is the start of 0.93–1.00.
  function key(cell) {
    const text = (cell.dataset.sort ?? cell.textContent).trim().replace("\u2212", "-").replaceAll(",", "");
    return { text, number: parseFloat(text.replace(/^[<>≤\s]+/, "")) };
  }

  // The largest number, or the first word, is first; with the same head again, it is last.
  function sort(table, head) {
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => ({ row, ...key(row.cells[head.cellIndex]) }));
    const numbers = keyed.every(({ text, number }) => !isNaN(number) || text.length < 2);
    const down = head.ariaSort ? head.ariaSort === "ascending" : numbers;
    const order = (a, b) => (numbers ? a.number - b.number : a.text.localeCompare(b.text, [], { numeric: true }));
    keyed.sort((a, b) => (numbers && isNaN(a.number) - isNaN(b.number)) || (down ? order(b, a) : order(a, b)));
    body.append(...keyed.map(({ row }) => row));
    table.querySelector("[aria-sort]")?.removeAttribute("aria-sort");
    head.ariaSort = down ? "descending" : "ascending";
  }

  // The tab key stops once at each diagram or table; arrows go on from there.
  for (const title of document.querySelectorAll("svg[role=img] > g > title")) {
    const mark = title.parentNode;
    mark.parentNode.setAttribute("role", "group");
    mark.setAttribute("role", "img");
    mark.setAttribute("tabindex", mark.previousElementSibling?.matches("[tabindex]") ? -1 : 0);
    mark.setAttribute("aria-label", title.textContent);
    title.remove(); // or it is shown twice
  }

  for (const table of document.querySelectorAll("table:has(> thead)")) {
    const heads = [...table.tHead.rows[0].cells], rows = [...table.tBodies[0].rows];
    if (rows.length < 2 || rows.some((row) => row.cells.length !== heads.length)) continue;
    rows.forEach((row, i) => row.setAttribute("tabindex", i ? -1 : 0));
    for (const head of heads[0].matches("th") ? heads.filter((one) => one.matches("th")) : []) {
      const button = document.createElement("button");
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  }

  for (const kind of ["pointerover", "focusin"]) {
    document.addEventListener(kind, ({ target }) => target === box || show(target.closest("[tabindex]")));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show();
    if (!(event.key in STEPS) || !event.target.matches("[tabindex]")) return;
    event.preventDefault();
    const all = [...event.target.parentNode.children].filter((one) => one.matches("[tabindex]"));
    all[all.indexOf(event.target) + STEPS[event.key]]?.focus();
  });
}
