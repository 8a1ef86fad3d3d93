//! What can be wrong with one field of a request, in English and Chinese.
//!
//! `{name}` in a sentence is filled from the fault's arguments. A code is never renamed or reused.

macro_rules! field_faults {
    ($($name:ident $code:literal en $en:literal zh $zh:literal;)*) => {
        /// What can be wrong with one field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault { $($name,)* }

        impl Fault {
            /// The fault's code and its English and Chinese sentence.
            pub const fn row(self) -> (&'static str, &'static str, &'static str) {
                match self { $(Fault::$name => ($code, $en, $zh),)* }
            }

            /// The fault a code stands for.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Fault::$name),)* _ => None }
            }
        }
    };
}

field_faults! {
    Required "required" en "is needed" zh "必填";
    UnknownField "unknown_field" en "is not a field of this request" zh "不是该请求的字段";
    WrongType "wrong_type" en "has the wrong type: {reason}" zh "类型不正确：{reason}";
    Invalid "invalid" en "cannot be accepted: {reason}" zh "无法接受：{reason}";
    Empty "empty" en "may not be empty" zh "不能为空";
    TooLong "too_long" en "is longer than {limit}" zh "长度超过 {limit}";
    TooShort "too_short" en "is shorter than {limit}" zh "长度不足 {limit}";
    TooMany "too_many" en "has more than {limit} items" zh "条目超过 {limit} 个";
    ControlCharacter "control_character" en "holds a control character such as U+0000" zh "含有控制字符（如 U+0000）";
    OutOfRange "out_of_range" en "must lie between {min} and {max}" zh "须在 {min} 与 {max} 之间";
    NotADecimal "not_a_decimal" en "must be a decimal string with at most three places, such as \"0.345\"" zh "须为最多三位小数的十进制字符串，如 \"0.345\"";
    NotATime "not_a_time" en "must be an RFC 3339 time with its offset" zh "须为带时区偏移的 RFC 3339 时间";
    NotADate "not_a_date" en "must be a date such as 2026-03-31" zh "须为日期，如 2026-03-31";
    NotACurrency "not_a_currency" en "must be an ISO 4217 code such as CNY" zh "须为 ISO 4217 币种代码，如 CNY";
    NotATimeZone "not_a_time_zone" en "must be an IANA time zone such as Asia/Shanghai" zh "须为 IANA 时区，如 Asia/Shanghai";
    NotAPhone "not_a_phone" en "must be 5 to 20 digits, with an optional leading +" zh "须为 5 至 20 位数字，可带前导 +";
    NotAnEmail "not_an_email" en "must be an e-mail address" zh "须为电子邮箱地址";
    NotACard "not_a_card" en "must be a card number with its check digit" zh "须为带校验位的卡号";
    NotAScope "not_a_scope" en "must be chain, region:<id> or store:<id>" zh "须为 chain、region:<编号> 或 store:<编号>";
    NotAnId "not_an_id" en "must be 1 to 64 letters, digits, dots, dashes or underscores" zh "须为 1 至 64 个字母、数字、点、短横或下划线";
    Unknown "unknown" en "refers to something that is not known: {id}" zh "引用的对象不存在：{id}";
    NotToml "not_toml" en "is not TOML: {reason}" zh "不是有效的 TOML：{reason}";
    UnknownKey "unknown_key" en "is not a key a declaration knows" zh "不是声明支持的键";
    UnknownObject "unknown_object" en "there is no {what} {id}; declare it, make it first, or correct the name" zh "{what} {id} 不存在；请先声明或创建，或更正名称";
    TakesNoCodes "takes_no_codes" en "the binding {id} takes no codes, so nobody could use its coupons; make a code its trigger, or name another" zh "绑定 {id} 不使用券码，发出的券无法使用；请将其触发方式设为券码，或改用其他绑定";
    Twice "declared_twice" en "is declared twice, first in {first}; keep one" zh "重复声明，首次在 {first}；请保留一处";
    NoRelease "no_release" en "no release of the plugin {id} fits; install one or widen the version range" zh "没有符合版本范围的插件 {id}；请安装或放宽版本范围";
    NotGranted "not_granted" en "the plugin asks for {id}; add it to granted" zh "插件需要权限 {id}；请加入 granted";
    GroupContradicts "group_contradicts" en "contradicts {other} in the group {id}; members of a group share stage, kind and choice" zh "与互斥组 {id} 中的 {other} 矛盾；同组成员的 stage、种类与 group_choice 须一致";
    Overlaps "overlaps" en "is in force together with {other}, which does the same; part their days or stores" zh "与功能相同的 {other} 同时生效；请错开日期或门店";
    BelowSpent "below_spent" en "{spent} are used already; give at least that much, or a new name" zh "已使用 {spent}；限额不得更低，或改用新名称";
    ScaleStays "scale_stays" en "a program's scale is {scale} and stays; leave it or use another program" zh "积分计划的小数位为 {scale}，不可更改；请保留或使用其他计划";
    Taken "taken" en "is in use already" zh "已被使用";
}

/// The text with its `{arguments}` filled in; an argument nobody gave stays visible as its name.
pub fn fill(text: &str, arguments: &[(&'static str, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) => {
                match arguments.iter().find(|(key, _)| *key == name) {
                    Some((_, value)) => filled.push_str(value),
                    None => filled.push_str(name),
                }
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fill_their_places() {
        assert_eq!(fill("a {x} b {y}", &[("x", "1".into())]), "a 1 b y");
        assert_eq!(fill("open { end", &[]), "open { end");
    }
}
