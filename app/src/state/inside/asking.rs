//! Asking: one look at a time, the first that the open panel needs and has not got.

use crate::link::Panel;
use crate::protocol::{
    Command, Found, InsideCommand, InsideEvent, Look, RequestId, RunNews, TeachEvent,
};
use crate::state::activity::Wish;
use crate::state::{Effect, State, next};

use bert::train::Event as RunEvent;

impl State {
    /// Asks for the first thing that the open panel needs and has not got; gives up what it no longer
    /// needs.
    pub fn look_inside(&mut self) -> Vec<Effect> {
        let open = self.panel == Panel::Inside && self.why_not(&Wish::LookInside).is_none();
        // Probe's own answer comes first: what is asked here goes by it.
        if open && (self.probe.awaits_tokens() || self.probe.busy()) {
            return Vec::new();
        }
        let wanted = if open && self.inside_hint().is_none() {
            self.wanted_looks()
        } else {
            Vec::new()
        };
        let inside = &mut self.inside;
        if inside
            .failed
            .as_ref()
            .is_some_and(|(look, _)| !wanted.contains(look))
        {
            inside.failed = None;
        }
        let gave_up = |look: &Look| {
            let failed = inside.failed.as_ref();
            failed.is_some_and(|(failed, _)| failed == look)
        };
        let missing = wanted
            .into_iter()
            .find(|look| inside.answer(look).is_none() && !gave_up(look));
        let Some(look) = missing else {
            return self.stop_looking();
        };
        if inside
            .running
            .as_ref()
            .is_some_and(|(_, running)| *running == look)
        {
            return Vec::new();
        }
        let id = next(&mut self.ids);
        inside.running = Some((id, look.clone()));
        inside.progress = None;
        let command = InsideCommand::Look { look };
        vec![Effect::Send(Command::Inside { id, command })]
    }

    fn stop_looking(&mut self) -> Vec<Effect> {
        self.inside.progress = None;
        let running = self.inside.running.take();
        let cancel = |(id, _)| {
            let command = InsideCommand::Cancel;
            Effect::Send(Command::Inside { id, command })
        };
        running.map(cancel).into_iter().collect()
    }

    /// The visitor gives up what is under way; it is asked again when something changes, or by
    /// [`State::see_again`].
    pub fn cancel_look(&mut self) -> Vec<Effect> {
        let running = self.inside.running.clone();
        self.inside.failed = running.map(|(_, look)| (look, None));
        self.stop_looking()
    }

    /// Asks again what failed or was stopped.
    pub fn see_again(&mut self) -> Vec<Effect> {
        self.inside.failed = None;
        self.look_inside()
    }

    /// The typing in one of the panel's boxes has paused.
    pub fn settle_inside(&mut self) -> Vec<Effect> {
        self.inside.settle();
        self.settle_round();
        Vec::new()
    }

    /// Takes in what the engine says of looking.
    pub(in crate::state) fn on_inside(&mut self, id: RequestId, event: InsideEvent) -> Vec<Effect> {
        let mut effects = Vec::new();
        let inside = &mut self.inside;
        let Some((_, look)) = inside
            .running
            .as_ref()
            .filter(|(running, _)| *running == id)
        else {
            return effects;
        };
        let look = look.clone();
        match event {
            InsideEvent::Progress { done, total } => {
                inside.progress = Some((done, total));
                return effects;
            }
            InsideEvent::Found {
                found,
                milliseconds,
            } => {
                inside.milliseconds = Some(milliseconds);
                inside.failed = None;
                match *found {
                    Found::Round(round) => self.on_round(&look, round),
                    Found::Judged(marks) => effects = self.on_judged(&marks),
                    found => inside.remember(look, found),
                }
            }
            InsideEvent::Failed { failure } => inside.failed = Some((look, Some(failure))),
            InsideEvent::Cancelled => inside.failed = Some((look, None)),
        }
        self.inside.running = None;
        self.inside.progress = None;
        effects
    }

    /// A model is here: answers and heads of another one are nothing to it.
    pub(in crate::state) fn on_model_for_inside(&mut self) {
        let model = self.session.sha256().cloned();
        let inside = &mut self.inside;
        inside.forget();
        if inside.model.is_some() && inside.model != model {
            inside.choice.off.clear();
            inside.choice.map = None;
        }
        inside.model = model;
    }

    /// Where the model has learned, what was seen in it is no longer so.
    pub(in crate::state) fn on_taught_for_inside(&mut self, event: &TeachEvent) {
        let learned =
            |news: &RunNews| matches!(news.event, RunEvent::Epoch(_) | RunEvent::Done { .. });
        let changed = match event {
            TeachEvent::Run { news, .. } => news.iter().any(learned),
            TeachEvent::Stopped | TeachEvent::Attached { .. } => true,
            _ => false,
        };
        if changed {
            self.inside.forget();
        }
    }
}
