//! Signatures against known ones, and what answers mean.

use std::time::Duration;

use super::*;

/// The example of the Standard Webhooks specification, and a signature made by another program.
#[test]
fn a_call_is_signed_as_standard_webhooks_describes_it() {
    let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let at = Timestamp::from_second(1_614_265_330).unwrap();
    let signed = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
    assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

#[test]
fn for_a_day_a_call_is_signed_with_the_secret_before_as_well() {
    let now = Timestamp::UNIX_EPOCH;
    let previous = Previous { secret: [1; 32], until: now + OVERLAP };
    let signing = Signing { current: [2; 32], previous: Some(previous), request: None };
    let both = signing.signatures("id", now, "{}");
    let expected = [sign(&[2; 32], "id", now, "{}").unwrap(), sign(&[1; 32], "id", now, "{}").unwrap()];
    assert_eq!(both.split(' ').collect::<Vec<_>>(), expected);
    assert_eq!(signing.overlap_until(now), Some(now + OVERLAP));
    let later = now + OVERLAP;
    assert_eq!(signing.signatures("id", later, "{}"), sign(&[2; 32], "id", later, "{}").unwrap());
    assert_eq!(signing.overlap_until(later), None);
    assert_eq!(format!("{signing:?}"), "Signing([redacted])");
    assert_eq!(signing.shown(), format!("whsec_{}", STANDARD.encode([2; 32])));
}

fn answered(status: u16, body: &str) -> HookAnswer {
    HookAnswer::Answered { status, retry_after: None, body: Phi(body.as_bytes().to_vec()), cut: false }
}

#[test]
fn what_an_answer_means_is_decided_by_its_status() {
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(reply(false, answered(status, "whatever")), Reply::Taken { status, answer: None });
    }
    for status in [100, 301, 302, 307, 400, 401, 403, 404, 410, 422, 600] {
        let refused = Reply::Refused { status: Some(status), code: "not_taken".into() };
        assert_eq!(reply(true, answered(status, "{}")), refused);
    }
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        let again = Reply::Again { status: Some(status), code: "not_now".into(), after: None };
        assert_eq!(reply(true, answered(status, "{}")), again);
    }
    let slow = HookAnswer::Answered {
        status: 429,
        retry_after: Some(Duration::from_secs(90)),
        body: Phi(Vec::new()),
        cut: false,
    };
    assert!(matches!(reply(true, slow), Reply::Again { after: Some(after), .. } if after.as_secs() == 90));
}

#[test]
fn an_answer_that_is_kept_is_json_and_of_a_size() {
    let kept = reply(true, answered(200, r#"{"band":"high"}"#));
    assert_eq!(kept, Reply::Taken { status: 200, answer: Some(Phi(json!({ "band": "high" }))) });
    let code = |answer| {
        let Reply::Refused { status: Some(200), code } = reply(true, answer) else { return String::new() };
        code.into_owned()
    };
    assert_eq!(code(answered(200, "<html>")), "answer_not_json");
    assert_eq!(code(answered(200, "")), "answer_not_json");
    assert_eq!(code(answered(200, &format!("\"{}\"", "x".repeat(MOST_ANSWER)))), "answer_too_large");
    let cut = HookAnswer::Answered { status: 200, retry_after: None, body: Phi(b"{}".to_vec()), cut: true };
    assert_eq!(code(cut), "answer_too_large");
}
