"""The extension in a pseudo-locale, and what is wrong with a page that is shown in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from playwright.sync_api import Page

from tools import pseudo

FROM_CATALOGUE = re.compile(r"[⟦⟧]")
WORD = re.compile(r"[A-Za-z]{3,}")

FOREIGN = ".markdown, .user-text, pre, code, kbd, datalist, [data-foreign]"
"""Elements with texts of models, users, pages and servers."""

SEEN = """(foreign) => {
  const found = [];
  const add = (text, where) => {
    if (text?.trim()) found.push([text.trim(), where]);
  };
  const nameOf = (element) =>
    [element.localName, element.id && `#${element.id}`, ...element.classList]
      .filter(Boolean).join(".");
  add(document.title, "title");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ALL);
  for (let node = walker.currentNode; node; node = walker.nextNode()) {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (!(element instanceof Element) || element.closest(foreign)) continue;
    if (node.nodeType === Node.TEXT_NODE) {
      if (!["SCRIPT", "STYLE"].includes(element.tagName)) add(node.data, nameOf(element));
      continue;
    }
    for (const name of ["title", "aria-label", "placeholder", "alt"])
      add(node.getAttribute(name), `${nameOf(node)}[${name}]`);
  }
  return found;
}"""
"""Every text of a page that people see or hear, and where it is: what is hidden now as well."""

OVERFLOWING = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  if (!box.width || !element.checkVisibility()) return false;
  return box.right > innerWidth + 1 || box.left < -1;
}).map((element) => element.outerHTML.slice(0, 120))"""


def copy_in_pseudo_locale(extension: Path, target: Path) -> Path:
    """A copy of the built extension with the pseudo-locale's texts."""
    shutil.copytree(extension, target)
    pseudo.translate(target)
    return target


def check(page: Page, *known: str) -> None:
    """Every text comes from the catalogue, but for known names, and fits into a narrow page."""
    hard_wired = [
        f"{where}: {text}"
        for text, where in page.evaluate(SEEN, FOREIGN)
        if WORD.search(text) and not FROM_CATALOGUE.search(text) and text not in known
    ]
    assert not hard_wired, "\n".join(hard_wired)
    page.set_viewport_size({"width": 320, "height": 640})
    overflowing = page.evaluate(OVERFLOWING)
    assert not overflowing, "\n".join(overflowing)
