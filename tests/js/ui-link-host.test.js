import assert from "node:assert/strict";
import { test } from "node:test";
import { isWrittenLikeAnother, namesOtherHost } from "../../extension/ui/link-host.js";

/** @param {string} text @param {string} address */
const other = (text, address) => namesOtherHost(text, new URL(address));
/** @param {string} address */
const odd = (address) => isWrittenLikeAnother(address, new URL(address));

/**
 * langchain-ai/deepagents#1694 and mastodon/mastodon#3833: what a link says is an address in letters that pass for
 * others.
 */
test("a text that names another host than the link has is marked", () => {
  for (const text of [
    "openai.com",
    "https://openai.com/login",
    "Log in at openai.com now",
    "(openai.com)",
    "OPENAI.COM",
    "www.openai.com",
    "openai.bank",
    "openai.xyz",
    "openai.zip",
    "openai\u200b.com",
    "open\u00adai.com",
    "openai\u2024com",
    "openai\u3002com",
    "openai\u00b7com",
    "openai[.]com",
    "openai .com",
    "openai \n .com",
    "\uff4f\uff50\uff45\uff4e\uff41\uff49\uff0e\uff43\uff4f\uff4d",
    "api.openai.com.evil.example.org",
    "evil.example @ openai.com",
    "https://evil.example@openai.com",
    "https://openai.whatever",
    "//openai.whatever",
    "127.0.0.1",
    "銀行.中国",
    "xn--80ak6aa92e.com",
    "\u0430\u0440\u0440\u04cf\u0435.com",
    "evil.example openai.com",
    "\u202emoc.ianepo",
    "localhost:8080",
    "http://localhost/",
    "https://openai",
    "https://openai:443/login",
    "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
  ])
    assert.equal(other(text, "https://evil.example/x"), true, text);
  assert.equal(other("me@openai.com", "mailto:me@evil.example"), true);
});

test("a text that names the host of the link, or none, is not marked", () => {
  for (const text of [
    "evil.example",
    "www.evil.example",
    "EVIL.example.",
    "https://evil.example/x",
    "Look here",
    "Node.js",
    "app.py",
    "これは文です。次の文です。",
    "中文。更多内容",
    "中文·维基百科",
    "العربية.النص",
    "Жизнь.Время",
    "http:// and https://",
    "localhost",
  ])
    assert.equal(other(text, "https://evil.example/x"), false, text);
  for (const text of [
    "Array.prototype.map",
    "README.md",
    "e.g.",
    "v1.2.3",
    "3.5",
    "Hello. World",
    "a…b",
    "os.path.join()",
  ])
    assert.equal(other(text, "https://developer.example/"), false, text);
  assert.equal(other("bücher.de", "https://bücher.de/"), false);
  assert.equal(other("me@example.org", "mailto:me@example.org"), false);
});

/** decred/politeiagui#757: 2899945070 is an address in decimal, and ɡoogle.com is none of google.com. */
test("a host that is written like another one is marked", () => {
  for (const address of [
    "http://2899945070/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "https://\u0251pple.com/",
    "http://\u0261oogle.com/",
    "http://eb\u0430y.com",
    "https://www.\u0430\u0440\u0440\u04cf\u0435.com/",
  ])
    assert.equal(odd(address), true, address);
  for (const address of [
    "http://127.0.0.1:8000/",
    "https://example.com/",
    "https://価格.com/",
    "https://müller.de/",
    "http://[::1]/",
    "https://президент.рф/",
  ])
    assert.equal(odd(address), false, address);
});
