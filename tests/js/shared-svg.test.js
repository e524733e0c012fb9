import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanSvg } from "../../extension/shared/svg.js";

const svg = (/** @type {string} */ inside) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">${inside}</svg>`;

test("plain pictures stay as they are", () => {
  const pictures = [
    '<rect x="1" y="2" width="3" height="4" fill="red"/><path d="M0 0L1 1"/><text x="1">A &amp; B &#228;</text>',
    '<defs><linearGradient id="a"><stop offset="0" stop-color="red"/></linearGradient></defs><g><circle r="2" fill="url(#a)"/></g>',
    '<style>.a{fill:red;stroke-width:2px;}</style><line class="a" stroke-dasharray="4 2"/>',
  ];
  for (const inside of pictures) assert.equal(cleanSvg(svg(inside)), svg(inside));
  assert.equal(cleanSvg(`<?xml version="1.0"?><!DOCTYPE svg PUBLIC "a" "b"><!-- x -->${svg("<g/>")}\n`), svg("<g/>"));
});

/** Kozea/CairoSVG#309 and instructure/canvas-lms#2325: elements that repeat each other, ten times a level. */
function nested(/** @type {string} */ name, /** @type {string} */ reference) {
  const level = (/** @type {number} */ at) =>
    `<${name} id="l${at}">${reference.replaceAll("#", `#l${at - 1}`).repeat(10)}</${name}>`;
  return svg(`<path id="l0" d="M0 0"/>${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(level).join("")}<use href="#l9"/>`);
}

test("nothing is left that multiplies, moves, loads or runs", () => {
  const hostile = [
    nested("g", '<use xlink:href="#"/>'),
    nested("symbol", '<use href="#"/>'),
    nested("pattern", '<rect fill="url(#)"/>'),
    nested("mask", '<rect mask="url(#)"/>'),
    nested("marker", '<path marker-mid="url(#)" marker="url(#)"/>'),
    svg(
      '<filter id="f"><feTurbulence numOctaves="9999"/><feImage href="http://h/x"/></filter><rect filter="url(#f)"/>',
    ),
    svg(
      '<image href="http://h/x"/><a href="javascript:1"><rect onclick="x()"/></a><foreignObject><p>x</p></foreignObject>',
    ),
    svg('<animate attributeName="x" repeatCount="indefinite"/><set/><animateTransform/><script>x()</script>'),
    svg(
      '<style>@import "http://h/x";@keyframes a{from{x:1}to{x:2}}*{filter:blur(99px);animation:a 1s;fill:url(http://h/x)}</style>',
    ),
    svg(
      '<style>@media all{rect{mask-image:url(http://h/x);mix-blend-mode:screen}}</style><rect style="filter:blur(1px);clip-path:url(#a)"/>',
    ),
    svg("<style>\\66ilter:blur(9px)</style><style><![CDATA[*{backdrop-filter:blur(9px)}]]></style>"),
    svg('<line stroke-dasharray="0.0001"/><line style="stroke-dasharray: 1e-9 1e-9"/>'),
  ];
  const bad =
    /<(?:use|symbol|pattern|mask|marker|filter|fe|image|foreignObject|animate|set|script)|http:\/\/h|javascript|onclick|filter\s*:|filter=|animation|keyframes|mask|blend|clip-path|marker|dasharray|\\/i;
  for (const source of hostile) {
    const clean = cleanSvg(source);
    assert.ok(clean, source);
    assert.doesNotMatch(clean, bad);
  }
});

test("what is no SVG, or has no bounds, is refused", () => {
  const entities = '<!DOCTYPE svg [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>';
  const refused = [
    ...[
      "",
      "x",
      "<svg",
      "<svg><g></svg>",
      "<html/>",
      "<svg/><svg/>",
      "<svg a=1/>",
      '<svg a="1" a="2"/>',
      "<svg><!-- ",
      "<svg>&x;</svg>",
    ],
    entities + svg("&b;"),
    svg("<g>".repeat(100) + "</g>".repeat(100)),
    svg("<g/>".repeat(30_000)),
    svg('<g opacity=".5">'.repeat(50) + "</g>".repeat(50) + '<g opacity=".5"/>'.repeat(200)),
    svg(`<style>${"a{fill:red}".repeat(10_000)}</style>`),
  ];
  for (const source of refused) assert.equal(cleanSvg(source), undefined, source.slice(0, 80));
  assert.match(cleanSvg('<svg width="1e9" height="1e9px"/>') ?? "", /width="10000" height="10000"/);
});

test("a diagram keeps its arrow heads, at the ends of lines", () => {
  const source = svg('<marker id="m"><path d="M0 0"/></marker><path marker-end="url(#m)" marker-mid="url(#m)"/>');
  const clean = cleanSvg(source, { isDiagram: true }) ?? "";
  assert.match(clean, /<marker id="m">/);
  assert.match(clean, /marker-end/);
  assert.doesNotMatch(clean, /marker-mid/);
  const many = svg(`<marker id="m">${"<path/>".repeat(1000)}</marker>${'<path marker-end="url(#m)"/>'.repeat(1000)}`);
  assert.equal(cleanSvg(many, { isDiagram: true }), undefined);
});

/** What takes a scanner long that looks for the end of each beginning anew: a second each if it did. */
test("what has no end is read once", () => {
  const beginnings = [
    "/*",
    "@keyframes ",
    "@media{",
    "url( ",
    "filter: ",
    "mask",
    "&",
    "&amp",
    "stroke-dasharray:1 ",
    "a:",
    "{",
  ];
  for (const beginning of beginnings) {
    const long = beginning.repeat(Math.ceil(400_000 / beginning.length));
    cleanSvg(svg(`<rect style="${long}" fill="${long}"/><text>${long}</text>`));
    cleanSvg(svg(`<style>${long.slice(0, 60_000)}</style>`));
    cleanSvg(svg(`<rect style="url(${" ".repeat(400_000)}" fill="url(${" ".repeat(400_000)}"/>`));
  }
  for (const beginning of ["<!--", "<![CDATA[", "<?", "<!", "<g", '<g a="', "<g a=''", "</", "<g>", "<g\n"]) {
    cleanSvg(beginning.repeat(100_000));
    cleanSvg(svg(beginning.repeat(100_000)));
  }
});
