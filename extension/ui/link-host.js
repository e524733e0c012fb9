/** Where a link leads, and whether its text says something else. */

import { lookAlikes } from "./revealed.js";

/** Marks that are drawn as a full stop is, and that people or browsers read as one between the parts of a host. */
const STOPS = /[\u00b7\u0387\u06d4\u0701\u0702\u2027\u2219\u22c5\u2e33\u3002\ua4f8\ua60e\uff61]|\[\.\]| \.(?=\p{L})/gu;
const IGNORED = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/**
 * Endings of hosts with more than two letters that texts use; what has another one is the name of a function, as a
 * rule.
 */
const ENDINGS = new Set(
  (
    "com org net edu gov mil int info biz name pro mobi app dev page web site online store shop tech " +
    "cloud xyz top icu club live life " +
    "world today news blog wiki link click zip mov bank finance money cash pay email mail chat support " +
    "help center services agency " +
    "company group global network systems software digital media design studio space website host hosting " +
    "security login plus one " +
    "example test invalid local localhost internal onion"
  ).split(" "),
);
/**
 * The same of hosts that are written in other alphabets: between the sentences of Chinese or Japanese there is a full
 * stop without a blank.
 */
const OTHER_ENDINGS = new Set(
  (
    "рф рус бел укр мкд срб қаз бг мон ею ком орг сайт онлайн дети москва католик ευ ελ հայ გე 中国 中國 香港 " +
    "台湾 台灣 澳門 新加坡 公司 网络 网址 网站 在线 " +
    "中文网 集团 政务 公益 商城 商店 移动 我爱你 手机 世界 企业 娱乐 游戏 购物 信息 机构 みんな コム セール グーグル ファッション ストア クラウド 한국 닷컴 닷넷 삼성 ไทย คอม " +
    "भारत भारतम् भारोत संगठन कॉम नेट ভারত বাংলা ਭਾਰਤ ભારત ଭାରତ இந்தியா இலங்கை சிங்கப்பூர் భారత్ ಭಾರತ " +
    "ഭാരതം ලංකා السعودية مصر امارات قطر تونس المغرب " +
    "الجزائر الاردن عمان عراق سورية فلسطين سودان موريتانيا البحرين اليمن شبكة موقع بازار كوم همراه ایران پاکستان بھارت ישראל קום"
  )
    .split(" ")
    .map((ending) => ending.normalize("NFKC")),
);
/** They turn the order of the letters: what is read is not what is compared. */
const TURNED = /[\u202d\u202e]/;
/** Two letters that end the names of files and not only of countries' hosts. */
const FILES = new Set("js ts py md rs rb sh cc go pl ps tf hs ml vb fs cs kt mm".split(" "));

/**
 * Whether a text names a host, and another one than the address has.
 * @param {string} text
 * @param {URL} url
 * @returns {boolean}
 */
export function namesOtherHost(text, url) {
  if (TURNED.test(text)) return true;
  const plain = text.normalize("NFKC").replace(IGNORED, "").replace(/\s+/g, " ").replace(STOPS, ".");
  const actual = withoutWww(url.hostname || url.pathname.replace(/^.*(?:@|%40)/i, "")).toLowerCase();
  const [, single] = /:\/\/([^\s/?#:@.]+)(?=[/?#:\s]|$)/u.exec(plain) ?? /\b(localhost):\d/i.exec(plain) ?? [];
  if (single && single.toLowerCase() !== actual) return true;
  const isAddress = /:\/\/|(?:^|[^\p{L}])www\.|^\s*\/\//iu.test(plain);
  for (const [token] of plain.matchAll(/[\p{L}\p{N}\p{M}._-]+/gu)) {
    const host = hostNamed(token, isAddress);
    if (host && host !== actual) return true;
  }
  return false;
}

/**
 * @param {string} token
 * @param {boolean} isAddress  It is in a text with the form of an address.
 * @returns {string}  As a browser writes it; empty where it is none.
 */
function hostNamed(token, isAddress) {
  const labels = token
    .toLowerCase()
    .replace(/^[._-]+/, "")
    .replace(/[._-]+$/, "")
    .split(".");
  const last = labels[labels.length - 1];
  if (labels.length < 2 || labels.includes("") || token.length > 260) return "";
  const isNumeric = labels.length === 4 && labels.every((label) => /^\d{1,3}$/.test(label));
  const isHost = isAddress
    ? /\p{L}/u.test(last)
    : ENDINGS.has(last) ||
      last.startsWith("xn--") ||
      OTHER_ENDINGS.has(last) ||
      (/^[a-z]{2}$/.test(last) && !(labels.length === 2 && FILES.has(last)));
  const host = labels.join(".");
  if (!(isHost || isNumeric) || !URL.canParse(`http://${host}`)) return "";
  return withoutWww(new URL(`http://${host}`).hostname);
}

/**
 * Whether a host is written so that it is taken for another one: with letters that pass for Latin ones, or a number in
 * another form.
 * @param {string} address  As it is written.
 * @param {URL} url  The same, as the browser reads it.
 * @returns {boolean}
 */
export function isWrittenLikeAnother(address, url) {
  const written = /^[a-z]+:\/\/([^/?#]+)/i.exec(address)?.[1] ?? "";
  const isNumber = /^[\d.]+$|^\[/.test(url.hostname) && written.toLowerCase() !== url.host;
  return isNumber || lookAlikes(written).length > 0 || ALPHABETS.test(written);
}

const ALPHABETS = /[\p{sc=Cyrillic}\p{sc=Greek}\p{sc=Armenian}\p{sc=Cherokee}].*\.[a-z]+(?::\d+)?$/iu;

/** @param {string} host */
function withoutWww(host) {
  return host.replace(/^www\./, "");
}
