/**
 * How a conversation is called until the user gives it a name: by the first line of it that means something. The list
 * and the names of exported files use the same title.
 */

/** @import { Turn } from "./protocol.js" */

/** In characters as people count them. */
const TITLE_LENGTH = 80;
/** What means something stands at the beginning; a message may be megabytes long. */
const LOOKED_AT = 10_000;
const LINE_LOOKED_AT = 1_000;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const words = new Intl.Segmenter(undefined, { granularity: "word" });

/**
 * Directions, soft hyphens and zero-width characters; not the joiners that make one emoji of several, and are a part of
 * Persian's words.
 */
const INVISIBLE = /(?![\t\n\v\f\r])[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;
const MEANINGFUL = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;
/** Of code, and of a formula. */
const FENCE = /^\s{0,3}(?:>\s?)*(?:[-*+]\s+)?(`{3,}|~{3,}|\$\$\s*$)/;

/** Greetings in the languages that are written most, with whom they are for; only where they stand by themselves. */
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

/** The first line of a letter, with nothing but whom it is for. */
const SALUTATION =
  /^(?:dear|hi|hello|hey|hallo|liebe[rs]?|sehr geehrte[rs]?|bonjour|chère?s?|hola|querid[oa]s?|estimad[oa]s?|gentile|уважаем\p{L}+|дорог\p{L}+)\s(?:[^\s,!:?]+\s?){1,5}[,!:，]$/iu;

/** Lines that begin something with a name, in most languages of programming. */
const DEFINITION =
  /^\s*(?:(?:export|default|public|private|protected|internal|static|async|abstract|final|sealed|open|data|suspend|pub(?:\(\w+\))?|unsafe|local|inline|virtual|override)\s+)*(?:def|class|function\*?|fn|func|fun|sub|interface|struct|enum|trait|impl|type|module|namespace|record|object|protocol|extension|create\s+(?:or\s+replace\s+)?(?:table|view|function|index|procedure)|select|insert\s+into|update|with|resource)\s+\S/i;
/** Lines that code begins with and that say nothing of it. */
const PREAMBLE =
  /^\s*(?:#!|#\s*(?:include|define|pragma|import|if|ifdef|ifndef)\b|import\b|from\s+\S+\s+import\b|using\s+[\w.]+|use\s+[\w:{]+|package\s+[\w.]+|require\b|(?:const|let|var)\s+[\w{}, ]+=\s*require\b|<\?|<!doctype|@charset|"use |'use |\/\*|\*|'''|""")/i;

/**
 * @param {string} text  The conversation's first message.
 * @returns {string}  On one line; "" when there is nothing to call it by.
 */
export function titleOf(text) {
  const lines = linesOf(visible(text.slice(0, LOOKED_AT)));
  const code = lines.filter(({ kind }) => kind === "code").map((line) => line.text);
  const own = meaningOf(lines.filter(({ kind }) => kind === "text"));
  const looksLikeCode =
    own.startsWith("#!") ||
    (own !== "" && PREAMBLE.test(own) && lines.some((line) => /[{};:]\s*$|^\s*(?:def|class)\s/.test(line.text)));
  if (looksLikeCode) return cut(codeTitle(lines.map((line) => line.text)));
  return cut(own || meaningOf(lines.filter(({ kind }) => kind === "quote")) || codeTitle(code) || lastResort(text));
}

/**
 * The title of a conversation that begins with a turn: of a message without words, what is attached.
 * @param {Pick<Turn, "user" | "attachments">} turn
 */
export function titleOfTurn({ user, attachments = [] }) {
  const title = titleOf(user);
  if (title || attachments.length === 0) return title;
  const [first, ...others] = attachments;
  const name =
    inOneLine(first.title) ||
    hostAndPath(first.url ?? "") ||
    { page: "Page", selection: "Selection", image: "Image", text: "Pasted text" }[first.kind];
  return cut(others.length > 0 ? `${name} and ${others.length} more` : name);
}

/** @typedef {{text: string, kind: "text" | "quote" | "code"}} Line */
/**
 * Lines that are not what somebody says: how they begin and end, what they are, and what their last one is.
 * @type {{begin: RegExp, end: RegExp, kind: Line["kind"], last: Line["kind"]}[]}
 */
const ENCLOSED = [
  // JSON, and data like it.
  { begin: /^[[{]+\s*$/, end: /^[\]}]+[,;]?\s*$/, kind: "code", last: "code" },
  { begin: /^\s*<details\b(?!.*<\/details)/i, end: /<\/details\s*>/i, kind: "quote", last: "quote" },
  // What went wrong stands in the first line that is not indented.
  { begin: /^Traceback \(most recent call last\):/, end: /^\S/, kind: "code", last: "text" },
];

/**
 * The lines of a message, told apart. Front matter, comments and instructions of documents are left out.
 * @param {string} text
 * @returns {Line[]}
 */
function linesOf(text) {
  const all = text.replace(/<!--[\s\S]*?-->/g, "").split(/\r\n?|[\n\u0085\u2028\u2029]/);
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
      // Of what was quoted, and of a table, the words are somebody else's.
      lines.push({ text: line, kind: within?.kind ?? (/^\s*[>|]/.test(line) ? "quote" : "text") });
    }
  }
  return lines;
}

/** How many lines front matter takes: settings of a document between two rules. @param {string[]} lines */
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
 * The first of some lines that means something. Greetings do when nothing follows them.
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

/** A line as it is read, without the marks of Markdown and HTML. @param {string} line */
function withoutMarks(line) {
  let text = line
    .slice(0, LINE_LOOKED_AT)
    .replace(/^\s*(?:>\s?)+/, "")
    .replace(/^\s*\[![A-Za-z]+\][-+]?/, "")
    .replace(/^\s*(?:[-*+•‣▪–]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?/, "")
    .replace(/^\s*#{1,6}\s+(.*?)(?:\s+#+)?\s*$/, "$1")
    .replace(/^\s*\|(.*?)\|?\s*$/, "$1");
  // What begins with a tag is a piece of HTML; a tag in a sentence is what the sentence is about.
  if (/^\s*<(?:[?!]|\/|([a-z][\w-]*)\b[^<>]*>(?:.*<\/\1\s*>|\s*(?:<[^<>]*>\s*)*$))/i.test(text))
    text = text.replace(/<[^<>]*>/g, " ");
  text = text
    .replace(/!?\[([^\]]*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+"[^"]*")?\)/g, "$1")
    .replace(/\[([^\]]+)\]\[[^\]]*\]/g, "$1")
    .replace(/(?<!`)(`+)(?!`)\s?(.+?)\s?(?<!`)\1(?!`)/g, "$2")
    .replace(/(\*\*\*|\*\*|~~)(?=\S)(.+?)(?<=\S)\1/g, "$2")
    // Not Python's __init__.
    .replace(/(?<!\w)(___|__)(?=[^\s_])((?:(?!__)\S)*\s(?:(?!__).)*)(?<=\S)\1(?!\w)/g, "$2")
    .replace(/(?<![\p{L}\p{N}*_])([*_])(?=[^\s*_])([^*_]*[^\s*_])\1(?![\p{L}\p{N}*_])/gu, "$2")
    .replace(/<?\b((?:https?|ftp):\/\/[^\s<>"'`)\]，。、）】」]+)>?/gi, (_, url) => hostAndPath(url))
    .replace(/\bdata:([\w/+.-]*)[\w;=-]*,\S*/gi, "data:$1");
  return inOneLine(text);
}

/** @param {string} url  `example.com/path` of it; the rest is for machines. */
function hostAndPath(url) {
  const [, ending = ""] = /([.,;:!?]*)$/.exec(url) ?? [];
  const address = URL.parse(url.slice(0, url.length - ending.length));
  if (!address) return url;
  let path = address.pathname.replace(/\/+$/, "");
  try {
    path = decodeURIComponent(path);
  } catch {
    // It is not written in UTF-8, and stays as it is.
  }
  const host = /^[^/]*\/\/(?:[^/@]*@)?([^/?#]*)/.exec(url)?.[1] ?? address.host;
  return host.replace(/^www\./i, "") + path + ending;
}

/** What a piece of code is about. @param {string[]} all  Its lines. */
function codeTitle(all) {
  const lines = all.filter((line) => !FENCE.test(line));
  const telling =
    lines.find((line) => DEFINITION.test(line)) ??
    lines.find((line) => !PREAMBLE.test(line) && /\p{L}{2}/u.test(line)) ??
    lines.find((line) => MEANINGFUL.test(line));
  if (telling === undefined) return "";
  const text = inOneLine(
    telling
      .replace(/^\s*(?:>\s?)+/, "")
      .replace(/^\s*(?:\/\/+|#+|--|;+|%+|\/\*+)\s*/, "")
      .replace(/(?:\s*(?:[{:;,(]|=>|\*\/))+\s*$/, ""),
  );
  return text && `Code: ${text}`;
}

/** Of a message of marks alone, these; of a fence around nothing, its language. @param {string} text */
function lastResort(text) {
  const line = inOneLine(text.slice(0, LOOKED_AT));
  const [, language] = /^[>\s]*[`~]{3,}\s*([\w+#.-]+)[`~\s]*$/.exec(line) ?? [];
  if (language) return `Code: ${language}`;
  return /^[-*_=~`#>|\s]*$/.test(line) ? "" : line;
}

/** @param {string} text */
function inOneLine(text) {
  return visible(text).replace(/\s+/g, " ").trim();
}

/** Without halves of characters either. @param {string} text */
function visible(text) {
  return text.replace(INVISIBLE, "").replace(/\p{Cs}/gu, "");
}

/** At a word's end, or between two characters where a word is longer. @param {string} line */
function cut(line) {
  return cutTo(line, TITLE_LENGTH, "…");
}

/**
 * The beginning of a line, with whole words and whole characters.
 * @param {string} line
 * @param {number} most  Characters as people count them.
 * @param {string} ending  Of a line that was cut.
 */
export function cutTo(line, most, ending = "") {
  // One character can have any number of marks.
  const looked = line.slice(0, most * 16).toWellFormed();
  const ends = Array.from(graphemes.segment(looked), ({ index }) => index);
  if (ends.length <= most && looked.length === line.length) return line;
  const limit = ends[most - ending.length] ?? looked.length;
  let end = 0;
  for (const { index, segment } of words.segment(looked)) {
    if (index + segment.length > limit) break;
    end = index + segment.length;
  }
  // A word that takes most of the line is cut; an address is such a word.
  const kept = looked.slice(0, end).replace(/[\s\p{P}]+$/u, "");
  return (kept.length > limit / 2 ? kept : looked.slice(0, limit)) + ending;
}
