//! Which addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// How far calls may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses, over TLS.
    Public,
    /// To this machine as well, without TLS: for development.
    PublicAndThisMachine,
}

impl Reach {
    /// The address to call, if it is one that may be called as far as it says so itself.
    ///
    /// # Errors
    /// A code of why it may not.
    pub(super) fn allows(self, url: &str) -> Result<Url, &'static str> {
        let url = Url::parse(url).map_err(|_| "no_address")?;
        let host = url.host_str().ok_or("no_address")?;
        // However an address is written, as `0x7f.1` or as one number: parsing has made the usual form of it. A name is
        // looked up and checked when it is connected to.
        let ip: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        if ip.is_some_and(|ip| !self.includes(ip)) {
            return Err("address_not_public");
        }
        let this_machine = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if self == Self::PublicAndThisMachine && this_machine => {}
            "http" if this_machine => return Err("address_not_public"),
            _ => return Err("not_encrypted"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("password_in_address");
        }
        Ok(url)
    }

    /// Whether a connection to this address is allowed.
    pub(super) fn includes(self, ip: IpAddr) -> bool {
        is_public(ip) || (self == Self::PublicAndThisMachine && ip.is_loopback())
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// By IANA's registry of special-purpose addresses: what is not globally reachable is not public.
const fn is_public_v4(ip: Ipv4Addr) -> bool {
    !matches!(
        ip.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // IPv4 in another dress counts as what it is: mapped, and behind NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        // Teredo, ORCHID, benchmarks and documentation; 6to4, which has an IPv4 address in it.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is globally routed.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

const fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let public = ["1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1", "64:ff9b::101:101", "::ffff:1.1.1.1"];
        for ip in public {
            assert!(is_public(ip.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip.parse().unwrap_or(IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)))), "{ip}");
        }
    }

    #[test]
    fn an_address_in_whatever_form_is_seen_through() {
        let code = |url: &str| Reach::Public.allows(url).err();
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[::ffff:a00:1]/",
            "https://169.254.169.254/latest",
            "https://[fd00:ec2::254]/",
            "https://10.0.0.1:8443/",
            "http://localhost/",
            "https://0/",
        ] {
            assert_eq!(code(url), Some("address_not_public"), "{url}");
        }
        assert_eq!(code("http://hooks.example/"), Some("not_encrypted"));
        assert_eq!(code("ftp://hooks.example/"), Some("not_encrypted"));
        assert_eq!(code("https://user:word@hooks.example/"), Some("password_in_address"));
        assert_eq!(code("hooks"), Some("no_address"));
        assert_eq!(code("https://hooks.example/"), None);
        let here = |url: &str| Reach::PublicAndThisMachine.allows(url).err();
        assert_eq!(here("http://127.0.0.1:9000/"), None);
        assert_eq!(here("http://localhost:9000/"), None);
        assert_eq!(here("https://10.0.0.1/"), Some("address_not_public"));
        assert_eq!(here("http://hooks.example/"), Some("not_encrypted"));
    }
}
