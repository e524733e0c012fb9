/**
 * The title of a conversation until the user gives it one: its first meaningful line. The list of conversations and the
 * names of exported files use the same title.
 */

import { plural, text } from "./text.js";

/** @import { Attachment, Turn } from "./protocol.js" */
/** @import { MessageKey } from "./text.js" */

/** In graphemes. */
const TITLE_LENGTH = 80;
/** A message may be megabytes long, and its meaningful line is near the beginning. */
const LOOKED_AT = 10_000;
const LINE_LOOKED_AT = 1_000;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const words = new Intl.Segmenter(undefined, { granularity: "word" });

/**
 * Control characters, marks of direction, soft hyphens and zero-width characters. Joiners are not among them, since they
 * make one emoji of several, and are a part of Persian words.
 */
const INVISIBLE = /(?![\t\n\v\f\r])[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;
const MEANINGFUL = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;
/** The fence of a code block or of a formula. */
const FENCE = /^\s{0,3}(?:>\s?)*(?:[-*+]\s+)?(`{3,}|~{3,}|\$\$\s*$)/;

/**
 * Greetings in the most common languages, together with whom they address, if punctuation or the end of the line
 * follows.
 */
const GREETING = new RegExp(
  `^(?:${[
    "hi|hiya|hello|hey|greetings|good (?:morning|afternoon|evening|day)",
    "hallo|hi zusammen|guten (?:tag|morgen|abend)|moin|servus|grüezi",
    "bonjour|bonsoir|salut|coucou|hola|buen(?:os|as) (?:días|dias|tardes|noches)|buenas|ciao|buongiorno|buonasera",
    "olá|ola|oi|bom dia|boa (?:tarde|noite)|hej|hei|moi|merhaba|selam|cześć|dzień dobry|ahoj|xin chào|halo",
    "привет|здравствуйте|добрый (?:день|вечер)|доброе утро|привіт|добрий день",
    "你好|您好|嗨|哈喽|哈囉|早上好|こんにちは|こんばんは|おはよう(?:ございます)?|はじめまして|안녕하세요|안녕",
    "مرحبا|أهلا|السلام عليكم|سلام|שלום|नमस्ते|สวัสดี(?:ครับ|ค่ะ)?",
  ].join(
    "|",
  )})(?:\\s+(?:there|all|everyone|everybody|again|guys|friend|team|chatgpt|gpt|claude|gemini|assistant|ai|bot|zusammen|à tous|a todos))?` +
    "\\s*(?:[\\p{Extended_Pictographic}\\ufe0f,!.;:、。，！～~…)–—-]+\\s*|$)",
  "iu",
);

/** The first line of a letter, which only addresses somebody. */
const SALUTATION =
  /^(?:dear|hi|hello|hey|hallo|liebe[rs]?|sehr geehrte[rs]?|bonjour|chère?s?|hola|querid[oa]s?|estimad[oa]s?|gentile|уважаем\p{L}+|дорог\p{L}+)\s(?:[^\s,!:?]+\s?){1,5}[,!:，]$/iu;

/** Lines that begin a definition with a name, in most programming languages. */
const DEFINITION =
  /^\s*(?:(?:export|default|public|private|protected|internal|static|async|abstract|final|sealed|open|data|suspend|pub(?:\(\w+\))?|unsafe|local|inline|virtual|override)\s+)*(?:def|class|function\*?|fn|func|fun|sub|interface|struct|enum|trait|impl|type|module|namespace|record|object|protocol|extension|create\s+(?:or\s+replace\s+)?(?:table|view|function|index|procedure)|select|insert\s+into|update|with|resource)\s+\S/i;
/** Lines with which code begins, and which do not show what it is about. */
const PREAMBLE =
  /^\s*(?:#!|#\s*(?:include|define|pragma|import|if|ifdef|ifndef)\b|import\b|from\s+\S+\s+import\b|using\s+[\w.]+|use\s+[\w:{]+|package\s+[\w.]+|require\b|(?:const|let|var)\s+[\w{}, ]+=\s*require\b|<\?|<!doctype|@charset|"use |'use |\/\*|\*|'''|""")/i;

/**
 * @param {string} message  The conversation's first.
 * @returns {string}  On one line; "" when the message has no meaningful line.
 */
export function titleOf(message) {
  const lines = linesOf(visible(message.slice(0, LOOKED_AT)));
  const code = lines.filter(({ kind }) => kind === "code").map((line) => line.text);
  const own = meaningOf(lines.filter(({ kind }) => kind === "text"));
  const looksLikeCode =
    own.startsWith("#!") ||
    (own !== "" && PREAMBLE.test(own) && lines.some((line) => /[{};:]\s*$|^\s*(?:def|class)\s/.test(line.text)));
  if (looksLikeCode) return cut(codeTitle(lines.map((line) => line.text)));
  return cut(own || meaningOf(lines.filter(({ kind }) => kind === "quote")) || codeTitle(code) || lastResort(message));
}

/**
 * The title of a conversation that begins with this turn. If the message has no meaningful line, its attachments give
 * the title.
 * @param {Pick<Turn, "user" | "attachments">} turn
 */
export function titleOfTurn({ user, attachments = [] }) {
  const title = titleOf(user);
  if (title || attachments.length === 0) return title;
  const [first, ...others] = attachments;
  const name = inOneLine(first.title) || hostAndPath(first.url ?? "") || text(KINDS[first.kind]);
  return cut(others.length > 0 ? plural("title_and_more", others.length, name) : name);
}

/** What an attachment without a name is called. @type {Record<Attachment["kind"], MessageKey>} */
const KINDS = {
  page: "attachment_page",
  selection: "attachment_selection",
  image: "attachment_image",
  text: "attachment_pasted_text",
};

/** @typedef {{text: string, kind: "text" | "quote" | "code"}} Line */
/**
 * Blocks of lines that are not the user's own words: how a block begins and ends, what its lines are, and what its last
 * line is.
 * @type {{begin: RegExp, end: RegExp, kind: Line["kind"], last: Line["kind"]}[]}
 */
const ENCLOSED = [
  // JSON, and data like it.
  { begin: /^[[{]+\s*$/, end: /^[\]}]+[,;]?\s*$/, kind: "code", last: "code" },
  { begin: /^\s*<details\b(?!.*<\/details)/i, end: /<\/details\s*>/i, kind: "quote", last: "quote" },
  // The error itself is in the first line that is not indented.
  { begin: /^Traceback \(most recent call last\):/, end: /^\S/, kind: "code", last: "text" },
];

/**
 * The lines of a message with their kinds, without front matter, comments and instructions of documents.
 * @param {string} message
 * @returns {Line[]}
 */
function linesOf(message) {
  const all = message.replace(/<!--[\s\S]*?-->/g, "").split(/\r\n?|[\n\u0085\u2028\u2029]/);
  /** @type {Line[]} */
  const lines = [];
  /** @type {typeof ENCLOSED[number] | undefined} */
  let within;
  let fence = "";
  for (const line of all.slice(frontMatterOf(all))) {
    const [, mark = ""] = FENCE.exec(line) ?? [];
    if (fence) {
      const isEnd = mark.startsWith(fence) && /^[\s>]*[`~$]+\s*$/.test(line);
      if (isEnd) fence = "";
      else lines.push({ text: line, kind: "code" });
    } else if (mark && !line.slice(line.indexOf(mark) + mark.length).includes("`")) {
      fence = mark.trimEnd();
    } else if (within) {
      const isLast = within.end.test(line);
      lines.push({ text: line, kind: isLast ? within.last : within.kind });
      if (isLast) within = undefined;
    } else {
      within = ENCLOSED.find(({ begin }) => begin.test(line));
      // Quotes and tables hold somebody else's words.
      lines.push({ text: line, kind: within?.kind ?? (/^\s*[>|]/.test(line) ? "quote" : "text") });
    }
  }
  return lines;
}

/** The number of lines of front matter: a document's settings between two rules. @param {string[]} lines */
function frontMatterOf(lines) {
  const begin = lines.findIndex((line) => line.trim());
  const rule = lines[begin]?.trimEnd();
  if (rule !== "---" && rule !== "+++") return 0;
  const end = lines.findIndex((line, at) => at > begin && line.trimEnd() === rule);
  const settings = lines.slice(begin + 1, end);
  const isSettings = end > 0 && settings.every((line) => /^(?:\s*$|\s|-\s|#|[\w."'-]+\s*[:=])/.test(line));
  return isSettings ? end + 1 : 0;
}

/**
 * The first meaningful line. A greeting is returned only if no other line is meaningful.
 * @param {{text: string}[]} lines
 */
function meaningOf(lines) {
  let greeting = "";
  for (const line of lines) {
    const plain = withoutMarks(line.text);
    if (!MEANINGFUL.test(plain)) continue;
    const rest = SALUTATION.test(plain) ? "" : plain.replace(GREETING, "");
    if (MEANINGFUL.test(rest)) return rest;
    greeting ||= plain;
  }
  return greeting;
}

/** A line without the markup of Markdown and HTML. @param {string} line */
function withoutMarks(line) {
  let plain = line
    .slice(0, LINE_LOOKED_AT)
    .replace(/^\s*(?:>\s?)+/, "")
    .replace(/^\s*\[![A-Za-z]+\][-+]?/, "")
    .replace(/^\s*(?:[-*+•‣▪–]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?/, "")
    .replace(/^\s*#{1,6}\s+(.*?)(?:\s+#+)?\s*$/, "$1")
    .replace(/^\s*\|(.*?)\|?\s*$/, "$1");
  // A line that begins with a tag is a piece of HTML. A sentence with a tag in it is about that tag, so it stays.
  if (/^\s*<(?:[?!]|\/|([a-z][\w-]*)\b[^<>]*>(?:.*<\/\1\s*>|\s*(?:<[^<>]*>\s*)*$))/i.test(plain))
    plain = plain.replace(/<[^<>]*>/g, " ");
  plain = plain
    .replace(/!?\[([^\]]*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+"[^"]*")?\)/g, "$1")
    .replace(/\[([^\]]+)\]\[[^\]]*\]/g, "$1")
    .replace(/(?<!`)(`+)(?!`)\s?(.+?)\s?(?<!`)\1(?!`)/g, "$2")
    .replace(/(\*\*\*|\*\*|~~)(?=\S)(.+?)(?<=\S)\1/g, "$2")
    // Not Python's __init__.
    .replace(/(?<!\w)(___|__)(?=[^\s_])((?:(?!__)\S)*\s(?:(?!__).)*)(?<=\S)\1(?!\w)/g, "$2")
    .replace(/(?<![\p{L}\p{N}*_])([*_])(?=[^\s*_])([^*_]*[^\s*_])\1(?![\p{L}\p{N}*_])/gu, "$2")
    .replace(/<?\b((?:https?|ftp):\/\/[^\s<>"'`)\]，。、）】」]+)>?/gi, (_, url) => hostAndPath(url))
    .replace(/\bdata:([\w/+.-]*)[\w;=-]*,\S*/gi, "data:$1");
  return inOneLine(plain);
}

/** The readable part of an address, as `example.com/path`. @param {string} url */
function hostAndPath(url) {
  const [, ending = ""] = /([.,;:!?]*)$/.exec(url) ?? [];
  const address = URL.parse(url.slice(0, url.length - ending.length));
  if (!address) return url;
  let path = address.pathname.replace(/\/+$/, "");
  try {
    path = decodeURIComponent(path);
  } catch {
    // A path that is not in UTF-8 stays as it is.
  }
  const host = /^[^/]*\/\/(?:[^/@]*@)?([^/?#]*)/.exec(url)?.[1] ?? address.host;
  return host.replace(/^www\./i, "") + path + ending;
}

/** The title of a piece of code: its first telling line. @param {string[]} all  The lines of the code. */
function codeTitle(all) {
  const lines = all.filter((line) => !FENCE.test(line));
  const telling =
    lines.find((line) => DEFINITION.test(line)) ??
    lines.find((line) => !PREAMBLE.test(line) && /\p{L}{2}/u.test(line)) ??
    lines.find((line) => MEANINGFUL.test(line));
  if (telling === undefined) return "";
  const about = inOneLine(
    telling
      .replace(/^\s*(?:>\s?)+/, "")
      .replace(/^\s*(?:\/\/+|#+|--|;+|%+|\/\*+)\s*/, "")
      .replace(/(?:\s*(?:[{:;,(]|=>|\*\/))+\s*$/, ""),
  );
  return about && text("title_code", about);
}

/**
 * The title of a message of punctuation alone is its first line, that of an empty code block its language.
 * @param {string} message
 */
function lastResort(message) {
  const line = inOneLine(message.slice(0, LOOKED_AT));
  const [, language] = /^[>\s]*[`~]{3,}\s*([\w+#.-]+)[`~\s]*$/.exec(line) ?? [];
  if (language) return text("title_code", language);
  return /^[-*_=~`#>|\s]*$/.test(line) ? "" : line;
}

/** @param {string} line */
function inOneLine(line) {
  return visible(line).replace(/\s+/g, " ").trim();
}

/** Removes invisible characters, and surrogates without a partner. @param {string} written */
function visible(written) {
  return written.replace(INVISIBLE, "").replace(/\p{Cs}/gu, "");
}

/** Cuts a line at the end of a word, or within a word that is too long. @param {string} line */
function cut(line) {
  return cutTo(line, TITLE_LENGTH, "…");
}

/**
 * The beginning of a line, with whole words and whole characters.
 * @param {string} line
 * @param {number} most  In graphemes.
 * @param {string} ending  Of a line that was cut.
 */
export function cutTo(line, most, ending = "") {
  // A grapheme can have any number of combining marks.
  const looked = line.slice(0, most * 16).toWellFormed();
  const ends = Array.from(graphemes.segment(looked), ({ index }) => index);
  if (ends.length <= most && looked.length === line.length) return line;
  const limit = ends[most - ending.length] ?? looked.length;
  let end = 0;
  for (const { index, segment } of words.segment(looked)) {
    if (index + segment.length > limit) break;
    end = index + segment.length;
  }
  // A word that takes most of the line, such as a web address, is cut.
  const kept = looked.slice(0, end).replace(/[\s\p{P}]+$/u, "");
  return (kept.length > limit / 2 ? kept : looked.slice(0, limit)) + ending;
}
