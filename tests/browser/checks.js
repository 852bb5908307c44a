// What a page in a browser must be like. Every check returns a list of problems in words; empty is good.
globalThis.checks = (() => {
  const NOT_SHOWN = "title, desc, style, script, noscript, template, option";

  // Texts that are on the page, with the element around each and their places.
  function texts() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      const around = node.parentElement;
      if (!node.data.trim() || around.closest(NOT_SHOWN)) continue;
      if (!around.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
      if (boxes.length) found.push({ node, around, boxes });
    }
    return found;
  }

  const quoted = (node) => `“${node.data.trim().replace(/\s+/g, " ").slice(0, 40)}”`;
  const unique = (problems) => [...new Set(problems)];

  function sideways() {
    const page = document.documentElement, problems = [];
    if (page.clientWidth !== innerWidth) problems.push(`the page is laid out ${page.clientWidth} wide, not ${innerWidth}`);
    if (page.scrollWidth > page.clientWidth) problems.push(`the page is ${page.scrollWidth} wide, the window ${page.clientWidth}`);
    for (const { node, boxes } of texts()) {
      if (boxes.some((box) => box.left < -0.5 || box.right > page.clientWidth + 0.5)) problems.push(`${quoted(node)} is cut at an edge`);
    }
    for (const one of document.body.querySelectorAll("*")) {
      if (one.closest("svg") || !one.checkVisibility()) continue;
      const hides = ["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(one).overflowX);
      if (hides && one.scrollWidth > one.clientWidth + 1) problems.push(`${one.tagName}.${one.className} hides a part of what it holds`);
    }
    return unique(problems);
  }

  function overlapping() {
    const boxes = texts().flatMap(({ node, boxes }) => boxes.map((box) => ({ node, box, slack: box.height / 4 })));
    boxes.sort((a, b) => a.box.top - b.box.top);
    const problems = [];
    boxes.forEach((one, i) => {
      for (let j = i + 1; j < boxes.length && boxes[j].box.top + boxes[j].slack < one.box.bottom - one.slack; j++) {
        const two = boxes[j];
        if (two.node !== one.node && one.box.left < two.box.right - 1 && two.box.left < one.box.right - 1) {
          problems.push(`${quoted(one.node)} and ${quoted(two.node)} overlap`);
        }
      }
    });
    return unique(problems);
  }

  // Names and numbers of up to 16 characters in two lines; after a hyphen, lines may end.
  function broken() {
    const problems = [];
    for (const { node } of texts()) {
      for (const word of node.data.matchAll(/[^\s-]+/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (word[0].length <= 16 && lines.size > 1) problems.push(`“${word[0]}” in ${quoted(node)} is broken`);
      }
    }
    return unique(problems);
  }

  // Colours as [red, green, blue, opacity], all from 0 to 1.
  function colour(text) {
    const numbers = (text.match(/-?[\d.]+(e-?\d+)?/g) || []).map(Number);
    if (text.startsWith("rgb")) return [...numbers.slice(0, 3).map((one) => one / 255), numbers[3] ?? 1];
    if (text.startsWith("color(srgb ")) return [...numbers.slice(0, 3), numbers[3] ?? 1];
    throw new Error(`no colour that this check knows: ${text}`);
  }

  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);

  // https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
  function ratio(one, two) {
    const [bright, dark] = [luminance(one), luminance(two)].sort((a, b) => b - a);
    return (bright + 0.05) / (dark + 0.05);
  }

  const dark = (element) => getComputedStyle(element).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;

  // What is painted behind an element of HTML: the backgrounds of all that it is in.
  function behind(element) {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.backgroundImage !== "none") throw new Error(`a background image behind ${one.tagName}`);
      layers.unshift(colour(style.backgroundColor));
    }
    const canvas = dark(document.documentElement) ? [0.07, 0.07, 0.07, 1] : [1, 1, 1, 1];
    return layers.reduce((below, top) => over(top, below), canvas);
  }

  function filled(shape) {
    const fill = getComputedStyle(shape).fill, pattern = fill.match(/url\("?#(.+?)"?\)/);
    if (fill === "none") return null;
    if (pattern) return filled(document.getElementById(pattern[1]).querySelector("rect"));
    return colour(fill);
  }

  // What is painted behind a text of a picture: its own halo, or the shapes under it.
  function behindDrawn(text, box) {
    const style = getComputedStyle(text), ground = behind(text.closest("svg").parentElement);
    if (style.stroke !== "none" && parseFloat(style.strokeWidth) >= 3) return over(colour(style.stroke), ground);
    const under = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const shapes = under.filter((one) => one.matches("svg rect, svg circle, svg path, svg polygon") && text.closest("svg").contains(one));
    return shapes.reverse().reduce((below, shape) => {
      const fill = filled(shape);
      return fill ? over([...fill.slice(0, 3), fill[3] * opacity(shape) * getComputedStyle(shape).fillOpacity], below) : below;
    }, ground);
  }

  function opacity(element) {
    let product = 1;
    for (let one = element; one; one = one.parentElement) product *= parseFloat(getComputedStyle(one).opacity);
    return product;
  }

  function faint(least) {
    const problems = [];
    for (const { node, around, boxes } of texts()) {
      const drawn = around.closest("svg");
      const ground = drawn ? behindDrawn(around, boxes[0]) : behind(around);
      const own = colour(getComputedStyle(around)[drawn ? "fill" : "color"]);
      const found = ratio(over([...own.slice(0, 3), own[3] * opacity(around)], ground), ground);
      if (!(found >= least)) problems.push(`${quoted(node)} has a contrast of ${found.toFixed(2)}`);
    }
    return unique(problems);
  }

  // Numbers of a text, each with how many digits it has after the point; names of classes in P(name) are no numbers.
  function numbers(text) {
    const plain = text.replace(/P\(.*?\)/g, "").replaceAll("\u2212", "-").replaceAll(",", "");
    return [...plain.matchAll(/(?<![\w.])-?\d+(?:\.(\d+))?/g)].map((one) => [Math.abs(Number(one[0])), one[1]?.length ?? 0]);
  }

  // Marks of diagrams with a number that no single row of a table has, to the digits that the mark tells.
  function untabled() {
    const rows = [...document.querySelectorAll("tbody tr")].map((row) =>
      numbers([...row.cells].map((cell) => cell.textContent).join(" ; ")).map(([value]) => value),
    );
    const marks = [...document.querySelectorAll("svg g[aria-label], svg > g > title")];
    // Where two are drawn in one frame, ranges of calibrated models are not drawn.
    const range = /, (within|outside) [^;]* if calibrated/g;
    const told = marks.map((mark) => mark.ariaLabel ?? mark.textContent);
    const said = told.map((words) => (words.includes("; candidate: ") ? words.replace(range, "") : words));
    return said.filter((words) => {
      const near = (value, digits) => (other) => Math.abs(value - other) <= 0.500001 * 10 ** -digits;
      return !rows.some((row) => numbers(words).every(([value, digits]) => row.some(near(value, digits))));
    });
  }

  // Elements in order with their depth and the names of their attributes: names and numbers do not show in it.
  function tree() {
    const depth = (one) => { let n = 0; for (; (one = one.parentElement); ) n++; return n; };
    return [...document.querySelectorAll("*")].map((one) => [depth(one), one.tagName, ...one.getAttributeNames()].join(" "));
  }

  const shown = () => document.body.innerText.replace(/\s+/g, " ").trim();

  return { sideways, overlapping, broken, faint, untabled, tree, shown, texts };
})();
