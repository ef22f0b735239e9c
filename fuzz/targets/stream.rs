//! Replies of every provider, whole and as streams that are cut anywhere.
#![no_main]

use evals::provider::{Headers, HttpReply, PROVIDERS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [first, cut, body @ ..] = data else { return };
    let provider = PROVIDERS[usize::from(*first) % PROVIDERS.len()];
    let headers: &[(String, String)] = &[];
    let headers: &dyn Headers = &headers;
    let reply = HttpReply { status: 200, headers, body, now_ms: 0 };
    drop(provider.decode(&reply));
    drop(provider.classify(&HttpReply { status: 429, ..reply }));
    let mut decoder = provider.stream(&HttpReply { body: &[], ..reply });
    let mut frames = provider.framing().start();
    let mut failed = false;
    for piece in body.chunks(usize::from(*cut).max(1)) {
        let taken = frames.feed(piece, &mut |event| decoder.event(event).map(drop));
        if taken.is_err() {
            failed = true;
            break;
        }
    }
    if !failed {
        drop(frames.end(&mut |event| decoder.event(event).map(drop)));
    }
    decoder.partial();
    drop(decoder.finish());
});
