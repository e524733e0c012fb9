/** Signs that a page has more than what can be read of it. Injected before `read-page.js`. */
/** @param {ReturnType<typeof pageDom>} dom */
function pageSigns({ all, attribute, boxOf, childrenOf, closest, has, nameOf, parentOf, property, textOf, typeOf }) {
  /** Words on buttons and links that load more of what is there. */
  const MORE = new RegExp(
    [
      // "Load more…", "Show 12 more comments", "View all 40 replies", "See more reviews"
      "(?:load|show|view|see|fetch|read|expand)\\b(?:\\s+[^\\s]+){0,2}?\\s+(?:more|hidden|remaining|older|newer|previous|earlier)\\b",
      "(?:load|show|view|see|read|expand)\\s+(?:all\\s+)?(?:[\\d.,]+\\s+)?(?:comments?|replies|repl(?:y|ies)|answers|reviews|posts|messages|results)\\b",
      "(?:load|show|view|see)\\s+all\\s+[\\d.,]+\\b",
      "(?:read|show|see|view|load) more",
      // "12 more replies", "[5 more]", "14 hidden items"
      "[\\d.,]+\\s+(?:more|hidden|older|newer|other|previous)\\b(?:\\s+\\w+)?",
      "more (?:comments|replies|answers|reviews|posts|results)",
      "continue (?:this |reading|the )\\s?(?:thread)?",
      "mehr (?:laden|anzeigen|lesen|sehen)|(?:weitere|alle|ältere|neuere|\\d+)\\b.{0,30}\\b(?:laden|anzeigen|ansehen)|weiterlesen",
      "(?:charger|afficher|voir|lire) (?:plus|la suite|\\d+|toutes?|tous|les)|lire la suite",
      "(?:cargar|mostrar|ver|leer|carregar|ler|mostra|leggi|carica|vedi) (?:más|mais|todos|todas|altro|altri|tutti|\\d+)",
      "(?:показать|загрузить|читать|ещё|еще)(?:\\s|$)",
      "もっと(?:見る|読む)|さらに(?:表示|読み込む)|続きを(?:読む|見る)|(?:他|全)?\\d+件.{0,6}(?:表示|見る)",
      "(?:加载|载入|查看|显示|展开|展開|載入|查看|顯示)(?:更多|全部|剩余|其他|全文|\\d)|阅读全文|閱讀全文|更多(?:评论|回复|回答)",
      "(?:older|newer|previous|earlier|next) (?:comments|replies|posts|messages|reviews)",
      "(?:meer|toon|laad|bekijk|lees) (?:meer|alle|laden|tonen|lezen)|(?:visa|ladda|läs|vis|last inn) (?:mer|fler|alla|flere|alle)\\b",
      "(?:pokaż|załaduj|zobacz|czytaj|rozwiń) (?:więcej|wszystk|dalej|\\d)|(?:načíst|zobrazit|číst) (?:další|více|vše)|daha fazla",
      "(?:показати|завантажити|читати) (?:ще|більше|далі|всі)|(?:προβολή|φόρτωση|δείτε|διαβάστε) περισσότερ",
      "(?:טען|הצג|קרא|ראה)\\s+(?:עוד|הכל|את כל)|(?:نمایش|مشاهده|بارگذاری)\\s+(?:بیشتر|همه)|और\\s+(?:पढ़ें|देखें|दिखाएं|लोड)",
      "(?:xem|tải|đọc) (?:thêm|tất cả)|(?:lihat|muat|baca) (?:lebih|lainnya|semua|selengkapnya)|(?:ดู|โหลด|อ่าน)(?:เพิ่มเติม|ทั้งหมด)",
      "더\\s?(?:보기|불러오기)|(?:عرض|تحميل|اقرأ|قراءة)\\s+(?:المزيد|الكل)",
    ].join("|"),
    "iu",
  );
  /** On a link to the page that goes on. */
  const NEXT =
    /^(?:more|next|next page|older|older posts|weiter|nächste(?: seite)?|suivante?|siguiente|próxima?|successiva|далее|次へ|次のページ|下一页|下一頁|다음|التالي)?\s*[›»>→]?$/i;
  /** On a button that unfolds an answer's answers. */
  const REPLIES =
    /^(?:\d[\d.,]*\s*(?:repl(?:y|ies)|antwort(?:en)?|réponses?|respuestas?|respostas?|rispost[ae]|ответ\p{L}*)|\d+\s*(?:件の返信|条回复|則回覆|개의? 답글))/iu;
  /** On a link to the page that goes on, whatever stands beside it. */
  const NEXT_PAGE =
    /^(?:next page|nächste seite|page suivante|página siguiente|próxima página|pagina successiva|volgende pagina|następna strona|следующая страница|次のページ(?:へ)?|下一页|下一頁|다음 페이지|الصفحة التالية)\s*[›»>→]?$/i;
  const PAGES = /pagination|paginat|\bpager\b|page-numbers|pagelinks|pageNav|action-bar|topic-actions/i;
  const PAGE_OF = /(?:^|\s)(?:page|seite|página|pagina)\s+(\d+)\s*(?:of|von|de|di|sur|\/)\s*(\d+)/i;
  /** "1–50 of 1,234", "12 / 57" */
  const RANGE =
    /(?:^|\s)\d[\d.,]*\s*[-–—]\s*(\d[\d.,]*)\s*(?:of|von|de|di|sur|из|\/)\s*(?:about\s+|over\s+)?(\d[\d.,]*)/i;
  /** "Showing 1 to 20 of 345 entries" */
  const SHOWING = /\d\s+(?:to|bis|a|à)\s+(\d[\d.,]*)\s+(?:of|von|de|sur)\s+(\d[\d.,]*)/i;
  const PAGE_WORD = /\b(?:page|next|seite|weiter|suivant|siguiente)\b|ページ|次へ|下一|页/i;
  /** What a thread is made of: a link to another page that promises more of these belongs to the text. */
  const OF_THREAD =
    /comment|repl|answer|response|review|thread|hidden|kommentar|antwort|bewertung|rezension|réponse|avis|respuesta|coment|reseña|opinion|rispost|recension|коммент|ответ|отзыв|コメント|レビュー|回答|返信|评论|評論|回复|回覆|댓글|답변|리뷰/i;
  /** Beside the text, lists of other texts have more and pages of their own. */
  const BESIDE =
    "aside, footer, [role=complementary], [role=contentinfo]" +
    [
      "related",
      "recommend",
      "recirc",
      "sidebar",
      "side-bar",
      "widget",
      "footer",
      "newsletter",
      "promo",
      "trending",
      "most-read",
      "popular",
    ]
      .map((name) => `, [class*=${name} i], [id*=${name} i]`)
      .join("");
  const PAYWALL = new RegExp(
    [
      "(?:subscribe|sign (?:in|up)|log ?in|register|join|upgrade|become a \\w+)\\b.{0,50}\\bto (?:continue|keep|finish) reading",
      "to (?:continue|keep|finish) reading\\b.{0,60}(?:subscri|sign|log ?in|account|regist|join|member)",
      "(?:subscribe|sign (?:in|up)|log ?in|register|upgrade)\\b.{0,40}\\bto (?:read|see|view) the (?:full|rest|whole|entire|remaining)",
      "(?:article|post|story|content|page) is (?:only |exclusively )?(?:for|reserved for|available to|available for) (?:\\w+ )?(?:subscribers|members)",
      "(?:jetzt|mit|als)\\b.{0,60}(?:abo|abonnent\\w*|plus|anmelden|registrieren)\\b.{0,30}(?:weiter ?lesen|lesen)|nur für abonnent|weiterlesen mit\\b|exklusiv für abonnent",
      "réservée? (?:aux|à nos) abonnés|il vous reste [\\d,.]+\\s?% de|(?:abonnez|connectez|inscrivez)-vous pour (?:lire|continuer|accéder)",
      "(?:exclusivo|solo|sólo) para (?:suscriptores|assinantes)|(?:suscríbete|regístrate|inicia sesión) para (?:seguir|continuar|leer)|exclusivo para assinantes",
      "riservato agli abbonati|abbonati per (?:continuare|leggere)|только для подписчиков|оформите подписку, чтобы",
      "残り\\s?[\\d,]+\\s?文字|(?:有料|会員)(?:会員)?(?:限定|記事)|続きを読むには|(?:订阅|登录|付费|訂閱|登入|付費).{0,12}(?:阅读|閱讀|查看)(?:全文|更多|完整)|구독자 전용|유료\\s?회원",
    ].join("|"),
    "iu",
  );
  /** What people fold away in threads. */
  const FOLDED = "[collapsed]:not([collapsed=false]), .collapsed, .folded, .minimized, [aria-expanded=false]";
  const FOLD_NAME = /collapsed|folded|minimi[sz]ed/i;
  const UNFOLDING =
    "[class*=spoiler i], [class*=hidebox i], [class*=collaps i], [class*=accordion i], [class*=faq i], [class*=fold i], [class*=expand i], [class*=toggle i]";
  const TAB = /(?:^|[\s_-])tab(?:s|bed)?[_-]*(?:pane|panel|content|block|item|body)/i;
  const PROGRESS = /timeline-replies|topic-progress/i;
  const EMPTY = /skeleton|shimmer|cloaked/i;
  const TRANSCRIPT =
    /transcript|transkript|transcripci|transcri[çz]|trascrizion|расшифровк|文字起こし|文字記錄|文字记录|스크립트/i;
  const CONSENT_NAME =
    /cookie|consent|gdpr|onetrust|didomi|usercentrics|cmp(?:box|-|_|$)|sp_message|truste|fc-dialog|cc-window|cky-/i;
  const CONSENT_TEXT =
    /cookie|consent|einwillig|zustimm|gdpr|dsgvo|rgpd|personal data|données|クッキー|同意|隐私|файлы/i;
  const CONSENT_ANSWER =
    /accept|agree|allow all|reject|decline|got it|manage|akzeptier|zustimm|ablehn|einverstanden|accepter|refuser|aceptar|rechazar|accetta|rifiuta|принять|同意|接受|許可|\bok\b/i;
  /** What they show is no part of the page. */
  const ADVERTISERS =
    /(?:^|\.)(?:doubleclick\.net|googlesyndication\.com|googletagmanager\.com|amazon-adsystem\.com|adnxs\.com|criteo\.(?:com|net)|taboola\.com|outbrain\.com|recaptcha\.net)$/;

  /** A page's overlay about cookies is not longer, in characters. */
  const LONGEST_CONSENT = 6000;
  /** Less is no part that somebody would miss, in characters. */
  const SHORTEST_PART = 80;
  /** In pixels. */
  const TALL = 1500;
  const SMALLEST_FRAME = 10_000;

  const offsetHeightOf = property(HTMLElement.prototype, "offsetHeight");
  const scrollHeightOf = property(Element.prototype, "scrollHeight");
  const clientHeightOf = property(Element.prototype, "clientHeight");

  /** @param {Node} node */
  const namesOf = (node) =>
    [nameOf(node), ...["id", "class", "target-id", "aria-label"].map((name) => attribute(node, name))].join(" ");
  /** By the selector of elements with text that is not drawn, whether others of them are. @type {Map<string, boolean>} */
  const shownKinds = new Map();
  /** @param {string} digits */
  const numberOf = (digits) => Number(digits.replace(/[.,]/g, ""));
  /** @param {Node} node */
  const elementsIn = (node) => childrenOf(node).filter((child) => typeOf(child) === Node.ELEMENT_NODE);

  /**
   * What a button or a link brings of this page: more of it, or its other pages.
   * @param {Node} control
   * @param {string} label
   * @param {boolean} isLink  To another page.
   * @returns {"more" | "pages" | undefined}
   */
  function brings(control, label, isLink) {
    const words = label.replace(/^[^\p{L}\p{N}]+/u, "").trim();
    if (words.length > 60 || !words) return undefined;
    if (isLink && /(?:^|\s)next(?:\s|$)/.test(attribute(control, "rel"))) return NEXT.test(words) ? "pages" : undefined;
    if (/^\d{1,5}$/.test(words)) {
      const beside = textOf(/** @type {Node} */ (parentOf(control)));
      const isNamed = isLink && beside.length < 400 && PAGE_WORD.test(beside);
      return isNamed || isAmongPages(control) ? "pages" : undefined;
    }
    if (isLink && NEXT_PAGE.test(words)) return "pages";
    if (!isLink && REPLIES.test(words) && attribute(control, "aria-expanded") !== "true") return "more";
    // "(more)", "…more": unlike "More", which opens a menu.
    if (!isLink && /^(?:\(|…|\.{3})\s*more\)?$/i.test(label)) return "more";
    if (MORE.exec(words)?.index !== 0) return undefined;
    // Other links lead to other texts.
    if (isLink && !OF_THREAD.test(words)) return undefined;
    return isClamped(control) ? undefined : "more";
  }

  /** @param {Node} node @returns {string[]}  Each text in it. */
  const textsIn = (node) => (typeOf(node) === Node.TEXT_NODE ? [textOf(node)] : childrenOf(node).flatMap(textsIn));

  /** "1 2 3 …", where one number is no link, or said to be the current one. @param {Node} control */
  function isAmongPages(control) {
    let around = parentOf(control);
    for (let level = 0; level < 3 && around && typeOf(around) === Node.ELEMENT_NODE; level += 1) {
      const text = textOf(around);
      if (text.length > 200 || !/^[\s\d.,…|·•‹›«»<>[\]()–-]*$/.test(text)) return false;
      const links = all(around, "a, button").filter((link) => /^\d+$/.test(textOf(link).trim()));
      const numbers = textsIn(around).flatMap((each) => (each.match(/\d+/g) ?? []).map(Number));
      const isCounted = numbers[0] === 1 && numbers.some((number, index) => number === numbers[index - 1] + 1);
      const current = all(around, "[aria-current], [class*=current i], [class*=active i], [class*=selected i]").length;
      if (isCounted && (numbers.length - links.length === 1 || (numbers.length === links.length && current > 0)))
        return true;
      around = parentOf(around);
    }
    return false;
  }

  /** Whether an element stands beside the page's text, in a list of other texts. @param {Element} element */
  function isBeside(element) {
    const region = closest(element, BESIDE);
    if (!region || /comment|repl|review|discuss|thread|answer/i.test(namesOf(region))) return false;
    if (nameOf(region) === "footer" && closest(region, "article, main, [role=main]")) return false;
    return !/^(?:html|body|main)$/.test(nameOf(region)) && all(region, "main, h1, [role=main]").length === 0;
  }

  /** What a control unfolds is only cut off on the screen, and was read. @param {Node} control */
  function isClamped(control) {
    let around = parentOf(control);
    for (let level = 0; level < 3 && around && typeOf(around) === Node.ELEMENT_NODE; level += 1) {
      for (const element of [around, ...elementsIn(around)]) {
        const hidden = scrollHeightOf(element) - clientHeightOf(element);
        if (
          clientHeightOf(element) > 0 &&
          hidden > 4 &&
          /hidden|clip/.test(getComputedStyle(/** @type {Element} */ (element)).overflowY)
        )
          return true;
      }
      around = parentOf(around);
    }
    return false;
  }

  /** What a control shows and hides, where that is hidden now. @param {Node} control @param {(id: string) => Node | null} byId */
  function foldedBy(control, byId) {
    const isTab = attribute(control, "role") === "tab" && attribute(control, "aria-selected") === "false";
    if (!isTab && attribute(control, "aria-expanded") !== "false") return false;
    if (has(control, "aria-haspopup")) return false;
    const target = byId(attribute(control, "aria-controls").split(/\s+/)[0]);
    if (!target || /^(?:menu|listbox|dialog|tooltip)$/.test(attribute(target, "role"))) return false;
    return ownLengthOf(target) >= SHORTEST_PART && boxOf(/** @type {Element} */ (target)).height === 0;
  }

  /** The length of its text outside of links and buttons: what is left of a menu is nothing. @param {Node} node */
  function ownLengthOf(node) {
    const size = (/** @type {Node} */ of) => textOf(of).replace(/\s+/g, " ").trim().length;
    const others = all(node, "a, button, label, script, style, template, option");
    return size(node) - others.reduce((sum, each) => sum + size(each), 0);
  }

  /**
   * Whether an element that is not drawn is a part of the text that was folded away, or that another tab has.
   * @param {Element} element
   */
  function isFolded(element) {
    if (ownLengthOf(element) < SHORTEST_PART) return false;
    if (
      closest(element, "nav, header, footer, [role=navigation], [role=menu], [role=dialog], dialog, [aria-modal=true]")
    )
      return false;
    if (/modal|popup|pop-up|popover|dropdown|menu|tooltip|dialog|overlay|lightbox/i.test(namesOf(element)))
      return false;
    if (all(element, "form, textarea, [role=dialog]").length > 0) return false;
    if (attribute(element, "hidden") === "until-found" || closest(element, FOLDED)) return true;
    if (FOLD_NAME.test(`${attribute(element, "class")} ${namesOf(/** @type {Node} */ (parentOf(element)))}`))
      return true;
    if (attribute(element, "role") === "tabpanel" || TAB.test(attribute(element, "class"))) return true;
    const before = property(Element.prototype, "previousElementSibling");
    const control = before(element) ?? before(parentOf(element));
    const title = control ? textOf(control).trim() : "";
    if (title && title.length < 200 && boxOf(control).height > 0 && closest(element, UNFOLDING)) return true;
    // Some of their kind are folded, others are not.
    const names = attribute(element, "class");
    if (!names.trim()) return false;
    const kind = `${nameOf(element)}[class="${CSS.escape(names)}"]`;
    const isShown =
      shownKinds.get(kind) ?? all(document, kind).some((other) => boxOf(other).height > 0 && ownLengthOf(other) > 0);
    shownKinds.set(kind, isShown);
    return isShown;
  }

  /** Links to the other pages of a thread or a list. @param {Node} element @param {string} names */
  function hasOtherPages(element, names) {
    if (!PAGES.test(names)) return false;
    const labels = all(element, "a[href], button").map((link) => textOf(link).trim());
    const [, page, last] = PAGE_OF.exec(textOf(element)) ?? [];
    if (last !== undefined) return Number(last) > 1 || page !== last;
    return labels.some((label) => /^\d{1,5}$/.test(label)) || false;
  }

  /** "1–50 of 1,234", "Page 1 of 5". @param {string} text */
  function isPartOfMore(text) {
    const [, shown, total] = RANGE.exec(text) ?? SHOWING.exec(text) ?? [];
    if (total !== undefined) return numberOf(shown) < numberOf(total);
    const [, page, last] = PAGE_OF.exec(text) ?? [];
    return last !== undefined && page !== undefined && Number(last) > 1;
  }

  /** "12 / 57" beside a thread that loads its posts as one scrolls. @param {Node} element @param {string} names */
  function isProgress(element, names) {
    if (!PROGRESS.test(names)) return false;
    const [, at, total] = /(\d+)\s*\/\s*(\d+)/.exec(textOf(element)) ?? [];
    return total !== undefined && Number(at) <= Number(total) && Number(total) > 1;
  }

  /**
   * A place that is kept for what is not there.
   * @param {Element} element
   * @param {string} names
   * @returns {"loading" | "virtual" | undefined}
   */
  function emptyPlace(element, names) {
    if (!EMPTY.test(names) || textOf(element).trim() || boxOf(element).height < 24) return undefined;
    return /cloaked/i.test(names) ? "virtual" : "loading";
  }

  /**
   * A list that holds only what is in view: it is as tall as all of it, and most of it is empty.
   * @param {Element} element
   */
  function isVirtual(element) {
    const style = attribute(element, "style");
    if (!/height|padding|translate/.test(style)) return false;
    const sizes = [...style.matchAll(/(\d+(?:\.\d+)?)(?:px|\))/g)].map(([, digits]) => Number(digits));
    if (!sizes.some((size) => size >= TALL)) return false;
    const height = offsetHeightOf(element);
    if (height < TALL) return false;
    if (!textOf(element).trim()) {
      // It stands above or below the rows that are drawn.
      if (all(element, "img, video, canvas, iframe, svg, object").length > 0) return false;
      const filled = elementsIn(/** @type {Node} */ (parentOf(element))).map((other) => textOf(other).trim() !== "");
      const at = elementsIn(/** @type {Node} */ (parentOf(element))).indexOf(element);
      return filled.slice(0, at).includes(true) !== filled.slice(at + 1).includes(true);
    }
    let parts = elementsIn(element);
    while (parts.length === 1) parts = elementsIn(parts[0]);
    let [top, bottom] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const part of parts) {
      if (!textOf(part).trim()) continue;
      const box = boxOf(/** @type {Element} */ (part));
      top = Math.min(top, box.top);
      bottom = Math.max(bottom, box.bottom);
    }
    if (bottom <= top) return false;
    const covered = bottom - top;
    const isPlaced =
      /padding|translate/.test(style) ||
      parts.some((part) => /absolute/.test(getComputedStyle(/** @type {Element} */ (part)).position)) ||
      parts.some((part) => !textOf(part).trim() && boxOf(/** @type {Element} */ (part)).height >= TALL / 2) ||
      /translate|padding|top:/.test(parts.map((part) => attribute(part, "style")).join()) ||
      /translate|padding/.test(
        elementsIn(element)
          .map((part) => attribute(part, "style"))
          .join(),
      );
    return isPlaced && covered < height * 0.6;
  }

  /**
   * What asks for consent to cookies and the like, over or beside the page.
   * @param {Node} element
   * @param {string} names
   * @param {string} position
   */
  function isConsent(element, names, position) {
    const isDialog = /^(?:alert)?dialog$/.test(attribute(element, "role")) || nameOf(element) === "dialog";
    const isNamed = CONSENT_NAME.test(names) || CONSENT_NAME.test(attribute(element, "aria-label"));
    if (!isNamed && !isDialog && position !== "fixed" && position !== "sticky") return false;
    if (all(element, "main, article, [role=main]").length > 0) return false;
    const text = textOf(element);
    if (!isNamed && !isDialog && text.length > LONGEST_CONSENT / 4) return false;
    return text.length <= LONGEST_CONSENT && CONSENT_TEXT.test(text) && CONSENT_ANSWER.test(text);
  }

  /**
   * The host of another site's frame that is worth saying that it was not read.
   * @param {Element} frame
   * @returns {string | undefined}
   */
  function unreadFrame(frame) {
    const { width, height } = boxOf(frame);
    if (width * height < SMALLEST_FRAME) return undefined;
    // A player has no text.
    if (/picture-in-picture|^\s*autoplay;?\s*$/.test(attribute(frame, "allow"))) return undefined;
    if (CONSENT_NAME.test(namesOf(frame)) || closest(frame, "[aria-hidden=true]")) return undefined;
    const address = attribute(frame, "src") || attribute(frame, "data");
    let host = "";
    try {
      if (address) host = new URL(address, location.href).hostname;
    } catch {
      // It has none.
    }
    return ADVERTISERS.test(host) ? undefined : host;
  }

  /** A drawing that takes most of the window, as in maps and some editors. @param {Element} canvas @param {CSSStyleDeclaration} style */
  function isDrawnPage(canvas, style) {
    const { width, height } = boxOf(canvas);
    return (
      style.position !== "fixed" && style.pointerEvents !== "none" && width * height > innerWidth * innerHeight * 0.4
    );
  }

  return {
    SHORTEST_PART,
    TRANSCRIPT,
    brings,
    PAYWALL,
    emptyPlace,
    foldedBy,
    hasOtherPages,
    isBeside,
    isConsent,
    isDrawnPage,
    isFolded,
    isPartOfMore,
    isProgress,
    isVirtual,
    namesOf,
    unreadFrame,
  };
}
