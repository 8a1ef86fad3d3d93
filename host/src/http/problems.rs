//! The catalogue of refusals: one row per stable code, with its status, whether the same request may
//! be sent again, and its words in English and Chinese. Nothing else in the host phrases a refusal.
//!
//! `{name}` in a text is filled from the problem's arguments. A code is never renamed or reused.

use axum::http::StatusCode;

pub use super::faults::{Fault, fill};

/// The words of one problem in one language.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// What kind of thing went wrong; the same for every occurrence.
    pub title: &'static str,
    /// This occurrence, with `{arguments}`.
    pub detail: &'static str,
    /// What the caller can do about it.
    pub remedy: &'static str,
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub code: &'static str,
    pub status: u16,
    /// Whether the very same request may succeed when it is sent again.
    pub retryable: bool,
    pub en: Words,
    pub zh: Words,
}

macro_rules! catalogue {
    ($($name:ident $code:literal $status:literal $retry:ident
        en $en_title:literal $en_detail:literal $en_remedy:literal
        zh $zh_title:literal $zh_detail:literal $zh_remedy:literal;)*) => {
        /// Every reason this host refuses a request for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($name,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code's row in the catalogue.
            pub const fn row(self) -> &'static Row {
                match self {
                    $(Code::$name => &Row {
                        code: $code,
                        status: $status,
                        retryable: catalogue!(@retry $retry),
                        en: Words { title: $en_title, detail: $en_detail, remedy: $en_remedy },
                        zh: Words { title: $zh_title, detail: $zh_detail, remedy: $zh_remedy },
                    },)*
                }
            }
        }
    };
    (@retry again) => { true };
    (@retry final) => { false };
}

impl Code {
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

catalogue! {
    // The request itself.
    MalformedJson "malformed_json" 400 final
        en "The body is not JSON" "{reason}" "Send one well-formed JSON document in UTF-8."
        zh "请求体不是有效的 JSON" "{reason}" "请发送一份 UTF-8 编码、格式正确的 JSON。";
    InvalidFields "invalid_fields" 422 final
        en "Some fields cannot be accepted" "{count} field(s) are refused; see errors." "Correct the fields named in errors and send the request again."
        zh "部分字段无法接受" "有 {count} 个字段被拒绝，见 errors。" "请更正 errors 中列出的字段后重新提交。";
    InvalidQuery "invalid_query" 400 final
        en "The query string cannot be read" "{reason}" "Correct the query parameters; the API page lists them."
        zh "查询参数无法识别" "{reason}" "请更正查询参数，接口页面列有全部参数。";
    InvalidHeader "invalid_header" 400 final
        en "A header cannot be read" "The header {header} is refused: {reason}" "Correct the header and send the request again."
        zh "请求头无法识别" "请求头 {header} 被拒绝：{reason}" "请更正该请求头后重新提交。";
    InvalidCursor "invalid_cursor" 400 final
        en "The cursor is not one of ours" "The cursor does not belong to this list." "Start the list again without a cursor."
        zh "游标无效" "该游标不属于此列表。" "请去掉游标，从头读取列表。";
    RouteUnknown "route_unknown" 404 final
        en "There is nothing at this address" "No resource answers {path}." "Compare the path with the API page at /docs."
        zh "该地址不存在" "{path} 没有对应的资源。" "请对照 /docs 接口页面检查路径。";
    MethodNotAllowed "method_not_allowed" 405 final
        en "The resource does not take this method" "{path} does not answer {method}." "Use one of the methods in the Allow header."
        zh "该资源不支持此方法" "{path} 不支持 {method}。" "请使用 Allow 响应头列出的方法。";
    BodyTooLarge "body_too_large" 413 final
        en "The body is too large" "The body may hold at most {limit} bytes." "Send less in one request, for example fewer lines."
        zh "请求体过大" "请求体最多 {limit} 字节。" "请减少一次提交的内容，例如减少行数。";
    UnsupportedMediaType "unsupported_media_type" 415 final
        en "The body has the wrong type" "This resource takes {expected}." "Set Content-Type and send the body in that form."
        zh "请求体类型不正确" "该资源只接受 {expected}。" "请设置正确的 Content-Type 并按该格式发送。";
    RequestTimeout "request_timeout" 503 again
        en "The request took too long" "No answer was ready within {seconds} seconds." "Send the same request again, with the same Idempotency-Key if it has one."
        zh "请求超时" "{seconds} 秒内未能完成。" "请用相同的请求（及相同的 Idempotency-Key）重试。";
    // Who is asking.
    Unauthenticated "unauthenticated" 401 final
        en "A key is needed" "The request carries no valid key." "Send Authorization: Bearer with a key of this chain; pair the terminal if it has none."
        zh "需要密钥" "请求未携带有效密钥。" "请在 Authorization: Bearer 中携带本连锁的密钥；终端没有密钥时请先配对。";
    KeyRevoked "key_revoked" 401 final
        en "The key was revoked" "This key is no longer valid." "Pair the terminal again or ask an administrator for a new key."
        zh "密钥已吊销" "该密钥已失效。" "请重新配对终端，或向管理员申请新密钥。";
    Forbidden "forbidden" 403 final
        en "The key does not allow this" "The permission {permission} is needed." "Use a key or a staff PIN whose role holds that permission."
        zh "权限不足" "需要权限 {permission}。" "请使用拥有该权限的密钥或员工 PIN。";
    ApprovalNeeded "approval_needed" 403 final
        en "Somebody else has to agree" "The permission {permission} is needed, or the approval of somebody who holds it." "Have that person approve it with POST /v1/approvals, for the subject and amount in `approve`, and send the request again with the approval."
        zh "需要他人授权" "需要权限 {permission}，或由拥有该权限的人授权。" "请由其通过 POST /v1/approvals 按 `approve` 中的对象与金额授权，再携带授权重新提交。";
    ApprovalRefused "approval_refused" 403 final
        en "The approval does not count" "{reason}." "Have another person who may do it approve exactly this request, and use it within a minute, once."
        zh "授权无效" "{reason}。" "请由其他有权限的人针对该请求授权，并在一分钟内使用一次。";
    StaffNeeded "staff_needed" 403 final
        en "A person has to show their PIN" "This is for a person, not for a key." "Send Tessera-Staff with the id and PIN of that person."
        zh "需要员工 PIN" "该操作须由员工本人进行，而非密钥。" "请在 Tessera-Staff 中携带该员工的编号与 PIN。";
    OtherStore "other_store" 403 final
        en "The key belongs to another store" "This key may act for store {store} only." "Use a key of the store the request is about."
        zh "密钥属于其他门店" "该密钥只能用于门店 {store}。" "请使用该请求所属门店的密钥。";
    StaffPinWrong "staff_pin_wrong" 403 final
        en "The staff PIN is wrong" "The staff id and PIN do not match." "Enter the PIN again; after five wrong tries the staff member is locked."
        zh "员工 PIN 错误" "员工编号与 PIN 不匹配。" "请重新输入；连续错误五次后该员工将被锁定。";
    StaffLocked "staff_locked" 403 final
        en "The staff member is locked" "Too many wrong PINs were entered." "Have a manager set a new PIN."
        zh "员工已锁定" "错误的 PIN 次数过多。" "请由店长重设 PIN。";
    PinMustChange "pin_must_change" 403 final
        en "The PIN has to be changed" "Somebody else set this PIN, so it may only change itself." "Choose a PIN of your own with PUT /v1/me/pin."
        zh "须先修改 PIN" "该 PIN 由他人设置，只能用于修改自身。" "请用 PUT /v1/me/pin 设置自己的 PIN。";
    PairingRefused "pairing_refused" 403 final
        en "The pairing code is not valid" "The code is unknown, used or expired." "Make a new pairing code and enter it within its time."
        zh "配对码无效" "配对码不存在、已使用或已过期。" "请生成新的配对码并在有效期内输入。";
    TooManyTries "too_many_tries" 429 again
        en "Too many tries" "Too many wrong tries were made in a short time." "Wait for the seconds in Retry-After and try again."
        zh "尝试次数过多" "短时间内错误尝试次数过多。" "请等待 Retry-After 所示秒数后再试。";
    // Doing something once.
    IdempotencyKeyMissing "idempotency_key_missing" 400 final
        en "An Idempotency-Key is needed" "This request moves value and must carry an Idempotency-Key." "Make one key per business intent (for example bill number and step) and use it on every retry."
        zh "缺少 Idempotency-Key" "该请求涉及价值变动，必须携带 Idempotency-Key。" "请为每个业务意图（如单号加步骤）生成一个键，重试时始终使用同一个键。";
    IdempotencyKeyInvalid "idempotency_key_invalid" 400 final
        en "The Idempotency-Key is malformed" "A key is 1 to 200 visible ASCII characters." "Send a key of that form, for example a UUID."
        zh "Idempotency-Key 格式错误" "键须为 1 至 200 个可见 ASCII 字符。" "请使用符合格式的键，例如 UUID。";
    IdempotencyKeyReused "idempotency_key_reused" 422 final
        en "The Idempotency-Key was used for something else" "The key was used before with another request." "Use a new key for a new intent; look up the first outcome at /v1/operations/{key}."
        zh "Idempotency-Key 已被用于其他请求" "该键此前用于不同的请求。" "新的意图请使用新的键；首次结果可查询 /v1/operations/{key}。";
    OperationInProgress "operation_in_progress" 409 again
        en "The operation is still in progress" "A request with this key is being worked on." "Wait for the seconds in Retry-After and send the same request again."
        zh "操作正在进行" "携带该键的请求正在处理中。" "请等待 Retry-After 所示秒数后用相同请求重试。";
    OperationUnknown "operation_unknown" 404 final
        en "The operation is not known" "No operation was ever recorded under this key." "Nothing happened under this key; the request may be sent."
        zh "操作不存在" "该键下没有任何已记录的操作。" "该键下未发生任何操作，可以提交请求。";
    // Things that are not there.
    MemberUnknown "member_unknown" 404 final
        en "The member is not known" "No member matches {id}." "Check the member id, card or phone; enrol the person if they are new."
        zh "会员不存在" "没有与 {id} 对应的会员。" "请检查会员号、卡号或手机号；新顾客请先入会。";
    PassUnfit "pass_unfit" 422 final
        en "The pass does not pay for this" "The pass is refused: {reason}." "Leave the pass out, or name one that covers this product in this store; the list `passes` of the member shows what he has."
        zh "次卡不适用" "次卡被拒绝：{reason}。" "请去掉次卡，或使用在本店适用于该商品的次卡；会员的 `passes` 列表列出其次卡。";
    ProductReserved "product_reserved" 409 final
        en "The goods are kept for others" "Through {through} they are sold to members of {tiers} alone." "Name a member of one of these tiers, leave the line out, or sell it from the day after."
        zh "商品处于优先购买期" "在 {through} 及之前仅售予 {tiers} 等级的会员。" "请登录上述等级的会员、去掉该行，或在次日起销售。";
    WalletNotShared "wallet_not_shared" 403 final
        en "The wallet is not used here" "Points and stored value of members of {store} are not used in this store." "Pay another way; the chain's setting wallets_shared says how far wallets reach."
        zh "会员账户不在本店通用" "{store} 的会员积分与储值不能在本店使用。" "请用其他方式支付；通用范围见连锁设置 wallets_shared。";
    SettlementUnknown "settlement_unknown" 404 final
        en "The settlement is not known" "There is no settlement {id}." "Use an id from the list of settlements."
        zh "结算单不存在" "没有结算单 {id}。" "请使用结算列表中的编号。";
    NothingToSettle "nothing_to_settle" 409 final
        en "Nothing is open" "No store owes the chain anything in {currency}, nor the chain a store." "Settle again once wallets were used in stores that settle."
        zh "没有待结算金额" "{currency} 没有任何门店与总部之间的往来余额。" "待有跨店往来后再结算。";
    PassUsed "pass_used" 409 final
        en "The pass does not come back" "The pass of line {id} was used as far as its terms allow a refund, or its time is over." "Refund the other lines, or adjust by hand what the store wants to give."
        zh "次卡不可退" "第 {id} 行的次卡已使用到不可退的程度或已过期。" "请退其他行，或由门店手工调整。";
    CardUnknown "card_unknown" 404 final
        en "The card is not known" "No card has the number {id}." "Read the card again or look the member up by phone."
        zh "会员卡不存在" "没有卡号为 {id} 的会员卡。" "请重新读卡，或用手机号查找会员。";
    ProductUnknown "product_unknown" 404 final
        en "The product is not known" "No product matches {id}." "Check the product id or barcode, or sell it as an unknown article with that permission."
        zh "商品不存在" "没有与 {id} 对应的商品。" "请检查商品编号或条码；有权限时可按未知商品销售。";
    StoreUnknown "store_unknown" 404 final
        en "The store is not known" "No store has the id {id}." "Use an id from GET /v1/stores."
        zh "门店不存在" "没有编号为 {id} 的门店。" "请使用 GET /v1/stores 返回的编号。";
    RegionUnknown "region_unknown" 404 final
        en "The region is not known" "No region has the id {id}." "Create the region first."
        zh "区域不存在" "没有编号为 {id} 的区域。" "请先创建该区域。";
    TerminalUnknown "terminal_unknown" 404 final
        en "The terminal is not known" "No terminal has the id {id}." "Use an id from GET /v1/terminals."
        zh "终端不存在" "没有编号为 {id} 的终端。" "请使用 GET /v1/terminals 返回的编号。";
    KeyUnknown "key_unknown" 404 final
        en "The key is not known" "No key has the id {id}." "Use an id from GET /v1/keys."
        zh "密钥不存在" "没有编号为 {id} 的密钥。" "请使用 GET /v1/keys 返回的编号。";
    StaffUnknown "staff_unknown" 404 final
        en "The staff member is not known" "No staff member has the id {id}." "Use an id from GET /v1/staff."
        zh "员工不存在" "没有编号为 {id} 的员工。" "请使用 GET /v1/staff 返回的编号。";
    ProgramUnknown "program_unknown" 404 final
        en "The program is not known" "No program has the id {id}." "Use an id from GET /v1/programs."
        zh "计划不存在" "没有编号为 {id} 的计划。" "请使用 GET /v1/programs 返回的编号。";
    PluginUnknown "plugin_unknown" 404 final
        en "The plugin is not known" "No installed plugin matches {id}." "Install the plugin first or use a name and version from GET /v1/plugins."
        zh "插件不存在" "没有与 {id} 匹配的已安装插件。" "请先安装插件，或使用 GET /v1/plugins 中的名称与版本。";
    BindingUnknown "binding_unknown" 404 final
        en "The binding is not known" "No binding has the id {id}." "Use an id from GET /v1/bindings."
        zh "绑定不存在" "没有编号为 {id} 的绑定。" "请使用 GET /v1/bindings 返回的编号。";
    CouponUnknown "coupon_unknown" 404 final
        en "The coupon is not known" "No coupon has the code {id}." "Check the code as printed."
        zh "优惠券不存在" "没有券码为 {id} 的优惠券。" "请核对券码。";
    QuoteUnknown "quote_unknown" 404 again
        en "The quote is not known to this host" "No quote {id} is open here; it expired, was dropped or was made at another host." "Commit again carrying the quote's own request, or make a new quote."
        zh "本机没有该报价" "报价 {id} 不在本机：已过期、被清理或由其他主机生成。" "请携带报价的原始请求重新提交，或重新报价。";
    OrderUnknown "order_unknown" 404 final
        en "The order is not known" "No order has the id {id}." "Check the order id or receipt code."
        zh "订单不存在" "没有编号为 {id} 的订单。" "请核对订单号或小票码。";
    EvaluationsArchived "evaluations_archived" 410 final
        en "The evaluations are archived" "What rules were told and answered for the order {id} is in an archive: {files}." "Execute them again with tessera verify --evaluations --archive FILE."
        zh "评估记录已归档" "订单 {id} 的规则事实与结果在归档文件中：{files}。" "请用 tessera verify --evaluations --archive FILE 重新执行。";
    HoldUnknown "hold_unknown" 404 final
        en "The hold is not known" "No hold {id} is open; it was released or ended." "Make a new quote and hold it."
        zh "预留不存在" "没有处于有效期的预留 {id}，它已释放或结束。" "请重新报价并预留。";
    AccountUnknown "account_unknown" 404 final
        en "The account is not known" "No account has the id {id}." "Use an id from the member's accounts."
        zh "账户不存在" "没有编号为 {id} 的账户。" "请使用会员账户列表中的编号。";
    BasketUnknown "basket_unknown" 404 final
        en "The basket is not known" "No basket {id} waits in this store." "List the baskets that wait; they are kept for seven days."
        zh "挂单不存在" "本店没有挂单 {id}。" "请查看挂单列表，挂单保留七天。";
    NoWalletShare "no_wallet_share" 409 final
        en "The wallet is not shared" "Its owner does not let this member spend it, or no longer." "Name the buyer's own stored value, or share the wallet by PUT /v1/members/{id}/wallet-shares/{member}."
        zh "钱包未共享" "该钱包的主人未授权此会员使用，或授权已结束。" "请使用购买者本人的储值，或用 PUT /v1/members/{id}/wallet-shares/{member} 授权。";
    ShareSpent "wallet_share_spent" 409 final
        en "More than the buyer may spend" "The buyer may spend {left} more of this wallet now." "Pay the rest another way, or have the wallet's limits raised."
        zh "超出共享额度" "购买者现在还可使用该钱包 {left}。" "其余部分请用其他方式支付，或提高共享额度。";
    MemberCodeExpired "member_code_expired" 409 final
        en "The member's code is over" "The code was good for a minute." "Scan the code the phone shows now, or name the member by card or phone number."
        zh "会员码已过期" "会员码只在一分钟内有效。" "请扫描手机上当前显示的会员码，或使用会员卡或手机号。";
    GiftReceiptUnknown "gift_receipt_unknown" 404 final
        en "The gift receipt is not known" "There is no gift receipt {id} for this order." "Check the code, or look it up by GET /v1/gift-receipts/{code}."
        zh "礼品小票不存在" "该订单没有礼品小票 {id}。" "请核对代码，或用 GET /v1/gift-receipts/{code} 查询。";
    GiftNotInMoney "gift_not_in_money" 409 final
        en "Not paid for in money" "Points, stored value or a pass paid for these goods." "The buyer himself exchanges them; write a gift receipt for goods paid for in money."
        zh "非现金类支付" "这些商品由积分、储值或次卡支付。" "请由购买者本人换货；礼品小票只用于以钱款支付的商品。";
    GivenAlready "given_already" 409 final
        en "The goods are given already" "Other gift receipts of this order are for these goods." "Use those, or name goods that are on none."
        zh "商品已开具礼品小票" "该订单的其他礼品小票已包含这些商品。" "请使用已有的礼品小票，或选择未包含的商品。";
    GiftPaysOut "gift_pays_out" 409 final
        en "Nothing is paid out" "The goods chosen cost less than those that come back on the gift receipt." "Choose goods that cost as much or more."
        zh "礼品小票不退差价" "所换商品的价格低于退回的礼品。" "请选择同价或更高价的商品。";
    NotOnGiftReceipt "not_on_gift_receipt" 409 final
        en "More than the gift receipt is for" "The gift receipt is for {quantity} of line {line}, and some may be exchanged already." "Look up what is left by GET /v1/gift-receipts/{code}."
        zh "超出礼品小票范围" "礼品小票中第 {line} 行仅含 {quantity}，且可能已部分换货。" "请用 GET /v1/gift-receipts/{code} 查询剩余可换数量。";
    RewardUnknown "reward_unknown" 404 final
        en "The reward is not known" "No reward {id} is given for points." "Use an id from the list of rewards."
        zh "兑换品不存在" "没有可兑换的 {id}。" "请使用兑换品列表中的编号。";
    DrawUnknown "draw_unknown" 404 final
        en "The prize draw is not known" "No prize draw has the id {id}." "Use an id from GET /v1/prize-draws."
        zh "抽奖不存在" "没有编号为 {id} 的抽奖。" "请使用 GET /v1/prize-draws 返回的编号。";
    PlanUnknown "plan_unknown" 404 final
        en "The top-up plan is not known" "No plan {id} is sold now." "Use an id from GET /v1/top-up-plans, on the days it is sold."
        zh "充值方案不存在" "目前没有充值方案 {id}。" "请使用 GET /v1/top-up-plans 中在售期内的编号。";
    EntryUnknown "entry_unknown" 404 final
        en "The entry is not known" "No entry {id} moved this member's accounts." "Use an id from the member's entries."
        zh "分录不存在" "没有涉及该会员的分录 {id}。" "请使用会员分录列表中的编号。";
    // Things that are there already.
    Duplicate "duplicate" 409 final
        en "It exists already" "There already is a {thing} with {id}." "Use another value or change the existing one."
        zh "已存在" "已存在 {thing}：{id}。" "请更换取值，或修改已有的记录。";
    PhoneTaken "phone_taken" 409 final
        en "The phone number belongs to a member" "Another member has this phone number." "Look the member up by phone instead of enrolling again."
        zh "手机号已被使用" "该手机号已属于其他会员。" "请用手机号查找该会员，而不是重复入会。";
    EmailTaken "email_taken" 409 final
        en "The e-mail address belongs to a member" "Another member has this e-mail address." "Look the member up by e-mail instead of enrolling again."
        zh "邮箱已被使用" "该邮箱已属于其他会员。" "请用邮箱查找该会员，而不是重复入会。";
    VersionConflict "version_conflict" 409 again
        en "It was changed by someone else" "The version sent is not the current one." "Read it again and repeat the change."
        zh "记录已被他人修改" "提交的版本不是最新版本。" "请重新读取后再修改。";
    InUse "in_use" 409 final
        en "It is still in use" "{id} is referred to and stays." "Remove what refers to it, or revoke it instead."
        zh "仍在使用" "{id} 仍被引用，不能删除。" "请先移除引用，或改为停用。";
    MemberInactive "member_inactive" 409 final
        en "The member is not active" "The member {id} is closed or blocked." "Serve the sale without a member, or have a manager reopen the membership."
        zh "会员状态不可用" "会员 {id} 已注销或冻结。" "请按非会员销售，或由店长恢复会员资格。";
    MemberMerged "member_merged" 409 final
        en "The member was merged" "The member {id} is {into} now." "Use the member named in `member`."
        zh "会员已合并" "会员 {id} 已并入 {into}。" "请使用 member 中的会员。";
    NotMerged "not_merged" 409 final
        en "The member is not merged" "The member {id} is part of no other." "Nothing is left to undo; read the member."
        zh "会员未合并" "会员 {id} 未并入其他会员。" "无需撤销，请查询该会员。";
    MergeTooOld "merge_too_old" 409 final
        en "The merge stays" "The merge could be undone through {last_day}." "Move what is to be parted by transfers or adjustments."
        zh "合并已不可撤销" "合并的撤销截止日为 {last_day}。" "请以转赠或手工调整的方式分开。";
    HoldOpen "hold_open" 409 again
        en "A hold is open" "A quote of the member is held and keeps part of the balance." "Commit or release the hold, or wait until it ends, and send the same request again."
        zh "存在预留" "该会员有报价预留，占用部分余额。" "请提交或释放该预留，或等待其结束后重试。";
    CardInactive "card_inactive" 409 final
        en "The card is closed" "The card was closed for good." "Use the member's current card or phone."
        zh "会员卡已注销" "该卡已注销。" "请使用会员当前的卡或手机号。";
    CardBlank "card_blank" 409 final
        en "The card is blank" "Nobody has this card yet." "Activate it for a member first."
        zh "空白卡" "该卡尚未开卡。" "请先为会员开卡。";
    CardBlocked "card_blocked" 409 final
        en "The card is blocked" "The card was blocked." "Use the member's phone, or make the card good again."
        zh "会员卡已冻结" "该卡已冻结。" "请使用手机号，或解除冻结。";
    CardLost "card_lost" 409 final
        en "The card was reported lost" "Whoever shows the card may not be its owner." "Keep the card; find the member by phone and replace it."
        zh "会员卡已挂失" "持卡人可能不是本人。" "请收回该卡，用手机号查找会员并补卡。";
    CardReplaced "card_replaced" 409 final
        en "The card was replaced" "The card {by} was given in its place." "Use the card named in replaced_by."
        zh "会员卡已补换" "已由卡 {by} 替换。" "请使用 replaced_by 中的新卡。";
    CardExpired "card_expired" 409 final
        en "The card has expired" "The card's last day is over." "Use the member's phone, or give a new card."
        zh "会员卡已过期" "该卡的有效期已过。" "请使用手机号，或办理新卡。";
    CardState "card_state" 409 final
        en "The card does not go there" "The card is {status}, from which this does not go." "Read the card and see what it is."
        zh "会员卡状态不允许" "该卡当前状态为 {status}，不能这样操作。" "请查询该卡的当前状态。";
    CardPinNeeded "card_pin_needed" 403 final
        en "The card has a PIN" "The card is used with its PIN." "Identify it with POST /v1/cards/identify and its PIN, and name the member by id."
        zh "需要卡密码" "该卡设有密码。" "请用 POST /v1/cards/identify 携带密码识别，再以会员编号提交。";
    CardPinWrong "card_pin_wrong" 403 final
        en "The card's PIN is wrong" "The PIN is not the card's." "Enter the PIN again; after five wrong ones the card is locked."
        zh "卡密码错误" "密码与该卡不符。" "请重新输入；连续错误五次后该卡将被锁定。";
    CardLocked "card_locked" 403 final
        en "The card is locked" "Too many wrong PINs were entered." "Set a new PIN for the card."
        zh "会员卡已锁定" "错误的密码次数过多。" "请为该卡重设密码。";
    CardTypeUnknown "card_type_unknown" 404 final
        en "The type of card is not known" "No type of card {id} is made." "Use an id from GET /v1/card-types."
        zh "卡类型不存在" "没有编号为 {id} 的卡类型。" "请使用 GET /v1/card-types 返回的编号。";
    ReferrerRefused "referrer_refused" 422 final
        en "The referrer cannot be accepted" "{reason}" "Check the referral code, or enrol without one."
        zh "推荐人不被接受" "{reason}" "请核对推荐码，或不填推荐码入会。";
    // Rules.
    PluginRefused "plugin_refused" 422 final
        en "The plugin is refused" "{reason}" "Build the plugin with the SDK and check it with: tessera plugin check."
        zh "插件被拒绝" "{reason}" "请用 SDK 构建插件，并用 tessera plugin check 检查。";
    ConfigRefused "config_refused" 422 final
        en "The configuration is refused" "The plugin does not accept the configuration; see errors." "Correct the keys named in errors."
        zh "配置被拒绝" "插件不接受该配置，见 errors。" "请更正 errors 中列出的键。";
    TooManyBindings "too_many_bindings" 409 final
        en "The store has too many bindings" "A store may have at most {limit} bindings." "Remove bindings that have ended."
        zh "门店绑定过多" "每个门店最多 {limit} 个绑定。" "请移除已结束的绑定。";
    RuleRefusedOrder "rule_refused_order" 409 again
        en "A rule stopped the order" "The plugin {plugin} failed and its binding says refuse-order: {reason}" "Tell the operator of the rule; set the binding to skip to sell without it."
        zh "规则阻止了订单" "插件 {plugin} 出错且绑定设为 refuse-order：{reason}" "请通知规则负责人；可将绑定改为 skip 以便继续销售。";
    // Value.
    QuoteStale "quote_stale" 409 final
        en "The quote no longer holds" "What the quote rests on has changed; see changes." "Make a new quote, show it to the customer, and commit it under a new Idempotency-Key."
        zh "报价已失效" "报价所依据的情况已改变，见 changes。" "请重新报价并与顾客确认，再以新的 Idempotency-Key 提交。";
    QuoteCommitted "quote_committed" 409 final
        en "The quote was committed already" "The quote {id} became an order under another key." "Look the order up; do not charge again."
        zh "报价已成交" "报价 {id} 已由其他键成交。" "请查询该订单，不要重复收款。";
    BalanceShort "balance_short" 409 final
        en "The balance is too small" "The account {account} has {available}, but {needed} is needed." "Use less of it, or another tender."
        zh "余额不足" "账户 {account} 可用 {available}，需要 {needed}。" "请减少使用额，或改用其他支付方式。";
    DrawClosed "draw_closed" 409 final
        en "The prize draw is closed" "The prize draw {id} takes no further numbers; its seed is told." "Look at its outcomes, or open another draw."
        zh "抽奖已结束" "抽奖 {id} 已结束并公开种子，不再接受抽取。" "请查看抽奖结果，或开启新的抽奖。";
    ValueFrozen "value_frozen" 409 final
        en "The value is frozen" "What is on {account} is frozen and cannot be spent." "Pay another way, or have a supervisor unfreeze it and send the request under a new Idempotency-Key."
        zh "余额已冻结" "账户 {account} 已冻结，不能使用。" "请改用其他支付方式，或由主管解冻后使用新的 Idempotency-Key 重新提交。";
    ContactChangeUnknown "contact_change_unknown" 404 final
        en "The change is not known" "No change of contact data has the id {id}." "Ask for the change anew."
        zh "变更不存在" "没有编号为 {id} 的联系方式变更。" "请重新发起变更。";
    ContactChangeOver "contact_change_over" 409 final
        en "The change is over" "The change {id} was confirmed or replaced before, or its ten minutes are over." "Look the member up; ask for the change anew where it is still wanted."
        zh "变更已结束" "变更 {id} 已确认、已被替换或已超过十分钟。" "请查看会员资料，如仍需要请重新发起变更。";
    MessageFetched "message_fetched" 409 final
        en "The message was fetched before" "The code of the change {id} is told once." "If it was lost, have the member ask for the change anew."
        zh "消息已被领取" "变更 {id} 的验证码只提供一次。" "如已遗失，请会员重新发起变更。";
    ContactCodeWrong "contact_code_wrong" 403 final
        en "The code is wrong" "It is not the code that was sent." "Read it again; five codes may be told, then the change is asked for anew."
        zh "验证码错误" "与发送的验证码不符。" "请核对后重试；每次变更最多输入五次，之后须重新发起。";
    ContactCodeUsedUp "contact_code_used_up" 403 final
        en "Too many codes were told" "Five codes were told of the change {id}." "Ask for the change anew; a new code is sent."
        zh "验证码尝试次数已用完" "变更 {id} 已输入五次验证码。" "请重新发起变更，系统将发送新的验证码。";
    MergeDebtRepaid "merge_debt_repaid" 409 final
        en "A debt that moved was repaid" "What the member {id} owed at the merge has been repaid since by whom he became part of." "The two stay one; put points or bonus right by adjustments."
        zh "随合并转移的欠款已偿还" "会员 {id} 合并时的欠款已由合并后的会员偿还。" "两个会员保持合并，可用手工调整处理积分或赠送金。";
    TierNotGiven "tier_not_given" 409 final
        en "There is no tier by hand" "The member {id} has no tier that was given by hand and still holds." "Look at the tier: GET /v1/members/{id}/tier."
        zh "没有手工等级" "会员 {id} 没有仍然有效的手工等级。" "请通过 GET /v1/members/{id}/tier 查看等级。";
    FreezeUnchanged "freeze_unchanged" 409 final
        en "There is nothing to change" "What was named is frozen already, or is not frozen." "Look at what is frozen: GET /v1/members/{id}/freeze."
        zh "冻结状态未变" "所指定的余额已冻结，或并未冻结。" "请通过 GET /v1/members/{id}/freeze 查看冻结状态。";
    WalletFull "wallet_full" 409 final
        en "The wallet may not hold so much" "It would hold {would}, but {most} at the most." "Pay less in, or register the person behind an anonymous card."
        zh "超出储值限额" "储值将达到 {would}，上限为 {most}。" "请减少充值金额，或为不记名卡登记会员信息。";
    CouponUsed "coupon_used" 409 final
        en "The coupon was used" "The coupon {id} has no uses left." "Quote again without the coupon."
        zh "优惠券已使用" "优惠券 {id} 已无可用次数。" "请去掉该券重新报价。";
    CouponRefused "coupon_refused" 409 final
        en "The coupon does not apply" "The coupon {id} cannot be used here: {reason}" "Quote again without the coupon."
        zh "优惠券不可用" "优惠券 {id} 在此不可用：{reason}" "请去掉该券重新报价。";
    LimitReached "limit_reached" 409 final
        en "A limit is reached" "The limit {id} leaves no room for this." "Ask for less, or once more under a new Idempotency-Key: what the limit still leaves is given."
        zh "已达上限" "限额 {id} 已无余量。" "请减少数量，或使用新的 Idempotency-Key 重新请求，将按限额余量给予。";
    OverRefund "over_refund" 409 final
        en "More would be refunded than was sold" "Line or tender {id} has {available} left to refund." "Refund at most what is left; read the order for it."
        zh "退款超过售出" "行或支付 {id} 仅剩 {available} 可退。" "请按剩余可退数量退款，可查询订单。";
    TendersMismatch "tenders_mismatch" 422 final
        en "The tenders do not pay the order" "The tenders come to {given}, but {needed} is to pay." "Send tenders that sum to what is to pay; only cash may exceed it."
        zh "支付金额不符" "支付合计 {given}，应付 {needed}。" "支付合计须等于应付金额，仅现金可以超出。";
    CurrencyMismatch "currency_mismatch" 422 final
        en "The currencies differ" "The store trades in {expected}, not in {given}." "Send amounts in the store's currency."
        zh "币种不一致" "门店使用 {expected}，而非 {given}。" "请使用门店币种。";
    AmountTooLarge "amount_too_large" 422 final
        en "An amount is too large" "A sum in this request leaves the range of amounts." "Split the request or correct the amount."
        zh "金额过大" "请求中的合计超出可表示范围。" "请拆分请求或更正金额。";
    OrderRefused "order_refused" 409 final
        en "The order cannot be changed like this" "{reason}" "Read the order and see what is left to do."
        zh "订单无法这样操作" "{reason}" "请查询订单的当前状态。";
    OrderHasMember "order_has_member" 409 final
        en "The order has a member" "The order was made with a member, who has its points." "Nothing is left to claim; check the code on the receipt."
        zh "订单已有会员" "该订单成交时已关联会员，积分已发放。" "无需补登，请核对小票码。";
    OrderClaimed "order_claimed" 409 final
        en "The order was claimed already" "The points of the order were given before." "Each receipt is claimed once; check the code on the receipt."
        zh "订单积分已被补登" "该订单的积分已发放过。" "每张小票只能补登一次，请核对小票码。";
    OrderRefunded "order_refunded" 409 final
        en "Goods of the order came back" "An order of which something was refunded cannot be claimed, and one refunded whole earns nothing." "Have a manager give the points for the rest by an adjustment."
        zh "订单已有退款" "发生过退款的订单不能补登积分，全额退款的订单不再产生积分。" "请由店长以积分调整的方式补发剩余部分。";
    ClaimTooLate "claim_too_late" 409 final
        en "The claim comes too late" "The points of the order could be claimed through {last_day}." "Have a manager give the points by an adjustment."
        zh "补登已过期" "该订单的积分补登截止日为 {last_day}。" "请由店长以积分调整的方式补发。";
    // The host itself.
    BasketTaken "basket_taken" 409 final
        en "The basket was taken up already" "Another till has taken {id} up." "List the baskets that still wait."
        zh "挂单已被取走" "挂单 {id} 已在其他收银台取出。" "请查看仍在等待的挂单。";
    BasketsFull "baskets_full" 409 final
        en "Too many baskets wait" "200 baskets wait in this store already." "Take some up first."
        zh "挂单过多" "本店已有 200 个挂单。" "请先取出部分挂单。";
    RoleUnknown "role_unknown" 404 final
        en "The role is not known" "No role has the name {id}." "Use cashier, supervisor, manager, admin, or one from GET /v1/roles."
        zh "角色不存在" "没有名为 {id} 的角色。" "请使用 cashier、supervisor、manager、admin，或 GET /v1/roles 返回的角色。";
    ShiftUnknown "shift_unknown" 404 final
        en "The shift is not known" "No shift has the id {id}." "Use an id from GET /v1/shifts."
        zh "班次不存在" "没有编号为 {id} 的班次。" "请使用 GET /v1/shifts 返回的编号。";
    ShiftOpen "shift_open" 409 final
        en "The terminal has a shift open" "The shift {id} is open at terminal {terminal}." "Close it first, or go on with it."
        zh "终端已有班次" "终端 {terminal} 的班次 {id} 尚未交班。" "请先交班，或继续使用该班次。";
    ShiftNeeded "shift_needed" 409 final
        en "The terminal needs an open shift" "The chain's tills work in shifts, and {terminal} has none open." "Open one with POST /v1/shifts and send the same request again."
        zh "终端需要先开班" "本连锁要求开班后收银，终端 {terminal} 尚未开班。" "请先用 POST /v1/shifts 开班，再重新提交相同请求。";
    ShiftClosed "shift_closed" 409 final
        en "The shift is closed" "The shift {id} is closed; its report stays as it is." "Use the terminal's open shift, or open a new one."
        zh "班次已交班" "班次 {id} 已交班，报表不再变动。" "请使用终端当前的班次，或重新开班。";
    NotReversible "not_reversible" 409 final
        en "The entry is not reversed as a whole" "{reason}." "Refund a sale; put the rest right by an adjustment."
        zh "该分录不能整笔冲正" "{reason}。" "销售请走退款，其余请手工调整。";
    EntryReversed "entry_reversed" 409 final
        en "The entry was reversed already" "What {id} moved was put back before." "Look at the member's entries; nothing is reversed twice."
        zh "分录已冲正" "{id} 的变动已被冲正。" "请查看会员分录，每笔只能冲正一次。";
    NotOffered "not_offered" 409 final
        en "The chain does not offer this" "The chain's settings do not allow what is asked for at {what}." "Ask the operator; the settings are in config/reference.md."
        zh "本连锁未开通" "连锁设置不允许 {what} 处的请求。" "请联系运营人员，设置说明见 config/reference.md。";
    LedgerRefused "ledger_refused" 409 final
        en "The ledger refuses the entry" "{reason}" "Nothing was posted; correct the request."
        zh "账本拒绝该分录" "{reason}" "未发生任何记账，请更正请求。";
    DeclaredInFile "declared_in_file" 409 final
        en "It is declared in a file" "{id} is declared in {file} (revision {revision}) and read-only here." "Change the file and apply it with `tessera apply`, or take the object out of it."
        zh "由配置文件声明" "{id} 由 {file}（版本 {revision}）声明，在此只读。" "请修改该文件并用 tessera apply 应用，或从文件中移除该对象。";
    ConfigurationRefused "configuration_refused" 422 final
        en "The configuration cannot be applied" "Nothing was changed; {count} key(s) are at fault, the first: {first}" "Correct the keys named in faults, by file and line, and apply again."
        zh "配置无法应用" "未作任何更改；有 {count} 个键有误，第一个：{first}" "请按 faults 中的文件与行号更正后重新应用。";
    ConfigurationChanged "configuration_changed" 409 final
        en "The configuration was changed meanwhile" "Another revision is in force than the one the difference was shown against." "Look at the difference again and apply."
        zh "配置已被他人更改" "当前生效的版本与差异所依据的版本不同。" "请重新查看差异后再应用。";
    RevisionUnknown "revision_unknown" 404 final
        en "The revision is not known" "No revision of the configuration has the number {id}." "Use a number from GET /v1/configuration/revisions."
        zh "版本不存在" "没有编号为 {id} 的配置版本。" "请使用 GET /v1/configuration/revisions 返回的编号。";
    TooManyListeners "too_many_listeners" 503 again
        en "Too many listeners" "At most {limit} event streams may be open." "Close a stream or read events page by page."
        zh "监听连接过多" "最多同时打开 {limit} 个事件流。" "请关闭部分连接，或分页读取事件。";
    NotReady "not_ready" 503 again
        en "The host is not ready" "{reason}" "Wait for the seconds in Retry-After and try again."
        zh "服务尚未就绪" "{reason}" "请等待 Retry-After 所示秒数后再试。";
    Busy "busy" 503 again
        en "The host is busy" "Too much work is waiting." "Wait for the seconds in Retry-After and send the same request again."
        zh "服务繁忙" "等待处理的请求过多。" "请等待 Retry-After 所示秒数后用相同请求重试。";
    Unavailable "unavailable" 503 again
        en "The database does not answer" "The outcome of this request is not known yet." "Send the same request again with the same Idempotency-Key."
        zh "数据库无响应" "该请求的结果尚不确定。" "请用相同的 Idempotency-Key 重试同一请求。";
    Internal "internal" 500 again
        en "Something went wrong in the host" "The fault was logged under the request id." "Send the same request again; if it fails again, report the request id."
        zh "服务内部错误" "错误已按请求编号记录。" "请重试；如仍失败，请提供请求编号。";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_unique_snake_case_and_has_words_in_both_languages() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            let row = code.row();
            assert!(seen.insert(row.code), "{} twice", row.code);
            assert!(
                row.code
                    .bytes()
                    .all(|byte| byte == b'_' || byte.is_ascii_lowercase()),
                "{}",
                row.code
            );
            assert_eq!(code.status().as_u16(), row.status);
            for words in [row.en, row.zh] {
                assert!(!words.title.is_empty() && !words.remedy.is_empty());
            }
        }
    }

    #[test]
    fn both_languages_use_the_same_arguments() {
        let arguments = |text: &str| -> HashSet<String> {
            text.split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}'))
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        for code in Code::ALL {
            let row = code.row();
            assert_eq!(
                arguments(row.en.detail),
                arguments(row.zh.detail),
                "{}",
                row.code
            );
        }
    }
}
