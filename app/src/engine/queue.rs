//! The newest request wins: at most one waits, at most one runs, and a newer one stops it.

use crate::protocol::RequestId;
use kernels::CancelToken;

/// Requests of one kind.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: Option<(RequestId, T)>,
    running: Option<(RequestId, CancelToken)>,
    /// Whether what runs was stopped for something that goes first, and is to run again.
    interrupted: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            waiting: None,
            running: None,
            interrupted: false,
        }
    }
}

impl<T> Queue<T> {
    /// Takes a request. What waited is dropped, what runs is asked to stop.
    pub fn push(&mut self, id: RequestId, request: T) {
        self.waiting = Some((id, request));
        self.stop_running();
    }

    /// Gives up the request with this id. Says whether it was dropped before it ran; one that
    /// runs is asked to stop and reports by itself.
    pub fn cancel(&mut self, id: RequestId) -> bool {
        if let Some((_, token)) = self.running.as_ref().filter(|(running, _)| *running == id) {
            token.cancel();
            self.interrupted = false;
        }
        self.waiting
            .take_if(|(waiting, _)| *waiting == id)
            .is_some()
    }

    /// Asks whatever runs to stop.
    pub fn stop_running(&self) {
        if let Some((_, token)) = &self.running {
            token.cancel();
        }
    }

    /// Asks whatever runs to make way for something else; [`Queue::again`] then takes it back.
    pub fn interrupt(&mut self) {
        if let Some((_, token)) = self
            .running
            .as_ref()
            .filter(|(_, token)| !token.is_cancelled())
        {
            token.cancel();
            self.interrupted = true;
        }
    }

    /// Takes back a request that was stopped in the middle, if it was only interrupted: it waits again,
    /// unless a newer one does. Says whether it will run.
    pub fn again(&mut self, id: RequestId, request: T) -> bool {
        if !std::mem::take(&mut self.interrupted) {
            return false;
        }
        if self.waiting.is_none() {
            self.waiting = Some((id, request));
            return true;
        }
        false
    }

    /// Takes what waits to run it now, unless something still runs.
    pub fn start(&mut self) -> Option<(RequestId, T, CancelToken)> {
        if self.running.is_some() {
            return None;
        }
        let (id, request) = self.waiting.take()?;
        let token = CancelToken::default();
        self.running = Some((id, token.clone()));
        Some((id, request, token))
    }

    /// What ran has ended, one way or another.
    pub fn finish(&mut self) {
        self.running = None;
        self.interrupted = false;
    }

    /// Whether something runs.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_request_replaces_what_waits_and_stops_what_runs() {
        let mut queue = Queue::default();
        queue.push(1, "a");
        let (id, request, token) = queue.start().unwrap();
        assert_eq!((id, request), (1, "a"));
        assert!(queue.start().is_none(), "one at a time");
        queue.push(2, "b");
        assert!(token.is_cancelled());
        queue.push(3, "c");
        queue.finish();
        let (id, _, token) = queue.start().unwrap();
        assert_eq!(id, 3, "the second was dropped");
        assert!(!token.is_cancelled(), "a new run starts afresh");
        queue.finish();
        assert!(queue.start().is_none());
    }

    #[test]
    fn what_is_interrupted_runs_again_unless_it_was_given_up_or_replaced() {
        let mut queue = Queue::default();
        queue.push(1, "a");
        let (id, request, token) = queue.start().unwrap();
        queue.interrupt();
        assert!(token.is_cancelled());
        assert!(queue.again(id, request));
        queue.finish();
        let (id, request, token) = queue.start().unwrap();
        assert!(id == 1 && !token.is_cancelled());
        queue.interrupt();
        queue.cancel(id);
        assert!(!queue.again(id, request), "given up meanwhile");
        queue.finish();
        queue.push(2, "b");
        let (id, request, _) = queue.start().unwrap();
        queue.interrupt();
        queue.push(3, "c");
        assert!(!queue.again(id, request), "a newer one waits");
        queue.finish();
        assert_eq!(queue.start().map(|(id, ..)| id), Some(3));
    }

    #[test]
    fn cancelling_tells_what_waits_from_what_runs() {
        let mut queue = Queue::default();
        queue.push(1, ());
        assert!(!queue.cancel(9));
        assert!(queue.cancel(1), "it never ran");
        assert!(queue.start().is_none());
        queue.push(2, ());
        let (_, (), token) = queue.start().unwrap();
        assert!(!queue.cancel(1) && !token.is_cancelled());
        assert!(!queue.cancel(2) && token.is_cancelled());
    }
}
