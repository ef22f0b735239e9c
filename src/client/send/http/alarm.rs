//! One timer for all that an attempt waits for.
//!
//! Limits move with every piece of a reply, and setting a timer takes a lock that all calls share. So
//! the timer stays where it is while it rings early enough, and is set anew when it rings too early.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Instant,
};

use tokio::time::{Sleep, sleep_until};

/// The timer of an attempt.
#[derive(Debug)]
pub(super) struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    /// A timer that rings at `earliest` for the first time.
    pub(super) fn new(earliest: Instant) -> Self {
        Self(Box::pin(sleep_until(earliest.into())))
    }

    /// What `work` gives; `None` when it is not done by `limit`.
    pub(super) async fn within<T>(
        &mut self,
        limit: Instant,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let limit = limit.into();
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            if self.0.deadline() > limit {
                self.0.as_mut().reset(limit);
            }
            while self.0.as_mut().poll(context).is_ready() {
                if self.0.deadline() >= limit {
                    return Poll::Ready(None);
                }
                self.0.as_mut().reset(limit);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::task::yield_now;

    use super::*;
    use crate::base::clock;

    #[tokio::test]
    async fn each_wait_has_its_own_limit() {
        let past = clock::instant();
        let later = past + Duration::from_hours(1);
        let mut alarm = Alarm::new(past);
        assert_eq!(alarm.within(later, std::future::ready(1)).await, Some(1));
        assert_eq!(alarm.within(later, yield_now()).await, Some(()), "it rang too early");
        assert_eq!(alarm.within(past, pending::<()>()).await, None);
        assert_eq!(alarm.within(past, pending::<()>()).await, None, "once more");
        assert_eq!(
            alarm.within(past, std::future::ready(2)).await,
            Some(2),
            "what is there counts"
        );
    }
}
