//! Every sentence of the pages, in English and Chinese side by side.

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English, the one for everybody else.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// The language that an `Accept-Language` header (RFC 9110 section 12.5.4) prefers among ours.
    pub(super) fn preferred(header: &str) -> Self {
        let weighted = header.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next()?;
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            let language = match tag.split('-').next()?.to_ascii_lowercase().as_str() {
                "zh" => Self::Chinese,
                "en" => Self::English,
                _ => return None,
            };
            (weight > 0.0).then_some((weight, language))
        });
        // Of equal weights the first one counts.
        weighted
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map_or(Self::English, |best| best.1)
    }

    /// The BCP 47 tag.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }
}

/// A sentence in English and Chinese.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text(&'static str, &'static str);

impl Text {
    pub(super) fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::English => self.0,
            Language::Chinese => self.1,
        }
    }
}

pub(super) const PRODUCT: Text = Text("Agent Identity", "智能体身份");

pub(super) const SESSION: Text = Text("Session", "会话");
pub(super) const CHANNEL: Text = Text("Channel", "渠道");
pub(super) const SENDER: Text = Text("Sender", "发起人");
pub(super) const ACCOUNT: Text = Text("Account", "账号");
pub(super) const CODE: Text = Text("Code", "代码");
pub(super) const PROVIDER_SAYS: Text = Text("Provider's words", "身份提供方说明");

pub(super) const CONFIRM_TITLE: Text = Text("Is this login yours?", "这是你本人发起的登录吗？");
pub(super) const CONFIRM_LEAD: Text = Text(
    "After you confirm, the agent acts with your identity in this chat:",
    "确认后，智能体将在以下聊天中以你的身份行事：",
);
pub(super) const CONFIRM_WARNING: Text = Text(
    "Only confirm if you asked for this login yourself. If somebody sent you the link, close this window.",
    "仅当登录由你本人发起时才可确认。如果链接是他人发给你的，请关闭此窗口。",
);
pub(super) const CONFIRM_BUTTON: Text = Text("Yes, sign me in", "是我本人，确认登录");

pub(super) const SUCCESS_TITLE: Text = Text("You are signed in", "登录成功");
pub(super) const SUCCESS_LEAD: Text =
    Text("You can close this window and go back to your chat.", "你可以关闭此窗口，返回聊天继续。");

pub(super) const FAILURE_TITLE: Text = Text("The login did not work", "登录未完成");
pub(super) const ASK_AGAIN: Text =
    Text("Go back to your chat and ask for a new login link.", "请返回聊天，重新获取登录链接。");
pub(super) const ASK_LATER: Text = Text(
    "Wait a moment, then ask for a new login link in your chat.",
    "请稍候片刻，再到聊天中重新获取登录链接。",
);
pub(super) const LOAD_AGAIN: Text = Text(
    "Your link is still good: wait a moment, then load this page again.",
    "链接仍然有效：请稍候片刻，然后刷新此页面。",
);
pub(super) const ASK_OPERATOR: Text = Text(
    "Try once more with a new login link. If it fails again, tell whoever runs the agent; the log has the details.",
    "请用新的登录链接再试一次。若仍失败，请联系智能体的管理员，详情见日志。",
);

pub(super) const LINK_EXPIRED_TITLE: Text = Text("This link has expired", "链接已失效");
pub(super) const LINK_EXPIRED: Text =
    Text("A login link works once and for five minutes.", "登录链接只能使用一次，且五分钟内有效。");
pub(super) const MALFORMED: Text =
    Text("The address of this page is damaged.", "此页面的地址不完整或已损坏。");
pub(super) const WRONG_ISSUER: Text = Text(
    "The answer did not come from the login service that was asked.",
    "返回结果并非来自所请求的身份提供方。",
);
pub(super) const REFUSED: Text = Text("The login service refused the login.", "身份提供方拒绝了此次登录。");
pub(super) const CODE_MISSING: Text =
    Text("The answer of the login service is incomplete.", "身份提供方的返回结果不完整。");
pub(super) const FOREIGN_PAGE: Text =
    Text("The confirmation did not come from this site's own page.", "确认请求并非来自本站页面。");
pub(super) const UNREACHABLE: Text =
    Text("The login service cannot be reached at the moment.", "暂时无法连接身份提供方。");
pub(super) const UNVERIFIED: Text =
    Text("The answer of the login service could not be verified.", "无法验证身份提供方的返回结果。");
pub(super) const UNDECIDED: Text =
    Text("The login cannot be looked up at the moment.", "暂时无法查询此次登录。");
pub(super) const NOT_COMPLETED: Text =
    Text("The login could not be completed on this machine.", "未能在本机完成登录。");

pub(super) const METHOD_TITLE: Text = Text("This is not how this page works", "不支持的请求方式");
pub(super) const METHOD: Text =
    Text("The page is opened by following a login link.", "请通过登录链接打开此页面。");
pub(super) const NOT_FOUND_TITLE: Text = Text("There is nothing here", "页面不存在");
pub(super) const NOT_FOUND: Text =
    Text("This address serves the end of a login only.", "此地址仅用于完成登录。");
pub(super) const TOO_LARGE_TITLE: Text = Text("The request is too large", "请求过大");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_chooses_the_language() {
        for (header, expected) in [
            ("", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Language::English),
            ("fr, ZH-hant;q=0.2", Language::Chinese),
            ("en;q=0.3, zh ; q=0.4", Language::Chinese),
            ("zh;q=0, de", Language::English),
            ("zh;q=x", Language::English),
            ("*", Language::English),
            (";;;,,,=", Language::English),
        ] {
            assert_eq!(Language::preferred(header), expected, "{header}");
        }
    }
}
