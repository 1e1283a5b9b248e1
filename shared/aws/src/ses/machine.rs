//! Whether an open or a click was a machine's (S20), by what a single event shows: the flag of SES, and the user agent.

use carepath_engine::advance::Reader;

/// What SES says in `isBotEvent` about an event that it takes for a machine's,
const LIKELY: &str = "Likely";
/// and about one that it takes for a person's.
const UNLIKELY: &str = "Unlikely";

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

/// Who did it. A missing user agent proves nothing.
pub(super) fn reader(flag: Option<&str>, user_agent: Option<&str>) -> Reader {
    let says = |word| flag.is_some_and(|flag| flag.eq_ignore_ascii_case(word));
    let agent = user_agent.map(str::to_ascii_lowercase).unwrap_or_default();
    let sign = agent.trim() == BARE || PROXIES.iter().chain(&SCANNERS).any(|sign| agent.contains(sign));
    if sign || says(LIKELY) {
        Reader::Machine
    } else if says(UNLIKELY) {
        Reader::Person
    } else {
        Reader::Unsaid
    }
}

#[cfg(test)]
mod tests {
    use super::reader;
    use carepath_engine::advance::Reader::{Machine, Person, Unsaid};

    /// S20: people, not machines.
    #[test]
    fn machines_are_told_from_people_by_flag_and_user_agent() {
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
        let cubot = "Mozilla/5.0 (Linux; Android 13; CUBOT X18) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36";
        let gmail = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
        let crawler = "Mozilla/5.0 (compatible; SomeCrawler/1.0; +https://crawler.example)";
        let table = [
            (None, None, Unsaid),
            (Some("Likely"), None, Machine),
            (Some("Likely"), Some(phone), Machine),
            (Some("Unlikely"), Some(phone), Person),
            (None, Some(phone), Unsaid),
            (None, Some(cubot), Unsaid),
            (None, Some("Mozilla/5.0"), Machine),
            (Some("Unlikely"), Some(gmail), Machine),
            (None, Some("YahooMailProxy; https://help.yahoo.com/kb/x"), Machine),
            (None, Some(crawler), Machine),
            (None, Some("python-requests/2.32"), Machine),
            (None, Some("Barracuda Sentinel (EE)"), Machine),
            (None, Some("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0"), Machine),
        ];
        for (flag, agent, by) in table {
            assert_eq!(reader(flag, agent), by, "{flag:?} {agent:?}");
        }
    }
}
