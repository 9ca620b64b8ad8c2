//! What the self-test means for what was computed, and the way down to the processor.

use super::{Effect, Session, State};
use crate::protocol::{DeviceReport, Executor, LeftOut, Preference, SelfTest};

impl Session {
    /// Where the arithmetic runs: what the visitor chose, or the CPU where the GPU computes wrong.
    pub fn chosen(&self) -> Preference {
        match self.stands_in {
            Some(_) => Preference::Cpu,
            None => self.preference,
        }
    }

    /// The visitor chose. Whoever chooses a GPU that computes wrong gets it.
    pub(super) fn choose(&mut self, preference: Preference) {
        self.insists = self.stands_in.take().is_some() && preference == Preference::Gpu;
        self.preference = preference;
    }

    pub(super) fn on_device(&mut self, mut report: DeviceReport) {
        if report.executor == Executor::Cpu && report.note.is_none() {
            report.note.clone_from(&self.stands_in);
        }
        self.device = Some(report);
    }

    fn runs_on_gpu(&self) -> bool {
        let device = self.device.as_ref();
        device.is_some_and(|device| device.executor == Executor::Gpu)
    }

    /// All that the device is known to do without.
    pub fn left_out(&self) -> &[LeftOut] {
        match (&self.test, &self.device) {
            (Some(test), _) => &test.left_out,
            (None, Some(device)) => &device.left_out,
            (None, None) => &[],
        }
    }

    /// Whether the self-test has found something wrong that cannot be left out.
    pub fn is_distrusted(&self) -> bool {
        self.test.as_ref().is_some_and(|test| !test.trusted)
    }

    /// The kernels that failed, in words.
    pub(super) fn wrong(&self) -> String {
        self.test.as_ref().map(SelfTest::wrong).unwrap_or_default()
    }

    /// Why the processor takes over.
    fn why_not_gpu(&self) -> String {
        let detail = self.failed_checks().find_map(|check| check.detail.as_ref());
        let detail = detail.map(|detail| format!(" ({detail})"));
        format!(
            "Your GPU computes {} wrong{}, so the processor computes.",
            self.wrong(),
            detail.unwrap_or_default()
        )
    }

    /// What is to be said of everything that this device computes; `None` where it can be trusted.
    pub fn standing_doubt(&self) -> Option<String> {
        self.test.as_ref()?.standing_doubt()
    }

    /// What is known of the device so far.
    fn known(&self) -> SelfTest {
        let untested = || self.device.as_ref().map(DeviceReport::untested);
        self.test.clone().or_else(untested).unwrap_or_default()
    }
}

impl State {
    /// Takes in what the self-test found. What was computed with something wrong is marked and asked
    /// anew; a GPU that is wrong beyond what can be left out gives way to the processor.
    pub(super) fn on_self_test(&mut self, test: SelfTest) -> Vec<Effect> {
        let session = &mut self.session;
        let doubt = test.doubt_since(&session.known());
        session.test = Some(test);
        let Some(doubt) = doubt else {
            return Vec::new();
        };
        let distrusted = session.is_distrusted();
        let steps_down = distrusted && session.runs_on_gpu() && !session.insists;
        if steps_down {
            session.stands_in = Some(session.why_not_gpu());
        }
        self.doubt(&doubt);
        match (steps_down, distrusted) {
            (true, _) => self.new_engine(),
            // Asked again it would be wrong again; it is marked.
            (false, true) => Vec::new(),
            (false, false) => self.ask_again(),
        }
    }

    /// Marks everything that the present engine has computed and the page shows.
    fn doubt(&mut self, why: &str) {
        if let Some(run) = self.teach.run.as_mut().filter(|run| run.is_present) {
            run.doubt.get_or_insert_with(|| why.to_owned());
        }
        if self.session.model.is_none() {
            return;
        }
        if self.prove.is_running() || self.is_curve_of_these() {
            self.prove.doubt = Some(why.to_owned());
        }
        if self.probe.has_answer() {
            self.probe.doubt = Some(why.to_owned());
        }
        if self.teach.trial.answer.is_some() {
            self.teach.trial.doubt = Some(why.to_owned());
        }
    }

    /// Has the answers computed anew that are shown, or under way.
    fn ask_again(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.probe.has_answer() || self.probe.running() {
            effects.extend(self.run());
        }
        let trial = &self.teach.trial;
        if trial.answer.is_some() || self.teach.is_trying() {
            effects.extend(self.try_text());
        }
        effects
    }

    /// What is to be said of the answers that the Probe panel shows.
    pub fn probe_doubt(&self) -> Option<String> {
        let standing = || self.session.standing_doubt();
        let shown = self.probe.has_answer();
        shown.then(|| standing().or_else(|| self.probe.doubt.clone()))?
    }

    /// What is to be said of the answer to the text that is tried.
    pub fn trial_doubt(&self) -> Option<String> {
        let trial = &self.teach.trial;
        let standing = || self.session.standing_doubt();
        (trial.answer.is_some()).then(|| standing().or_else(|| trial.doubt.clone()))?
    }
}

#[cfg(test)]
mod tests;
