/**
 * The sandboxed page in which Mermaid draws. What it is given is untrusted, and so is what comes out of it. A classic
 * script, as in `page.js`.
 *
 * Mermaid is configured to take labels for text (`strict`) and to make no HTML of them, and a diagram's own directives
 * cannot change that (`secure`): an image shows the same everywhere, and holds nothing to be run.
 */

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
/** In characters. */
const LONGEST = 4_000_000;
const LONGEST_ERROR = 1_500;
/** Of what a picture may hold, nothing that runs, loads or leads elsewhere. */
const REMOVED = "script, iframe, object, embed, audio, video, link, meta, base, form";

addEventListener("message", async ({ source, data }) => {
  if (source !== parent) return;
  const { id, text, dark } = data;
  try {
    const picture = await draw(String(text), dark === true);
    // Looked at here, in the sandbox's own process, before it is copied into the extension's.
    if (picture.svg.length > LONGEST) throw new Error("The picture is too large.");
    parent.postMessage({ id, ...picture }, "*");
  } catch (error) {
    const reason = String(/** @type {any} */ (error)?.message ?? error).slice(0, LONGEST_ERROR);
    parent.postMessage({ id, error: reason }, "*");
  }
});

// Text cannot be measured before the frame has a size.
if (innerWidth > 0) parent.postMessage({ id: "ready" }, "*");
else addEventListener("resize", () => parent.postMessage({ id: "ready" }, "*"), { once: true });

/**
 * @param {string} text
 * @param {boolean} dark
 */
async function draw(text, dark) {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    suppressErrorRendering: true,
    maxTextSize: 50_000,
    maxEdges: 500,
    theme: dark ? "dark" : "default",
    fontFamily: FONT,
    logLevel: "fatal",
    secure: [
      ...["secure", "securityLevel", "startOnLoad", "maxTextSize", "suppressErrorRendering", "maxEdges"],
      ...["htmlLabels", "fontFamily", "logLevel", "dompurifyConfig"],
    ],
  });
  const { svg } = await mermaid.render("diagram", text);
  // As XML, which an image has to be.
  const drawn = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  if (!drawn) throw new Error("Mermaid gave no picture.");
  clean(drawn);
  const { width, height } = drawn.viewBox.baseVal;
  if (width > 0 && height > 0) {
    drawn.setAttribute("width", String(width));
    drawn.setAttribute("height", String(height));
  }
  drawn.style.maxWidth = "";
  return { svg: new XMLSerializer().serializeToString(drawn), width, height };
}

/** @param {Element} drawn */
function clean(drawn) {
  for (const element of drawn.querySelectorAll(REMOVED)) element.remove();
  for (const style of drawn.querySelectorAll("style")) {
    style.textContent = (style.textContent ?? "").replace(/@import[^;}]*;?|url\((?!\s*["']?#)[^)]*\)/gi, "");
  }
  for (const element of [drawn, ...drawn.querySelectorAll("*")]) {
    for (const { name, value } of [...element.attributes]) {
      const leads = /(?:^|:)(?:href|src)$/.test(name) && !value.trim().startsWith("#");
      if (leads || name.startsWith("on")) element.removeAttribute(name);
    }
  }
}
