//! Whether an open or a click was a machine's (S20), by what a single event shows: the flag of SES, and the user agent.

/// What SES says in `isBotEvent` about an event that it takes for a machine's.
const LIKELY: &str = "Likely";

/// What Apple's privacy proxy gives as its whole user agent.
const BARE: &str = "mozilla/5.0";

/// Proxies that load the images of a mail in the place of its reader, or before there is one.
const PROXIES: [&str; 3] = ["googleimageproxy", "yahoomailproxy", "yahoocachesystem"];

/// Whatever follows links to see where they lead.
const SCANNERS: [&str; 22] = [
    // A crawler gives an address for questions about it.
    "+http",
    "applebot",
    "barracuda",
    "bingbot",
    "bingpreview",
    "curl/",
    "discordbot",
    "facebookexternalhit",
    "go-http-client",
    "googlebot",
    "headlesschrome",
    "libwww-perl",
    "linkedinbot",
    "mimecast",
    "okhttp/",
    "proofpoint",
    "python-",
    "skypeuripreview",
    "slackbot",
    "telegrambot",
    "twitterbot",
    "wget/",
];

/// Whether a machine did it. A missing user agent proves nothing.
pub(super) fn is_machine(flag: Option<&str>, user_agent: Option<&str>) -> bool {
    if flag.is_some_and(|flag| flag.eq_ignore_ascii_case(LIKELY)) {
        return true;
    }
    let Some(agent) = user_agent.map(str::to_ascii_lowercase) else { return false };
    agent.trim() == BARE || PROXIES.iter().chain(&SCANNERS).any(|sign| agent.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::is_machine;

    /// S20: people, not machines.
    #[test]
    fn machines_are_told_from_people_by_flag_and_user_agent() {
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
        let cubot = "Mozilla/5.0 (Linux; Android 13; CUBOT X18) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36";
        let gmail = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
        let crawler = "Mozilla/5.0 (compatible; SomeCrawler/1.0; +https://crawler.example)";
        let table = [
            (None, None, false),
            (Some("Likely"), None, true),
            (Some("Likely"), Some(phone), true),
            (Some("Unlikely"), Some(phone), false),
            (None, Some(phone), false),
            (None, Some(cubot), false),
            (None, Some("Mozilla/5.0"), true),
            (Some("Unlikely"), Some(gmail), true),
            (None, Some("YahooMailProxy; https://help.yahoo.com/kb/x"), true),
            (None, Some(crawler), true),
            (None, Some("python-requests/2.32"), true),
            (None, Some("Barracuda Sentinel (EE)"), true),
            (None, Some("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0"), true),
        ];
        for (flag, agent, machine) in table {
            assert_eq!(is_machine(flag, agent), machine, "{flag:?} {agent:?}");
        }
    }
}
