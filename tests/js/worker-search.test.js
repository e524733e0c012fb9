import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import "fake-indexeddb/auto";
import "./worker-vendor.js";

const { deleteDB, openDB } = await import("idb");
const database = await import("../../extension/shared/storage/database.js");
const writer = await import("../../extension/worker/storage/turn-writer.js");
const { listConversations } = await import("../../extension/worker/storage/conversation-list.js");
const { indexMissing } = await import("../../extension/worker/storage/search-index.js");
const { addTo, emptySignature, mayHave, signatureOf } = await import("../../extension/worker/storage/search.js");
const { fold, foldWithPlaces, placesOf, termsOf } = await import("../../extension/shared/fold.js");

/**
 * A conversation of one turn.
 * @param {string} id
 * @param {string} user
 * @param {string} [answer]
 * @param {Record<string, unknown>} [fields]
 */
function store(id, user, answer = "", fields = {}) {
  const blocks = answer ? [{ kind: "text", text: answer, open: false }] : [];
  const turn = {
    id: `turn-${id}`,
    user,
    created_at: 1,
    status: "completed",
    blocks,
    version: 2,
    position: 0,
    items: [],
  };
  const head = { id, created_at: 1, leaf: turn.id, settings: {} };
  return writer.saveTurn(JSON.stringify(head), JSON.stringify({ ...turn, ...fields }));
}

/** @param {string} query */
const found = async (query) => (await listConversations({ query }, new Set())).conversations;
/** @param {string} query */
const ids = async (query) => (await found(query)).map(({ id }) => id).sort();
/** What is marked. @param {string} query */
const hit = async (query) => (await found(query))[0]?.snippet?.hit;

beforeEach(async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: 1 });
  await deleteDB("sidestream");
});

// --- what is found
// ---------------------------------------------------------------------------------------------------------

test("parts of identifiers, addresses, paths, names with signs, and emoji", async () => {
  await store(
    "a",
    "Where is it?",
    "Set `user_profile_id` in getUserProfileById, at /srv/http/index.html of 192.168.17.4.",
  );
  await store("b", "C++ or C#, issue #123, ada@example.com 👩‍💻 ❤️", "See <https://example.com/a/b?c=d#e>.");
  for (const query of ["profile", "17.4", "profileby", "http/index", "168.17"])
    assert.deepEqual(await ids(query), ["a"], query);
  for (const query of ["c++", "c#", "#123", "@example", "👩", "❤", "b?c=d"])
    assert.deepEqual(await ids(query), ["b"], query);
  assert.equal(await hit("PROFILE"), "profile");
});

test("where a link leads that says something else", async () => {
  await store("a", "Notes?", "> See **[the *notes*](https://example.com/ios/17.4/a%20b)** of the release.");
  for (const query of ["17.4", "example.com/ios", '"the notes of the release"'])
    assert.deepEqual(await ids(query), ["a"]);
  assert.equal(await hit("17.4"), "17.4");
});

/**
 * element-hq/element-meta#1479: only whole words were found, which is of little use where words have endings and are
 * put together.
 */
test("the middle of German and Korean compounds", async () => {
  await store("a", "Meine Krankenversicherungskarte ist weg");
  await store("b", "크롬브라우저에서 확장프로그램을 설치했습니다");
  assert.deepEqual(await ids("Versicherung"), ["a"]);
  assert.deepEqual(await ids("karte"), ["a"]);
  for (const query of ["브라우저", "프로그램", "설치", "롬"]) assert.deepEqual(await ids(query), ["b"], query);
});

/**
 * telegramdesktop/tdesktop#1562 and stoatchat/for-legacy-web#952: of a sentence without spaces, only its beginning or
 * all of it was found.
 */
test("Chinese and Japanese without spaces, also single characters", async () => {
  await store("a", "测试", "這是一句中文，沒有空格。");
  await store("b", "病院は機能していない", "データを見る");
  for (const query of ["句中文", "一句中文", "中", "空格", "是一"]) assert.deepEqual(await ids(query), ["a"], query);
  for (const query of ["病院", "機能", "ﾃﾞｰﾀ", "見"]) assert.deepEqual(await ids(query), ["b"], query);
  assert.deepEqual(await ids("テータ"), [], "voicing tells words apart");
});

/** huggingface/chat-ui#1844: nothing was found until a word was typed to its end. */
test("each letter that is typed narrows the search, and none of them empties it", async () => {
  await store("a", "Something else entirely");
  await store("b", "About photosynthesis");
  const word = "photosynthesis";
  for (let length = 2; length <= word.length; length += 1) assert.deepEqual(await ids(word.slice(0, length)), ["b"]);
});

/** iNPUTmice/Conversations#3007: `a$` and `a-` found every `a`, and marked nothing. */
test("signs are meant as they are typed", async () => {
  await store("a", "costs in a$ each");
  await store("b", "costs in a b");
  for (const query of ["a$", "n a$"]) assert.deepEqual(await ids(query), ["a"], query);
  assert.equal(await hit("a$"), "a$");
  assert.deepEqual(await ids("a%"), []);
  assert.deepEqual(await ids("a.b"), []);
});

/**
 * SillyTavern/SillyTavern#3727: words in different messages of a chat, or one of them in its title, were not found
 * together.
 */
test("several words are all found, in the title or in any turn; a phrase in quotes in one place", async () => {
  await store("a", "narbacular things", "A helicopter");
  await writer.saveTurn(
    JSON.stringify({ id: "a", created_at: 1, leaf: "2", settings: {} }),
    JSON.stringify({ ...turnOf("2", "An aqueduct"), parent: "turn-a" }),
  );
  await store("b", "helicopter");
  assert.deepEqual(await ids("helicopter aqueduct NARBA"), ["a"]);
  assert.deepEqual(await ids('"a helicopter"'), ["a"]);
  assert.deepEqual(await ids('"helicopter aqueduct"'), []);
  assert.deepEqual(await ids("“a helicopter”"), ["a"]);
});

/** @param {string} id @param {string} user */
function turnOf(id, user) {
  return { id, user, created_at: 1, status: "completed", blocks: [], version: 2, position: 1, items: [] };
}

/**
 * bibletime/bibletime#255 (Arabic vowel marks and forms of alif), farmerbb/Notepad#174 ("video" for "vidéo"),
 * koreader/koreader#10366 (apostrophes).
 */
test("accents, case, widths, points and typographic marks make no difference", async () => {
  const same = [
    ["un café et une vidéo", "CAFE", "video", "cafe\u0301"],
    ["STRASSE Ærø Łódź", "straße", "aero", "lodz"],
    ["İSTANBUL ve ığdır", "istanbul", "IĞDIR", "igdir"],
    ["ｆｕｌｌ　ｗｉｄｔｈ ﬁne x²", "full width", "fine", "x2"],
    ["كَتَبَ أَكَلَ مُحَمَّد", "كتب", "اكل", "محمد"],
    ["שָׁלוֹם עוֹלָם", "שלום", "עולם"],
    ["don’t – stop “now”", "don't", 'stop "now"'],
    ["co\u00adop zero\u200bwidth", "coop", "zerowidth"],
    ["ΟΔΥΣΣΕΥΣ", "οδυσσευς", "οδυσσεύς"],
    ["Ёлка ٣٤", "елка", "34"],
    ["की हिन्दी", "हिन्दी"],
  ];
  for (const [index, [text]] of same.entries()) await store(String(index), text);
  for (const [index, [, ...queries]] of same.entries()) {
    for (const query of queries) assert.deepEqual(await ids(query), [String(index)], query);
  }
  assert.deepEqual(await ids("हान्दी"), [], "vowel signs are letters");
});

test("text is searched as it is read: across bold, links and code, without marks", async () => {
  await store(
    "a",
    "x",
    "A **fjo**rd, [a li](https://hidden.test)nk, `co`de, ~~de~~leted\n\n> quo*te*d &amp; done\n\n| ce**ll** |\n| --- |\n| row |",
  );
  for (const query of ["fjord", "link", "hidden.test", "code", "deleted", "quoted", "cell", '"quoted & done"'])
    assert.deepEqual(await ids(query), ["a"], query);
  for (const query of ["**", '"row x"']) assert.deepEqual(await ids(query), [], query);
});

test("formulas by their source, alerts, what is folded, footnotes and definitions without a reference", async () => {
  const markdown =
    "$x_1$ and\n\n$$\n\\int y\n$$\n\n> [!NOTE]\n> care**ful**\n\n<details><summary>More</summary>\n\nBehind\n\n</details>\n\n[docs]: https://docs.test/page";
  await store("a", "x", `${markdown}\n\nNote[^1]\n\n[^1]: small print`);
  for (const query of ["x_1", "\\int", "careful", "more", "behind", "small print", "docs.test"]) {
    assert.deepEqual(await ids(query), ["a"], query);
  }
});

test("names of what is attached and refusals are found; reasoning and tools are not", async () => {
  const attachments = [{ id: "i", kind: "page", title: "Annual report", tokens: 1, size: 1 }];
  const blocks = [
    { kind: "reasoning", text: "secretly", open: false },
    { kind: "tool", text: "hidden arguments", open: false },
    { kind: "refusal", text: "I cannot say", open: false },
  ];
  await store("a", "x", "", { attachments, blocks });
  assert.deepEqual(await ids("report"), ["a"]);
  assert.deepEqual(await ids("cannot"), ["a"]);
  assert.deepEqual(await ids("secretly"), []);
  assert.deepEqual(await ids("arguments"), []);
});

test("the place is in the branch that is shown, where that has one, else in another", async () => {
  await store("a", "First fjord");
  const head = JSON.stringify({ id: "a", created_at: 1, leaf: "2", settings: {} });
  await writer.saveTurn(head, JSON.stringify({ ...turnOf("1", "hidden skerry and fjord holm"), parent: "turn-a" }));
  await writer.saveTurn(head, JSON.stringify({ ...turnOf("2", "shown"), parent: "turn-a" }));
  assert.deepEqual((await found("fjord"))[0].place, { turn: "turn-a" });
  assert.deepEqual((await found("skerry"))[0].place, { turn: "1", elsewhere: true });
  await writer.removeTurn(head, "1");
  assert.deepEqual(await ids("skerry"), []);
});

test("a growing answer is found by its message, and by all of it when it has ended", async () => {
  await store("a", "question", "half", { status: "running" });
  assert.deepEqual(await ids("question"), ["a"]);
  assert.deepEqual(await ids("half"), []);
  await store("a", "question", "half and whole");
  assert.deepEqual(await ids("whole"), ["a"]);
});

// --- by brute force
// --------------------------------------------------------------------------------------------------------

/** Numbers that are the same in each run. */
function random(seed = 1) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

const ALPHABETS = [
  "abcdeABC ",
  "éèüßÄñ İıI ",
  "中文字日本語 ",
  "한국어크롬 ",
  "عَرَبِيُّ ",
  "_./-:#@+$ab1 ",
  "👩‍💻❤️😀x ",
  "が゙ｶﾞｱ ",
];

/** @param {ReturnType<typeof random>} next @param {number} length */
function someText(next, length) {
  let text = "";
  while (text.length < length) {
    const characters = [...ALPHABETS[next(ALPHABETS.length)]];
    for (let count = next(6) + 1; count > 0; count -= 1) text += characters[next(characters.length)];
  }
  return text;
}

test("everything is found that a search of the folded texts would find, and nothing else", async () => {
  const next = random(7);
  const texts = Array.from({ length: 40 }, (_, index) => someText(next, 20 + 10 * index));
  for (const [index, text] of texts.entries()) await store(String(index), text);
  for (let round = 0; round < 400; round += 1) {
    const text = texts[next(texts.length)];
    const characters = [...text];
    const begin = next(characters.length);
    const query = characters.slice(begin, begin + next(7) + 1).join("");
    const terms = termsOf(query);
    if (terms.length === 0) continue;
    const expected = texts.flatMap((each, index) =>
      terms.every((term) => fold(each).includes(term)) ? [String(index)] : [],
    );
    assert.ok(expected.includes(String(texts.indexOf(text))) || terms.some((term) => !fold(text).includes(term)));
    assert.deepEqual(await ids(query), expected.sort(), JSON.stringify(query));
  }
});

test("folding a text with places gives the same as without, and each place holds what was looked for", () => {
  const next = random(3);
  for (let round = 0; round < 300; round += 1) {
    const text = someText(next, 60);
    const { folded, starts, ends } = foldWithPlaces(text);
    assert.equal(folded, fold(text));
    for (let at = 0; at < folded.length; at += 1) assert.ok(starts[at] < ends[at] && ends[at] <= text.length);
    const begin = next(folded.length);
    const term = folded.slice(begin, begin + 3).trim();
    if (!term) continue;
    const places = placesOf(text, [term]);
    assert.ok(places.length > 0);
    for (const { start, end } of places)
      assert.ok(fold(text.slice(start, end)).includes(term), JSON.stringify([text, term]));
  }
});

test("an index never misses a piece, grows with its texts, and lets little through that is not there", () => {
  const next = random(11);
  const texts = Array.from({ length: 200 }, () => fold(someText(next, 300)));
  const signature = signatureOf(texts);
  assert.ok(signature.bits.length > emptySignature().bits.length);
  for (const text of texts) {
    for (const length of [1, 2, 3, 9]) {
      const at = next(text.length - length);
      assert.ok(mayHave(signature, text.slice(at, at + length)));
    }
  }
  const wrong = Array.from({ length: 500 }, (_, index) => `q${index}zwv`).filter((term) => mayHave(signature, term));
  assert.ok(wrong.length < 25, `${wrong.length}`);
  const small = emptySignature();
  assert.equal(addTo(small, "short"), true);
  assert.equal(mayHave(small, "shorts"), false);
});

// --- a database of before
// ------------------------------------------------------------------------------------------------------

test("what was stored before the index is found as soon as it is read, the latest first, and titles at once", async () => {
  const old = await openDB("sidestream", 4, {
    upgrade(db) {
      const conversations = db.createObjectStore("conversations", { keyPath: "id" });
      conversations.createIndex("by_updated", "updated_at");
      const turns = db.createObjectStore("turns", { keyPath: ["conversation_id", "id"] });
      turns.createIndex("by_conversation", ["conversation_id", "position"]);
      turns.createIndex("by_word", "words", { multiEntry: true });
      turns.createIndex("by_active", "active");
      db.createObjectStore("meta");
      db.createObjectStore("keys");
      db.createObjectStore("usage", { keyPath: ["day", "origin", "model"] });
      db.createObjectStore("attachments", { keyPath: ["conversation_id", "id"] }).createIndex("by_id", "id");
    },
  });
  for (let index = 0; index < 5; index += 1) {
    const id = `c${index}`;
    await old.put("conversations", { id, created_at: 1, updated_at: index, title: "```python", turns: 1, leaf: "1" });
    const turn = { ...turnOf("1", "```python\ndef fjord():\n```"), conversation_id: id, words: ["def", "fjord"] };
    await old.put("turns", index === 0 ? { ...turn, user: "Own" } : turn);
  }
  await old.put("conversations", {
    id: "named",
    created_at: 1,
    updated_at: 9,
    title: "x",
    own_title: "A fjord",
    turns: 1,
    leaf: "1",
  });
  await old.put("turns", { ...turnOf("1", "What is it?"), conversation_id: "named" });
  old.close();

  const first = await listConversations({ query: "fjord" }, new Set());
  assert.deepEqual(
    first.conversations.map(({ id }) => id),
    ["named"],
  );
  assert.equal(first.pending, 6);
  // The conversation continues meanwhile.
  const head = JSON.stringify({ id: "c0", created_at: 1, leaf: "2", settings: {} });
  await writer.saveTurn(head, JSON.stringify({ ...turnOf("2", "more fjord"), parent: "1" }));
  await indexMissing();
  await indexMissing();
  const second = await listConversations({ query: "fjord" }, new Set());
  assert.equal(second.pending, undefined);
  assert.deepEqual(second.conversations.map(({ id }) => id).sort(), ["c0", "c1", "c2", "c3", "c4", "named"]);
  const stored = await (await database.database()).getAll("turns");
  assert.ok(
    stored.every((each) => !("words" in each)),
    "the index of words is emptied",
  );
  const titles = Object.fromEntries(
    (await listConversations({}, new Set())).conversations.map(({ id, title }) => [id, title]),
  );
  assert.equal(titles.c1, "Code: def fjord()");
  assert.equal(titles.named, "A fjord");
});
