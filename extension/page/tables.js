/** The rows and cells of tables. Injected before `reader.js`. */
/**
 * @param {ReturnType<typeof pageDom>} dom
 * @param {ReturnType<typeof pageLayout>} layout
 */
function pageTables({ all, attribute, childrenOf, closest, nameOf, textOf, typeOf }, { MONOSPACE }) {
  /** A cell with more is no cell of data: the table arranges the page. */
  const LONGEST_CELL = 1500;
  /** A longer text is not repeated where a cell spans several. */
  const LONGEST_REPEATED = 60;
  const MOST_COLUMNS = 60;
  const MOST_ROWS_LOOKED_AT = 40;
  /** A cell spans at most this number of rows. */
  const ALL_ROWS = 1000;

  /** @typedef {{node: Node, isHeader: boolean, columns: number, rows: number}} Cell */
  /** @typedef {{cells: Cell[], isHead: boolean}} Row */

  /** @param {Node} node */
  const roleOf = (node) => attribute(node, "role").toLowerCase();
  /** @param {Node} node @param {string} name */
  const isTable = (node, name) => name === "table" || /^(?:table|grid|treegrid)$/.test(roleOf(node));

  /**
   * @param {Node} table
   * @param {(node: Node) => boolean} isShown
   * @returns {{rows: Row[], captions: Node[]}}
   */
  function partsOf(table, isShown) {
    /** @type {Row[]} */
    const rows = [];
    /** @type {Node[]} */
    const captions = [];
    /** @param {Node} node @param {boolean} isHead @param {number} depth */
    const visit = (node, isHead, depth) => {
      for (const child of childrenOf(node)) {
        if (typeOf(child) !== Node.ELEMENT_NODE) continue;
        const name = nameOf(child);
        if (name === "script" || name === "style" || name === "template" || name === "colgroup") continue;
        if (name === "caption") captions.push(child);
        else if (name === "tr" || roleOf(child) === "row") {
          if (!isShown(child)) continue;
          const cells = cellsOf(child, isShown);
          if (cells.length > 0) rows.push({ cells, isHead: isHead || cells.every((cell) => cell.isHeader) });
        } else if (depth < 4 && isShown(child)) visit(child, isHead || name === "thead", depth + 1);
      }
    };
    visit(table, false, 0);
    return { rows, captions };
  }

  /** @param {Node} row @param {(node: Node) => boolean} isShown @param {number} [depth] @returns {Cell[]} */
  function cellsOf(row, isShown, depth = 0) {
    return childrenOf(row).flatMap((node) => {
      if (typeOf(node) !== Node.ELEMENT_NODE || !isShown(node)) return [];
      const name = nameOf(node);
      const role = roleOf(node);
      const isCell = name === "td" || name === "th" || /^(?:cell|gridcell|columnheader|rowheader)$/.test(role);
      if (!isCell) return depth < 3 ? cellsOf(node, isShown, depth + 1) : [];
      const span = (/** @type {string} */ of) =>
        Math.min(Math.max(Number.parseInt(attribute(node, of) || attribute(node, `aria-${of}`), 10) || 1, 1), ALL_ROWS);
      return [
        {
          node,
          isHeader: name === "th" || /header$/.test(role),
          columns: Math.min(span("colspan"), MOST_COLUMNS),
          rows: attribute(node, "rowspan").trim() === "0" ? ALL_ROWS : span("rowspan"),
        },
      ];
    });
  }

  /**
   * Whether a table holds data. Otherwise it only arranges the page, as old pages do, and its cells are blocks.
   * @param {Node} table
   * @param {Row[]} rows
   */
  function holdsData(table, rows) {
    if (/^(?:presentation|none)$/.test(roleOf(table))) return false;
    if (rows.length === 0) return false;
    const looked = rows.slice(0, MOST_ROWS_LOOKED_AT);
    const cells = looked.flatMap((row) => row.cells);
    const widths = looked.map((row) => row.cells.reduce((sum, { columns }) => sum + columns, 0));
    if (Math.max(...widths) < 2) return false;
    const isMarked = cells.some(({ isHeader }) => isHeader) || all(table, "caption, thead").length > 0;
    const isExplicit = all(table, "thead, caption, th[scope]").some((part) => closest(part, "table") === table);
    if (!isExplicit && all(table, "table, form, article, h1, h2, h3").length > 0) return false;
    if (cells.some(({ node }) => textOf(node).length > LONGEST_CELL)) return false;
    if (!isMarked && all(table, "pre").length > 0) return false;
    if (isMarked || Number(attribute(table, "border")) > 0 || roleOf(table)) return true;
    const filled = cells.filter(({ node }) => textOf(node).trim()).length;
    // A row that spans everything belongs to tables of data, too.
    return rows.length > 1 && widths.every((width) => width === widths[0]) && filled * 2 > cells.length;
  }

  /**
   * A Markdown table.
   * @param {Row[]} rows
   * @param {(node: Node) => string} read  Gives a cell's text in lines; undefined when enough has been read.
   * @param {() => boolean} isOver  Enough has been read.
   * @returns {string[]}  Its lines.
   */
  function tableLines(rows, read, isOver) {
    /** Cells of earlier rows that reach into those below. @type {{text: string, rows: number}[]} */
    const spanning = [];
    /** @type {string[][]} */
    const grid = [];
    // Some cells are said to span more columns than there are.
    const most = rows.reduce((found, { cells }) => Math.max(found, cells.length), 1);
    for (const { cells } of rows) {
      if (isOver()) break;
      /** @type {string[]} */
      const line = [];
      const fill = () => {
        while (line.length < MOST_COLUMNS && spanning[line.length]?.rows > 0) {
          const above = spanning[line.length];
          above.rows -= 1;
          line.push(above.text);
        }
      };
      for (const cell of cells) {
        fill();
        const text = read(cell.node).replaceAll("|", "\\|").replace(/\n+/g, "<br>");
        const again = text.length <= LONGEST_REPEATED ? text : "";
        for (let at = 0; at < Math.min(cell.columns, most) && line.length < MOST_COLUMNS; at += 1) {
          const repeated = at === 0 ? text : cell.isHeader ? again : "";
          spanning[line.length] = { text: at === 0 || cell.isHeader ? again : "", rows: cell.rows - 1 };
          line.push(repeated);
        }
      }
      fill();
      grid.push(line);
    }
    const filled = grid.filter((line) => line.some(Boolean));
    const width = Math.max(...filled.map((line) => line.length), 0);
    if (width === 0) return [];
    const head = rows[0].isHead && grid[0].some(Boolean) ? filled.shift() : undefined;
    const written = (/** @type {string[]} */ line) =>
      `|${Array.from({ length: width }, (_, at) => (line[at] ? ` ${line[at]} ` : " ")).join("|")}|`;
    return [written(head ?? []), written(Array(width).fill("---")), ...filled.map(written)];
  }

  /**
   * Whether a table holds code beside the numbers of its lines.
   * @param {Row[]} rows
   * @param {(node: Node) => {whiteSpace: string, font: string} | undefined} drawn  How an element is drawn.
   */
  function isCode(rows, drawn) {
    const looked = rows.slice(0, MOST_ROWS_LOOKED_AT);
    const CODE = /(?:^|[\s_-])(?:blob-code|code|codeline|hljs-ln-code|diff)/i;
    return (
      looked.length > 0 &&
      looked.every(({ cells }) => {
        const last = cells.at(-1)?.node;
        if (!last || cells.length > 4) return false;
        const code = all(last, "pre").reduce((sum, pre) => sum + textOf(pre).trim().length, 0);
        if (code > 0 && code === textOf(last).trim().length && looked.length === 1) {
          return cells.slice(0, -1).every(({ node }) => /^[\s\d]*$/.test(textOf(node)));
        }
        if (looked.length === 1 && cells.length > 1 && CODE.test(attribute(last, "class"))) {
          return cells.slice(0, -1).every(({ node }) => /^\s*\d[\s\d]*$/.test(textOf(node)));
        }
        const { whiteSpace = "", font = "" } = drawn(last) ?? {};
        if (!/^(?:preserve|break-spaces)$/.test(whiteSpace)) return false;
        if (CODE.test(attribute(last, "class"))) return true;
        const isNumbered = cells.length > 1 && cells.slice(0, -1).every(({ node }) => /^[\s\d]*$/.test(textOf(node)));
        return isNumbered && MONOSPACE.test(font);
      })
    );
  }

  return { holdsData, isCode, isTable, partsOf, tableLines };
}
