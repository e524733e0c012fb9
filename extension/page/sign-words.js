/**
 * The words, in many languages, by which a page shows that it has more than what can be read of it. Injected before
 * `signs.js`.
 */
function pageSignWords() {
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
      "mehr (?:laden|anzeigen|lesen|sehen)",
      "(?:weitere|alle|ältere|neuere|\\d+)\\b.{0,30}\\b(?:laden|anzeigen|ansehen)",
      "weiterlesen",
      "(?:charger|afficher|voir|lire) (?:plus|la suite|\\d+|toutes?|tous|les)|lire la suite",
      "(?:cargar|mostrar|ver|leer|carregar|ler|mostra|leggi|carica|vedi) (?:más|mais|todos|todas|altro|altri|tutti|\\d+)",
      "(?:показать|загрузить|читать|ещё|еще)(?:\\s|$)",
      "もっと(?:見る|読む)|さらに(?:表示|読み込む)|続きを(?:読む|見る)|(?:他|全)?\\d+件.{0,6}(?:表示|見る)",
      "(?:加载|载入|查看|显示|展开|展開|載入|查看|顯示)(?:更多|全部|剩余|其他|全文|\\d)|阅读全文|閱讀全文|更多(?:评论|回复|回答)",
      "(?:older|newer|previous|earlier|next) (?:comments|replies|posts|messages|reviews)",
      "(?:meer|toon|laad|bekijk|lees) (?:meer|alle|laden|tonen|lezen)",
      "(?:visa|ladda|läs|vis|last inn) (?:mer|fler|alla|flere|alle)\\b",
      "(?:pokaż|załaduj|zobacz|czytaj|rozwiń) (?:więcej|wszystk|dalej|\\d)",
      "(?:načíst|zobrazit|číst) (?:další|více|vše)",
      "daha fazla",
      "(?:показати|завантажити|читати) (?:ще|більше|далі|всі)|(?:προβολή|φόρτωση|δείτε|διαβάστε) περισσότερ",
      "(?:טען|הצג|קרא|ראה)\\s+(?:עוד|הכל|את כל)",
      "(?:نمایش|مشاهده|بارگذاری)\\s+(?:بیشتر|همه)",
      "और\\s+(?:पढ़ें|देखें|दिखाएं|लोड)",
      "(?:xem|tải|đọc) (?:thêm|tất cả)",
      "(?:lihat|muat|baca) (?:lebih|lainnya|semua|selengkapnya)",
      "(?:ดู|โหลด|อ่าน)(?:เพิ่มเติม|ทั้งหมด)",
      "더\\s?(?:보기|불러오기)|(?:عرض|تحميل|اقرأ|قراءة)\\s+(?:المزيد|الكل)",
    ].join("|"),
    "iu",
  );
  /** On a link to the next page. */
  const NEXT =
    /^(?:more|next|next page|older|older posts|weiter|nächste(?: seite)?|suivante?|siguiente|próxima?|successiva|далее|次へ|次のページ|下一页|下一頁|다음|التالي)?\s*[›»>→]?$/i;
  /** On a button that unfolds the replies to a reply. */
  const REPLIES =
    /^(?:\d[\d.,]*\s*(?:repl(?:y|ies)|antwort(?:en)?|réponses?|respuestas?|respostas?|rispost[ae]|ответ\p{L}*)|\d+\s*(?:件の返信|条回复|則回覆|개의? 답글))/iu;
  /** On a link to the next page, whatever is beside it. */
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
      "(?:jetzt|mit|als)\\b.{0,60}(?:abo|abonnent\\w*|plus|anmelden|registrieren)\\b.{0,30}(?:weiter ?lesen|lesen)",
      "nur für abonnent",
      "weiterlesen mit\\b",
      "exklusiv für abonnent",
      "réservée? (?:aux|à nos) abonnés",
      "il vous reste [\\d,.]+\\s?% de",
      "(?:abonnez|connectez|inscrivez)-vous pour (?:lire|continuer|accéder)",
      "(?:exclusivo|solo|sólo) para (?:suscriptores|assinantes)",
      "(?:suscríbete|regístrate|inicia sesión) para (?:seguir|continuar|leer)",
      "exclusivo para assinantes",
      "riservato agli abbonati",
      "abbonati per (?:continuare|leggere)",
      "только для подписчиков",
      "оформите подписку, чтобы",
      "残り\\s?[\\d,]+\\s?文字",
      "(?:有料|会員)(?:会員)?(?:限定|記事)",
      "続きを読むには",
      "(?:订阅|登录|付费|訂閱|登入|付費).{0,12}(?:阅读|閱讀|查看)(?:全文|更多|完整)",
      "구독자 전용",
      "유료\\s?회원",
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
  /** Hosts whose frames are no part of the page. */
  const ADVERTISERS =
    /(?:^|\.)(?:doubleclick\.net|googlesyndication\.com|googletagmanager\.com|amazon-adsystem\.com|adnxs\.com|criteo\.(?:com|net)|taboola\.com|outbrain\.com|recaptcha\.net)$/;

  return {
    ADVERTISERS,
    BESIDE,
    CONSENT_ANSWER,
    CONSENT_NAME,
    CONSENT_TEXT,
    EMPTY,
    FOLDED,
    FOLD_NAME,
    MORE,
    NEXT,
    NEXT_PAGE,
    OF_THREAD,
    PAGES,
    PAGE_OF,
    PAGE_WORD,
    PAYWALL,
    PROGRESS,
    RANGE,
    REPLIES,
    SHOWING,
    TAB,
    TRANSCRIPT,
    UNFOLDING,
  };
}
