//! What a link for unsubscribing carries: a mail, and the topic that it was about.
//!
//! Whoever holds a mail can see the link, and so can all that a mail passes through. So the token is sealed: the topic,
//! which may say what somebody is treated for, is not to be read in it, and nobody but the account can make one. It
//! never runs out, since somebody may unsubscribe by any mail that they ever got.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::{ContactKey, RunId, Secret, TopicId};
use crate::version::StepIndex;

/// What a link for unsubscribing stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsubscribeToken {
    /// The run that sent the mail; its first part is the key of the contact.
    pub run: RunId,
    /// The send step of the mail.
    pub step: StepIndex,
    /// The topic of the mail, where its workflow has one.
    pub topic: Option<TopicId>,
}

/// Purposes of the account's secret that are for tokens alone.
const MAC: &str = "unsubscribe mac";
const MASK: &str = "unsubscribe mask";
/// The part of a run's id that differs between runs: two hashes of 20 characters with `_` in between.
const RUN_BYTES: usize = 41;
/// More than any token has: what is longer is not even looked at.
const MAX_CHARS: usize = 256;

impl UnsubscribeToken {
    /// The contact that got the mail.
    pub fn contact(&self) -> ContactKey {
        self.run.contact()
    }

    /// The token as it stands in an address: only characters that every address may have.
    pub fn seal(&self, secret: &Secret) -> String {
        let mut plain = self.run.as_str().trim_start_matches("run_").as_bytes().to_vec();
        plain.extend(self.step.to_be_bytes());
        plain.extend(self.topic.iter().flat_map(|topic| topic.as_str().bytes()));
        // The MAC is of what is under the mask, and seeds the mask: the same token always has the same text.
        let mac = *secret.keyed(MAC, &[&plain]).finalize().as_bytes();
        mask(secret, &mac, &mut plain);
        URL_SAFE_NO_PAD.encode([mac.as_slice(), &plain].concat())
    }

    /// The token that a text is, `None` for anything that [`Self::seal`] did not make under this secret.
    pub fn open(text: &str, secret: &Secret) -> Option<Self> {
        let bytes = (text.len() <= MAX_CHARS).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        let (mac, masked) = bytes.split_first_chunk::<{ blake3::OUT_LEN }>()?;
        let mut plain = masked.to_vec();
        mask(secret, mac, &mut plain);
        // Hashes compare in constant time, so that no answer tells how much of a guess was right.
        if secret.keyed(MAC, &[&plain]).finalize() != blake3::Hash::from_bytes(*mac) {
            return None;
        }
        let (run, rest) = plain.split_at_checked(RUN_BYTES)?;
        let (step, topic) = rest.split_first_chunk::<2>()?;
        let run = format!("run_{}", std::str::from_utf8(run).ok()?).parse().ok()?;
        let topic = match topic {
            [] => None,
            topic => Some(std::str::from_utf8(topic).ok()?.parse().ok()?),
        };
        Some(Self { run, step: StepIndex::from_be_bytes(*step), topic })
    }
}

/// Covers or uncovers bytes: both are the same.
fn mask(secret: &Secret, mac: &[u8; blake3::OUT_LEN], bytes: &mut [u8]) {
    let mut stream = vec![0; bytes.len()];
    secret.keyed(MASK, &[mac]).finalize_xof().fill(&mut stream);
    for (byte, cover) in bytes.iter_mut().zip(stream) {
        *byte ^= cover;
    }
}
