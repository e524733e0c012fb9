"""Pages in the structure of real sites, with our own texts, and what must be read of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Saved:
    """A page, and what reading it must give."""

    name: str
    keep: list[str]
    """What must be in the text, word for word; several lines count with their breaks."""
    noise: list[str] = field(default_factory=list)
    """What must not be in it."""
    missing: str = ""
    """A part of the note of what was left out, or "" if the whole page is read."""
    why: str = ""
    """The public reports that this page rebuilds, by repository and number."""

    @property
    def html(self) -> str:
        """The page's source."""
        return (FOLDER / f"{self.name}.html").read_text("utf-8")


PAGES = [
    Saved(
        "stackoverflow",
        [
            "Why does my loop skip every second item?",
            "I remove the even numbers from a list while I walk over it, and half of them stay.",
            "```py\nnumbers = [2, 4, 6]\nfor n in numbers:\n    if n % 2 == 0:\n"
            "        numbers.remove(n)\n```",
            "What is wrong with it?",
            "Never change a list while you iterate over it.",
            "Which version of Python is it?",
            "The iterator keeps an index, and removing an item moves the others to the left.",
            "```\nfor n in numbers[:]:\n    if n % 2 == 0:\n        numbers.remove(n)\n```",
            "The copy takes O(n) memory, though.",
            "Build a new list with a comprehension, which is shorter and faster.",
            "I would use filter for that, as in old times.",
            "77",
        ],
        ["For Teams", "Privacy Policy", "Accept all cookies", "Site design"],
        missing="loaded only on request",
        why="mozilla/readability#539: of StackExchange pages only the question or only the "
        "answers are read",
    ),
    Saved(
        "hackernews",
        [
            "The river came up in the night",
            "311 points",
            "We had the same in 1997, and nobody wrote it down.",
            "The gauge at the mill was under water by midnight.",
            "Somebody did: the parish book has it on page 12.",
            "Dams make this worse, not better.",
            "```\n  import gauge\n  for level in gauge.read():\n      print(level)\n```",
        ],
    ),
    Saved(
        "hackernews_more",
        ["The first page of comments has this one."],
        missing="one of several pages",
    ),
    Saved(
        "phpbb3",
        [
            "Every morning half of a lettuce is gone.\nI tried beer traps and copper tape.\n\n"
            "What else works?",
            "> Rosa wrote:",
            "Nematodes, in the evening, on wet soil.",
            "```\n10 million per m^2\nwater: 5 l\n```",
            "Thank you, ~~ten~~ twelve lettuces survived.",
        ],
        ["Board index", "Skip to content"],
        why="mozilla/readability#558: forums are no articles",
    ),
    Saved(
        "phpbb2",
        [
            "dl3abc",
            "I have ten metres of garden and two trees.\nWhat would you hang up there?",
            "An end-fed half wave with a 49:1 transformer.",
            "73 de Franz",
        ],
        missing="one of several pages",
    ),
    Saved(
        "github_issue",
        [
            "# Crash when the file is empty #31",
            "Version 2.4 crashes on an empty file.",
            "```shell\nscythe cut empty.txt\n# Segmentation fault\n```",
            "3. Make an empty file\n4. Cut it",
            "- [x] reproduced\n- [ ] fixed",
            "👍 14",
            "24 hidden items",
            "The reader does not check the length.",
            "```\nat read (reader.c:12)\nat main (main.c:40)\n```",
            "Works for me now, thank you!",
        ],
        ["Platform", "Terms", "Skip to content"],
        missing="loaded only on request",
    ),
    Saved(
        "github_pr",
        [
            "```\nint read(FILE *f) {\n-    char *line = f->base;\n"
            "+    char *line = size(f) ? f->base : NULL;\n```",
            "Should this not be an error instead?",
        ],
    ),
    Saved(
        "github_discussion",
        [
            "My scythe is dull after an hour. How do you sharpen yours?",
            "With a wet stone, every ten minutes.",
            "Every ten? I do it each quarter of an hour.",
            "I prefer a lawn mower, honestly.",
        ],
        missing="loaded only on request",
    ),
    Saved(
        "reddit",
        [
            "# What did your garden teach you?",
            "Ten years, one apple tree, and I still cannot prune it.",
            "Patience. And that slugs have no enemies.",
            "I am an enemy of slugs, and I live under your pots.",
            "That weeds are flowers nobody ordered.",
        ],
        ["Popular", "never drawn"],
        missing="loaded only on request",
        why="jatinkrmalik/LLMFeeder#114: of a Reddit thread only the title and one comment are "
        "read",
    ),
    Saved(
        "discourse",
        [
            "Mix flour, water and salt, and wait eighteen hours.",
            "> Time is the best kneader.",
            "Mine was flat. Was the oven too cold?",
        ],
        missing="only the entries near the visible part",
    ),
    Saved(
        "product",
        [
            "# Kettle K200, 1.7 l, steel",
            "4.4 out of 5 stars",
            "~~$49.00~~ $39.99",
            "- Boils one litre in two minutes",
            "A kettle of brushed steel for people who drink a lot of tea.",
            "| Power | 2,200 W |",
            "| Voltage | 220 \\| 240 V |",
            "It is fast, and quieter than the old one.",
            "The lid broke off after three weeks.",
            "12 people found this helpful",
        ],
        ["Gift Cards", "Careers"],
        missing="loaded only on request",
    ),
    Saved(
        "documentation",
        [
            "# Installing Lark",
            "Lark needs Node 20 or newer.",
            "Do not install it with sudo.",
            "## Package managers\n",
            "```bash\nnpm install lark\nnpx lark init\n```",
            "| Option | Type | Meaning |\n| --- | --- | --- |\n"
            '| mode | "a" \\| "b" | How it sings:<br>- a: softly<br>- b: loudly |\n'
            "| pitch | number | In Hz,<br>440 if absent |",
            "5. Open the settings\n9. Press Save",
        ],
        ["Introduction", "Copyright"],
        why="obsidianmd/obsidian-clipper#685: an empty line after each line of code",
    ),
    Saved(
        "news_consent",
        [
            "# Die Brücke hält",
            "Nach drei Tagen Regen steht das Wasser einen halben Meter unter der Fahrbahn.",
            "[image: Die alte Brücke im Regen]",
            "Am Dienstagabend sperrte die Feuerwehr die Brücke für alle Fahrzeuge.",
            "Wer im Tal wohnt, darf zu Fuß hinüber, bis der Pegel vier Meter erreicht.",
            "Der Müller erinnert sich an 1997, als das Wasser bis in die Stube kam.",
        ],
        ["Partner", "Akzeptieren", "Politik"],
        why="mozilla/readability#878: a paragraph that is one link is dropped",
    ),
    Saved(
        "consent_hides",
        ["three hundred years", "sat on the roof with two cats", "a song and a barrel of beer"],
        ["partners use cookies"],
        missing="A cookie or consent banner",
    ),
    Saved(
        "results",
        [
            "### Where herons nest",
            "https://birds.test/heron",
            "Herons build in tall trees, often in colonies of a hundred nests.",
            "The nest is a platform of sticks which is used for many years.",
        ],
        missing="one of several pages",
    ),
    Saved(
        "mail",
        [
            "Grandma",
            "Will you bring the cake?",
            "Two books are overdue",
            "Dear child,\nwill you bring the cake on Sunday? The oven is broken.",
        ],
        missing="one of several pages",
    ),
    Saved(
        "wiki",
        [
            "weighs 5.2 · 10^3 kg and was cast in 1612.[1] Its clapper",
            "Fe_3O_4",
            "| Cast | 1612 |",
            "| Weight | 5.2 · 10^3 kg |",
            "Its pitch follows $f\\propto m^{-1/3}$.",
            "| Year | Strokes | Strokes |\n| --- | --- | --- |\n| Year | day | night |\n"
            "| 1700 | 24 | 12 |\n| 1700 | 26 | 0 |",
            "Clapper\n: The iron part that strikes.",
            "Parish book, page 12.",
        ],
        ["Main page", "Privacy policy"],
    ),
    Saved(
        "video",
        [
            "# How to prune an apple tree",
            "Hello, today we prune an apple tree.",
            "Cut above a bud that looks outwards.",
            "Never take more than a third in one winter.",
        ],
    ),
    Saved(
        "video_hidden_transcript",
        [
            "## Transcript",
            "Hello, today we prune an apple tree.",
            "Never take more than a third in one winter.",
        ],
    ),
    Saved(
        "video_closed_transcript",
        ["A short film about pruning in winter."],
        missing="transcript",
    ),
    Saved(
        "japanese",
        [
            "昔(むかし)、漢(かん)字(じ)の読めない漁師(りょうし)がいた。",
            "川は三日のあいだ荒れ、~~四日目~~<ins>五日目</ins>に静まった。",
            "b. 舟を出す\nc. 網を打つ",
        ],
    ),
    Saved(
        "arabic",
        [
            "# النهر",
            "ارتفع النهر ثلاثة أيام، ثم عاد إلى مجراه (كما كان).",
            "- الأول: المطر",
            "| الاثنين | 3.5 م |",
        ],
        ["الرئيسية"],
    ),
    Saved(
        "shadow",
        [
            "# Weather board",
            "Rain until noon, then wind from the west.",
            "Nothing is known of tomorrow.",
            "Closed roots are drawn like open ones.",
        ],
        ["hidden inside", "never drawn", "no news"],
    ),
    Saved(
        "frames",
        [
            "Before the frame.\n\n## In the frame\n\nWords inside of a frame of the same site.\n\n"
            "Between the frames.",
            "Words of a frame without an address.",
        ],
    ),
    Saved(
        "virtual_list",
        ["Message number 1 of the room", "Message number 3 of the room"],
        missing="only the entries near the visible part",
    ),
    Saved(
        "virtual_padding",
        ["Line 1 of the log", "Line 2 of the log"],
        missing="only the entries near the visible part",
    ),
    Saved(
        "folded",
        ["The tower is four hundred years old.", "The last line of a long text."],
    ),
    Saved(
        "accordion",
        ["Everything about the ferry is here.", "Every hour, from six to ten."],
        missing="Collapsed sections or hidden tabs",
    ),
    Saved(
        "code",
        [
            "## br\n\n```\nimport pandas as pd\n\n# Load\ndata = pd.read_csv('movies.csv')\n"
            "    print(data)\n```",
            "```ts\nconst a = 1;\n\n  const b = 2;\n```",
            "```\ndef f():\n    return 1\n\nf()\n```",
            "```js\nlet x = 1;\nlet y = 2;\n```",
            "## gutter\n\n```\nSELECT *\n  FROM rivers;\n```",
            '```ruby\nputs "a"\nputs "b"\n```',
            "```\n/ip address\n  add address=10.0.0.1\n```",
            "```\nSELECT name\n  FROM birds\n```",
            "```\none = 1\ntwo = 2\n```",
            "````\n```js\ninside()\n```\n````",
            "First line of a post.\n\nSecond paragraph of it.\nThird line.",
        ],
        ["Copy"],
        why="obsidianmd/obsidian-clipper#145 (lines made of br), obsidianmd/obsidian-clipper#435 "
        "and kepano/defuddle#24 (code without pre), laurent22/joplin#573 (code in a table), "
        "kepano/defuddle#336 (a post's lines)",
    ),
    Saved(
        "marks",
        [
            "The mass is 5 · 10^3 kg, x^(n+1), 10^-6, H_2O, a_i,j, the 21st century, a note[^2].",
            "It costs ~~30~~ <ins>25</ins> crowns, or ~~20~~ 15 used. ~~Sold.~~",
            "WHO (World Health Organization) said “wash your hands”. The WHO again.",
            "3. three\n2. two\n1. one",
            "C. gamma",
            "iv. fourth",
            "Formula $e^{x}$ and $\\frac{1}{n}$ and $\\sqrt{2}$.",
            "$$\\sum_{k} k^2$$",
            "[image: A map of the river] 🐸",
            "Name Word Card Agreed Town",
            "[x] Done by the town",
            "Seen seen again",
            "shown to eyes",
            "In an element without a box.",
            "Far below, drawn when it comes into view.",
            "| a \\| b | wide | wide |\n| --- | --- | --- |\n"
            "| tall | one<br>two | `x = 1`<br>`y = 2` |\n| tall | - p<br>- q | end |",
            "### A heading by its role",
        ],
        [
            "hush-hush",
            "4111",
            "token-123",
            "not seen",
            "for readers alone",
            "never painted",
            "expand_more",
            "drawn twice",
            "Rosa",
            "Typed",
            "Ferry Landing",
            "Dear mayor",
        ],
    ),
    Saved(
        "no_landmarks",
        ["The tavern has stood at the ford since 1612", "Its cellar is older still"],
    ),
    Saved(
        "article_beside",
        ["# The ferry stops", "fades in.", "It was the last boat.", "three."],
    ),
    Saved(
        "article_whole",
        ["# Whole", "term", "Log in or register to comment.", "Comment 3"],
        ["tooltip that explains"],
    ),
    Saved(
        "code_viewers",
        [
            "## monaco\n\n```\nfirst();\n  second();\nthird();\n```",
            "## cm6\n\n```\nSELECT *\n  FROM t;\n```",
            "```bash\nnpm install x\nnpm start\n```",
            "## crayon\n\n```\nx = 1\ny = 2\n```",
            "## syntaxhighlighter\n\n```\nvar a = 1;\n  b();\n```",
            "## github blob\n\n```\nfn main() {\n}\n```",
        ],
        missing="Collapsed sections or hidden tabs",
    ),
    Saved("lobsters", ["Open text"], missing="Collapsed sections or hidden tabs"),
    Saved(
        "prosilver",
        [
            "First\n\ntext",
            "> > Al wrote:deep",
            "a\n    b\n",
            "My signature",
            "Second post",
            "Third :)",
        ],
        missing="Collapsed sections or hidden tabs",
    ),
    Saved(
        "xenforo",
        ["First post.", "four\nfive", "Reply in a div."],
        ["Ignored text"],
        missing="one of several pages, and the others were not read. Collapsed sections",
    ),
    Saved(
        "shop",
        ["# Mug", "$12.00 USD", "Stoneware.", "Dishwasher safe.", "Good mug"],
        ["Off canvas"],
        missing="one of several pages",
    ),
    Saved(
        "gitlab",
        [
            "```ruby\nputs 1\nputs 2\n```",
            "from ~~A~~ to <ins>B</ins>",
            "-old()\n  +new()",
            "Because.",
        ],
        missing="loaded only on request",
    ),
    Saved(
        "webforms",
        ["# Opening hours of the town hall", "| Mon | 8", "© Town"],
        ["wEPDw"],
        missing="one of several pages",
    ),
]
