"""Why a request failed: a table of codes and patterns, and `cause_of`, which looks a cause up.

One table serves responses of every status and errors inside a stream, since servers do not agree on
statuses: an empty account is reported with 402, 429, 403, 500 and 200. The patterns are written for
causes, not for single messages: ``tests/fixtures/error_wordings.json`` holds the known messages,
with their sources.

This file is long because the table is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidestream.errors import ErrorKind
from sidestream.retry import parse_retry_after_ms
from sidestream.server_errors._patterns import compiled
from sidestream.server_errors.shapes import ReportedError


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause, and how it is recognised."""

    name: str
    kind: ErrorKind
    codes: frozenset[str] = frozenset()
    """Codes and types, in lower case. One of them is enough."""
    pattern: str = ""
    """A pattern for the text, in lower case. Every quantifier is bounded."""
    unless: str = ""
    """A pattern for texts that are something else in spite of `pattern`."""
    statuses: tuple[int, ...] = ()
    """The only statuses that it comes with. Empty for all, and for none."""
    retry: bool | None = None
    """Whether a retry may help. ``None``: the kind and the status decide."""
    param: str | None = None
    """The parameter to name where the server names none."""

    def fits(self, reported: ReportedError, status: int | None) -> bool:
        """Whether the server reports this cause."""
        if self.statuses and status not in self.statuses:
            return False
        if self.codes & reported.codes:
            return True
        if not self.pattern or not compiled(self.pattern).search(reported.text):
            return False
        return not (self.unless and compiled(self.unless).search(reported.text))


def _any(*alternatives: str) -> str:
    return "|".join(alternatives)


# "100 requests/minute"
_A_TIME = r"(?:requests|tokens) ?/ ?(?:s|sec|second|min|minute|hour|day)\b"
_THROTTLED = _any(
    _A_TIME,
    r"per (?:min|day|hour|second|week|month)",
    r"\b(?:tpm|rpm|tpd|rpd)\b",
    r"rate.?limit",
    r"throttl",
    r"too many requests",
    r"wait (?:a |before|and|\d)",
    r"within a given time",
    r"\bquota\b",
)
_TEMPORARY = _any(
    r"temporar|currently|overload|capacity|\bbusy\b",
    r"try again (?:later|in|after|shortly|soon)|retry (?:later|in|after|shortly)",
)

CAUSES: tuple[Cause, ...] = (
    # The model wrote a call that the server cannot read. It may write the next one better.
    Cause(
        "bad_call",
        ErrorKind.SERVER_ERROR,
        frozenset({"tool_use_failed"}),
        _any(
            r"failed to call a function\b|tool call validation failed",
            r"failed to parse input at pos",  # llama.cpp reads its own model's call
        ),
        retry=True,
    ),
    Cause(
        "usage_limit",
        ErrorKind.USAGE_LIMIT_REACHED,
        frozenset({"usage_limit_reached", "usage_limit_exceeded"}),
        retry=False,
    ),
    Cause(
        "usage_not_included",
        ErrorKind.USAGE_NOT_INCLUDED,
        frozenset({"usage_not_included"}),
        retry=False,
    ),
    Cause(
        "encrypted_reasoning",
        ErrorKind.INVALID_REQUEST,
        frozenset({"invalid_encrypted_content"}),
        r"encrypted[ _]content.{0,200}(?:could not be|cannot be|is not|invalid)",
        retry=False,
        param="reasoning.encrypted_content",
    ),
    Cause(
        "unknown_item",
        ErrorKind.INVALID_REQUEST,
        pattern=_any(
            r"\bitems? (?:with id )?['\"`]?(?:rs|msg|fc|ws|ctc|item)_\w{0,100}['\"`]? .{0,20}"
            r"not found",
            r"was provided without its required",
            r"items are not persisted when",
        ),
        retry=False,
        param="input.id",
    ),
    # A single request that is larger than the limit of a minute is never accepted.
    Cause(
        "minute_too_small",
        ErrorKind.RATE_LIMITED,
        pattern=_any(
            r"request too large .{0,300}(?:per min|per day|tpm|tpd)",
            r"request .{0,40}(?:exceeds|larger than) .{0,40}tokens[- ]per[- ](?:min|day)\w* limit",
        ),
        retry=False,
        param="body",
    ),
    Cause(
        "output_limit",
        ErrorKind.INVALID_REQUEST,
        pattern=_any(
            r"\bmax_(?:completion_|output_|new_)?tokens\b.{0,30}"
            r"(?:must be|cannot exceed|is too (?:large|high|big)|: \d{1,9} > )",
            r"allowed number of output tokens",
            r"maximum tokens you requested exceed",
            r"supports at most \d{1,9} (?:completion|output) tokens",
            r"\bmax_(?:completion_|output_|new_)?tokens\b.{0,80}above maximum value",
        ),
        unless=r"context (?:length|window|limit|size)|prompt is too|inputs?` ?tokens",
        retry=False,
        param="max_tokens",
    ),
    Cause(
        "context",
        ErrorKind.CONTEXT_WINDOW_EXCEEDED,
        frozenset(
            {
                *("context_length_exceeded", "context_window_exceeded", "tokens_limit_reached"),
                *("exceed_context_size_error", "model_max_prompt_tokens_exceeded", "1261"),
                *("model_context_window_exceeded", "max_tokens_exceeded", "prompt_too_long"),
                "contextwindowexceedederror",
            }
        ),
        _any(
            r"context_(?:length|window)_exceeded|contextwindowexceedederror",
            r"(?:maximum|max\.?) context (?:length|window|size)|available context size",
            r"max(?:imum)? (?:allowed |supported )?(?:prompt|input|model|sequence) length",
            r"context (?:length|window|size|limit)s? (?:has been |was |is )?"
            r"(?:of|is|was|limit|exceed|overflow|too small|\d)",
            r"(?:exceed|overflow)\w{0,3} (?:\S{1,40} ){0,4}context\b",
            r"context (?:the )?(?:overflow|too long)|context shift is disabled",
            r"(?:longer|larger|greater|more) than (?:\S{1,30} ){0,4}(?:context|max_seq_len)",
            r"(?:prompt|input)[ _](?:tokens|length)\b.{0,40}must be (?:less|smaller|lower)",
            r"\b(?:prompt|input|inputs|conversation|context|history|messages?|prompt tokens|query)"
            r" (?:length )?(?:is |are |was )?too long\b",
            r"(?:prompt|input|conversation|context) (?:is )?too large",
            r"too (?:long|large) for (?:\S{1,20} ){0,3}model",
            r"(?:prompt|input)s?\b.{0,60}\btokens?\b.{0,40}exceed\w{0,3} the (?:limit|maximum)",
            r"token count\b.{0,60}(?:exceed|only supports up to)",
            r"(?:total number of|total|input|prompt|request) tokens\b.{0,60}exceed",
            r"exceed\w{0,3} (?:\S{1,20} ){0,3}(?:token limit|message tokens|input length)",
            r"tokens long, so generating|n_keep .{0,40}n_ctx|contains too many tokens",
            r"range of input length|model token limit|token limit exceeded",
            r"must have less than \d{1,9} tokens|`? ?must be <= ?\d{1,9}\. given",
            r"reduce the length of (?:the |your )?(?:input )?(?:messages|prompt|input|convers)"
            r"|reduce the length of either one",
            r"too many (?:input |prompt )?tokens|max size: \d{1,9} tokens",
            r"tokens in request more than max tokens|\bmax tokens of \d{1,9} exceeded",
            r"requested tokens\b.{0,30}exceed|exceed\w{0,3} (?:\S{1,20} ){0,3}input tokens",
            r"超长|上下文.{0,20}(?:超|过长)|输入.{0,20}(?:过长|超过|超出)|超(?:过|出).{0,20}上下文",
        ),
        unless=_THROTTLED,
        retry=False,
    ),
    Cause(
        "too_large",
        ErrorKind.INVALID_REQUEST,
        frozenset({"request_too_large", "request_entity_too_large", "payload_too_large", "3006"}),
        _any(
            r"(?:request entity|payload|content|request body|\bbody) (?:is )?too large",
            r"\brequest (?:is )?too large\b",
            r"request exceeds the maximum (?:allowed )?(?:size|number of bytes)|total text bytes",
            r"(?:body|payload|request)(?: size)? (?:exceeds|exceeded|is over) .{0,30}"
            r"(?:\bsize|bytes|\d ?mi?b)",
        ),
        unless=_any(_THROTTLED, _TEMPORARY),
        retry=False,
        param="body",
    ),
    Cause(
        "no_images",
        ErrorKind.INVALID_REQUEST,
        pattern=_any(
            r"\bimages?(?:_url)?(?: inputs?| content| modality)?\W? (?:is|are) (?:not|only) "
            r"supported",
            r"\b(?:not|n't|that) (?:support|accept|take|process|see) (?:\w{1,20} )?"
            r"(?:images?|vision|multimodal)\b",
            r"\bmodel is not (?:multimodal|multi-modal)\b",
            r"\bis not an? (?:multimodal|multi-modal|vision) model|at most 0 image",
            r"\bnot supported for (?:vision|images?)\b",
            r"vision add-on is not loaded|(?:unknown variant|content part type:?) \W{0,3}image_url",
            r"missing data required for image input|endpoints found that support image",
        ),
        retry=False,
        param="image",
    ),
    Cause(
        "bad_image",
        ErrorKind.INVALID_REQUEST,
        frozenset(
            {"invalid_image", "image_parse_error", "invalid_image_url", "invalid_image_format"}
        ),
        _any(
            r"does not (?:represent|contain) a valid (?:\w{1,5}(?: or|,)? ){0,3}image",
            r"unsupported image|invalid image",
            r"could not (?:process|decode|read|download|parse) (?:the )?image",
            r"(?:unable|failed) to (?:process|decode|read|download|parse|fetch|load) "
            r"(?:the )?image",
            r"\bimages? (?:dimensions?|size|exceeds|(?:is |are )?too )",
            r"image exceeds \d",
        ),
        retry=False,
        param="image",
    ),
    Cause(
        "credit",
        ErrorKind.QUOTA_EXCEEDED,
        frozenset(
            {
                *("insufficient_quota", "billing_hard_limit_reached", "billing_not_active"),
                *("insufficient_credits", "insufficient_balance", "insufficient_funds"),
                *("insufficient_balance_error", "insufficient_user_quota", "payment_required"),
                *("exceeded_current_quota_error", "exceeded_current_quota", "budget_exceeded"),
                *("credit_balance_too_low", "credits_exhausted", "out_of_credits", "creditserror"),
                *("arrearage", "accountoverdueerror", "quota_exceeded", "credit_limit_reached"),
                *("1113", "1008", "3036"),
            }
        ),
        _any(
            r"insufficient (?:\S{1,20} ){0,4}(?:balance|credits?|quota|funds)",
            r"(?:don't|doesn't|do not|does not) have (?:any |enough )?(?:credit|balance)",
            r"\bbalance is \$?0|account is not active|credits are required",
            r"\bbalance (?:is )?(?:too low|insufficient|not enough|exhausted)|negative balance",
            r"not[ _]enough[ _](?:credits?|balance|funds|money)|(?:out of|no|no more) credits\b",
            r"specified api usage limits|premium request allowance|\bkey limit exceeded",
            r"(?:purchase|buy) (?:more |additional )?credits|more credits\b.{0,20}\brequired",
            r"requires (?:more|additional) credits|used all (?:\w{1,20} )?credits",
            r"credits? (?:are |have been |has been )?(?:exhausted|depleted|used up)",
            r"(?:spending|spend|budget|billing|credit|payment) (?:limit|cap)\b",
            r"monthly (?:included credits|usage limit|spending)|included credits",
            r"budget has been exceeded|exceed\w{0,3} budget|over budget|crossed budget",
            r"overdue|past due|unpaid invoice|past invoices|in arrears|good standing",
            r"please (?:recharge|top.?up)|recharge your account|top up your (?:balance|account)",
            r"suspended .{0,80}(?:balance|billing|payment|invoice|quota)",
            r"payment required|billing (?:hard limit|is not (?:active|enabled)|not active)",
            r"daily free allocation|have no quota|set inference limit|limit: 0\b",
            r"余额不足|欠费|请充值|额度不足|额度失败|额度已(?:用|耗)",
        ),
        # Where a limit passes, the offer of an upgrade does not mean an empty account.
        unless=r"per min|\btpm\b|\brpm\b|please try again in|concurrent requests|\bconcurrency",
        retry=False,
    ),
    # Either a limit of a minute or an empty account. A known wait decides which.
    Cause(
        "quota",
        ErrorKind.QUOTA_EXCEEDED,
        frozenset({"freeusagelimiterror"}),
        _any(
            r"exceed\w{0,3} (?:your |the )?(?:current |monthly |account )?quota\b",
            r"(?<!allocated )(?<!request )(?<!requests )(?<!token )(?<!tokens )\bquota "
            r"(?:has been |is |was )?(?:exceeded|exhausted|used up)\b(?! for)",
            r"check your plan and billing",
            r"free (?:usage|tier|allocated quota|quota|credits?) .{0,40}"
            r"(?:exceeded|exhausted|used up)",
        ),
        unless=rf"per min|quota of (?:requests|tokens)|concurren|{_A_TIME}",
        retry=False,
    ),
    Cause(
        "policy",
        ErrorKind.CONTENT_POLICY,
        frozenset(
            {
                *("cyber_policy", "bio_policy", "content_policy_violation", "content_filter"),
                *("responsibleaipolicyviolation", "moderation_blocked", "data_inspection_failed"),
                *("datainspectionfailed", "prohibited_content", "sensitive_content", "1026"),
                *("1027", "1301"),
            }
        ),
        _any(
            r"content management policy|usage polic|content polic|usage guidelines|acceptable use",
            r"flagged (?:as|by|for) |safety (?:reasons|system|filter|guidelines|settings)",
            r"violat\w{1,4} .{0,60}(?:polic|guideline|terms|rules)",
            r"content exists risk|inappropriate content|sensitive (?:content|words|information)",
            r"(?:input|output|prompt)\W{1,3}(?:new_)?sensitive|requires moderation",
            r"blocked by .{0,40}(?:moderation|policy|safety|guardrail)|prohibited content",
            r"['\"]content_filter['\"]|responsibleaipolicyviolation|contentpolicyviolationerror",
            r"敏感|违规|不合规",
        ),
        # Fair use is about the subscription, not about the content.
        unless=r"fair[ -]us(?:e|age)",
        retry=False,
    ),
    Cause(
        "data_policy",
        ErrorKind.PERMISSION,
        pattern=r"matching your data policy|matching your (?:privacy|account) settings",
        retry=False,
    ),
    Cause(
        "vector_store",
        ErrorKind.INVALID_REQUEST,
        pattern=r"vector[ _]stores?\b.{0,120}\bnot (?:be )?found",
        retry=False,
    ),
    Cause(
        "no_tools",
        ErrorKind.INVALID_REQUEST,
        pattern=_any(
            r"does not support (?:tools|tool use|tool calling|function calling|functions)",
            r"tools? param requires|requires --jinja|--enable-auto-tool-choice",
            r"unsupported param: tools|endpoints found that support tool use",
        ),
        retry=False,
        param="tools",
    ),
    Cause(
        "no_endpoint",
        ErrorKind.INVALID_REQUEST,
        pattern=_any(
            r"no endpoints? (?:found|available) (?:that|which) (?:support|can)",
            r"no (?:allowed )?providers? (?:are |is )?(?:available|found) (?:that|which|for the)",
        ),
        retry=False,
    ),
    Cause(
        "model",
        ErrorKind.MODEL_NOT_FOUND,
        frozenset(
            {
                *("model_not_found", "deploymentnotfound", "model_not_available", "invalid_model"),
                *(
                    "model_decommissioned",
                    "model_not_supported",
                    "model_deprecated",
                    "modelnotopen",
                ),
                *("model_not_exist", "modelnotfound", "dedicated_endpoint_not_running"),
                *("invalidendpointormodel.notfound", "gatewaymodelnotfounderror", "1211"),
                *("3042", "5007", "unknown_model", "key_model_access_denied"),
                "team_model_access_denied",
            }
        ),
        _any(
            r"\bmodels?\b(?: with identifier| name| id)?[\s:/]{0,3}[`'\"(]?[^\s`'\",]{0,120}"
            r"[`'\",)]{0,3} (?:is |was |has been |could )?(?:not found|does not exist"
            r"|doesn't exist|not exist|not be found|not available|no longer (?:available|supported)"
            r"|not supported|unavailable|decommissioned|deprecated|retired|discontinued|removed"
            r"|not deployed|not enabled)",
            r"is not a valid model|\b(?:unknown|invalid|no such|unsupported|unrecognized) model\b"
            r"(?! (?:output|response))",
            r"not found the model|model (?:does )?not exist|the model name is invalid",
            r"\bno models? (?:is |are )?loaded|model (?:is )?unloaded|model is not loaded",
            r"unable to access (?:the |non-serverless )?model",
            r"endpoint (?:for|with name) .{1,120} (?:is not running|does not exist)",
            r"models? or endpoint \S{1,120} does not exist|supported api model names are",
            r"\b(?:was|been) (?:retired|decommissioned|sunset) on\b",
            r"no endpoints found for|on-demand throughput isn't supported",
            r"not supported by any provider|is not found for api version|not found for account",
            r"model identifier is invalid|access to the model with|marked by provider as legacy",
            r"model .{1,120} reached its end of life",
            r"not allowed to access model|only access models",
            r"api deployment for this resource does not exist|no available channels? for model",
            r"模型.{0,60}(?:不存在|未找到|已下线)|无可用渠道",
            r"\bnot a chat model\b|only supported in v1/",
            r"(?:^|\): )model: \S{1,120}$|^no provider available$",
        ),
        unless=_TEMPORARY,
        retry=False,
    ),
    Cause(
        "key",
        ErrorKind.AUTHENTICATION,
        frozenset(
            {
                *("invalid_api_key", "invalid_authentication", "unauthenticated", "token_expired"),
                *("token_invalidated", "api_key_invalid", "api_key_required", "login_fail", "1004"),
                *("invalid_api_token", "unauthorized", "accountauthenticationerror", "2049"),
            }
        ),
        _any(
            r"api[ _-]?key (?:is |was |has )?(?:not valid|invalid|incorrect|expired|revoked|leaked"
            r"|disabled|missing|required|been (?:revoked|disabled)|reported as leaked)",
            r"(?:didn't|did not) provide an api key|unregistered callers",
            r"(?:invalid|incorrect|missing|expired|unknown|wrong|bad|no) (?:api[ _-]?key|x-api-key"
            r"|access token|bearer token|authentication|authorization|credentials|api token)",
            r"security token .{0,40}(?:invalid|expired)|litellm\.authenticationerror",
            r"authentication fail|no (?:cookie )?auth credentials|login fail|api secret key",
            r"无效的令牌|令牌.{0,10}(?:无效|不可用|过期)|密钥.{0,10}(?:无效|错误|不存在)",
        ),
        retry=False,
    ),
    Cause(
        "region",
        ErrorKind.PERMISSION,
        frozenset({"unsupported_country_region_territory", "organization_restricted"}),
        r"(?:user )?location is not supported|country,? (?:or )?region,? .{0,20}not supported",
        retry=False,
    ),
    Cause(
        "capacity",
        ErrorKind.SERVER_OVERLOADED,
        frozenset(
            {
                *("server_is_overloaded", "slow_down", "overloaded", "overloaded_error"),
                *("engine_overloaded", "model_overloaded", "engine_overloaded_error"),
                *("server_overloaded", "3040", "3505"),
            }
        ),
        _any(
            r"\boverloaded\b|(?:at|over|out of|no|insufficient) capacity",
            r"capacity (?:\w{1,20} )?exceeded",
            r"high demand|high load|peak load",
            r"\b(?:model|server|service|system) (?:is )?(?:too )?busy",
            r"no more data centers",
        ),
    ),
    Cause(
        "rate",
        ErrorKind.RATE_LIMITED,
        frozenset(
            {
                *("rate_limit_exceeded", "rate_limit_error", "rate_limit", "too_many_requests"),
                *("resource_exhausted", "rate_limited", "rate_limit_reached_error", "1300", "1302"),
                *("ratelimitreached", "throttlingexception", "throttling", "toomanyrequests"),
                *("request_quota_exceeded", "token_quota_exceeded", "request_limit_exceeded"),
                *("too_many_requests_error", "too_many_tokens_error", "throttling_error", "1303"),
                *("throttling.ratequota", "throttling.allocationquota", "1305", "1308", "1039"),
                *("ratelimitexceeded", "requestlimitexceeded", "limit_requests", "1310", "1316"),
            }
        ),
        _any(
            r"rate[ _-]?limit|too many (?:concurrent |simultaneous )?(?:requests|tokens)",
            r"token limit \(.{1,40}\) exceeded|(?:daily|hourly|weekly) (?:quota|limit)",
            r"reached .{0,40}\bmax (?:rpm|tpm|rpd|tpd|requests?)\b",
            r"(?:requests|tokens|queries) per (?:min|second|hour|day)|throttl|resource exhausted",
            rf"{_A_TIME}|(?:weekly|monthly|daily|hourly) limit exhausted",
            r"request frequency|high concurrency|exceed\w{0,3} .{0,40}concurren",
            r"quota exceeded for|(?:usage|request|concurrency|token) limit (?:has been )?"
            r"(?:reached|exceeded)|reached (?:your|the|max)\b.{0,30}(?:limit|request)",
            r"tokens allowed within a given time|请求过于频繁|速率限制|频率|并发|使用上限",
        ),
    ),
    # A gateway before the server, with any status.
    Cause(
        "gateway",
        ErrorKind.SERVER_ERROR,
        pattern=_any(
            r"upstream connect error|disconnect/reset before headers|no healthy upstream",
            r"failed to get response from provider|\bupstream request failed\W{0,3}$",
        ),
        retry=True,
    ),
    # The machine is too small, so a retry does not help.
    Cause(
        "memory",
        ErrorKind.SERVER_ERROR,
        pattern=r"requires more (?:\w{1,20} )?memory .{0,40}than is available",
        retry=False,
    ),
    # Some providers answer 400 when they cannot run a model at the moment.
    Cause(
        "broken_model",
        ErrorKind.SERVER_ERROR,
        pattern=_any(
            r"degraded function cannot be invoked|model has crashed|model crashed",
            r"runner process (?:has terminated|no longer running)|model runner",
        ),
    ),
    Cause(
        "no_reasoning",
        ErrorKind.INVALID_REQUEST,
        pattern=r"does not support (?:thinking|reasoning effort|reasoning)\b(?!_)",
        retry=False,
        param="reasoning_effort",
    ),
    # Servers also report with 500, or in a stream, that they refuse the request itself.
    Cause(
        "refused",
        ErrorKind.INVALID_REQUEST,
        frozenset(
            {"invalid_prompt", "invalid_parameter_error", "unsupported_parameter", "validation"}
        ),
        _any(
            r"unsupported (?:param|value|field)|unknown (?:param|field|name|argument)",
            r"unrecognized (?:request )?(?:argument|param|field)|extra inputs are not permitted",
            r"property '.{1,100}' is unsupported|argument not supported|does not support param",
            r"jinja|chat[ _]template|roles? must alternate|roles .{0,20}supported"
            r"|should (?:be )?alternat|system role not supported|must alternate roles"
            r"|unexpected role '|(?:expected last|last message) role|only supports single tool",
            r"invalid (?:params|schema|json|function arguments)|failed to (?:parse|deserialize)",
            r"cannot find field|no tool (?:call|output) found|additional properties are not",
        ),
        unless=_TEMPORARY,
        retry=False,
    ),
)
# Types that say little. They count after everything else.
_BROAD: tuple[Cause, ...] = (
    Cause("key", ErrorKind.AUTHENTICATION, frozenset({"authentication_error", "auth_error"})),
    Cause("permission", ErrorKind.PERMISSION, frozenset({"permission_error", "permission_denied"})),
    Cause(
        "unknown",
        ErrorKind.INVALID_REQUEST,
        frozenset(
            {
                *("invalid_request_error", "bad_request_error", "badrequesterror"),
                "validationexception",
            }
        ),
        retry=False,
    ),
)
_BY_NAME = {cause.name: cause for cause in CAUSES}
_LONG_LIMIT = (
    r"per[- ]?day|/ ?(?:hour|day)\b|daily|weekly|monthly|hourly|usage limit|byday\b"
    r"|per (?:week|month)|\d ?hours?\b|fair[ -]us(?:e|age)|使用上限"
)
_STATUS = (
    r"^(?:[\w.\[\]-]{1,60}:? ){0,6}(?:error code|status(?: code)?|https?(?:/1\.1)?|api error|error)"
    r":? ?\(?([45]\d\d)\b(?! ?(?:tokens|ms|s)\b)"
    r"|^\(?([45]\d\d)\)?(?:: | - | (?:bad|unauthorized|payment|forbidden|not found|unprocessable"
    r"|too many|internal|invalid_|service|gateway))"
)
_FIGURES = r"limit:? ?([\d,]{1,15})\b.{0,40}?\brequested:? ?([\d,]{1,15})"


def cause_of(
    reported: ReportedError, status: int | None, *, asks_to_wait: bool = False
) -> Cause | None:
    """The cause that the server names by a code or in its message. ``None``: an unknown one.

    ``status`` is the answer's, or the one that an error inside a stream carries; ``asks_to_wait``
    says whether the answer's headers name a wait.
    """
    if status == 401:
        # Anything else but these three is about the key as well.
        names = ("credit", "model", "key")
        return next((c for c in map(_BY_NAME.__getitem__, names) if c.fits(reported, 401)), None)
    if status == 402:
        # Venice answers 402 when there is no key.
        if re.search(r"authentication (?:is )?required", reported.text):
            return _BY_NAME["key"]
        by_code = _BY_NAME["context"].codes & reported.codes
        return _BY_NAME["context" if by_code else "credit"]
    for cause in CAUSES:
        if not cause.fits(reported, status):
            continue
        if cause.name == "context" and status == 429 and not _is_plain_overflow(reported, cause):
            continue
        if cause.name == "quota" and (asks_to_wait or _passes(reported)):
            return _BY_NAME["rate"]
        if cause.name == "rate" and _is_over_the_limit(reported.text):
            return _BY_NAME["minute_too_small"]
        return cause
    if status is not None and status >= 500:
        return None
    return next((cause for cause in _BROAD if cause.fits(reported, status)), None)


def _is_plain_overflow(reported: ReportedError, cause: Cause) -> bool:
    """Whether a 429 is about the context window, by its code or its text."""
    return bool(cause.codes & reported.codes) or "context" in reported.text


def _passes(reported: ReportedError) -> bool:
    """Whether a quota of unclear kind has a known wait, so that it fills up again."""
    known = reported.retry_ms or reported.resets_at or reported.headers or reported.is_limit
    return bool(known or parse_retry_after_ms(reported.text))


def _is_over_the_limit(text: str) -> bool:
    """Whether a single request is larger than the limit, by the figures in the text."""
    figures = compiled(_FIGURES).search(text)
    if figures is None:
        return False
    limit, asked = (int(figure.replace(",", "") or 0) for figure in figures.groups())
    return 0 < limit < asked


def status_in_text(text: str) -> int | None:
    """The status that a gateway writes before an error: ``Error code: 400 - {...}``."""
    found = compiled(_STATUS).search(text[:300])
    return int(found[1] or found[2]) if found else None


def is_long_limit(reported: ReportedError) -> bool:
    """Whether the limit is one of hours or days, which a wait of seconds does not help."""
    return reported.per_day or bool(compiled(_LONG_LIMIT).search(reported.text))
