//! Classifiers in links: the present one as a text, and one from a text onto the model.

use super::{fail, tell};
use crate::engine::Engine;
use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::protocol::{RequestId, TeachEvent};
use crate::recipe::{Goal, Setup};
use bert::export::{Head, HeadError, Machine};
use bert::model::TaskHead;
use bert::train::Method;
use std::rc::Rc;

impl Engine {
    /// Puts the classifier of a link on the present model.
    pub(super) async fn attach_text(self: Rc<Self>, id: RequestId, text: String) {
        let refused = |error: HeadError| {
            Failure::new(
                "The trained head in this link cannot be used here",
                sentence(&error),
                "Ask for the link again if part of it is missing. If it belongs to another \
                 checkpoint, load that one, then open the link again.",
            )
        };
        let outcome = match Head::from_link_text(&text) {
            Ok(head) => self.put_on(head, refused).await,
            Err(error) => Err(refused(error)),
        };
        match outcome {
            Ok((head, machine)) => {
                tell(id, TeachEvent::Attached { head, machine });
                self.tell_link_head(id).await;
            }
            Err(failure) => fail(id, failure),
        }
        self.tell_memory();
    }

    /// Gives the present model this head; returns it, and what it was trained on.
    pub(super) async fn put_on(
        &self,
        head: Head,
        refused: impl Fn(HeadError) -> Failure,
    ) -> Result<(Option<TaskHead>, Option<Machine>), Failure> {
        let resident = self.place.lock().await;
        let mut resident =
            resident.ok_or_else(|| refused(HeadError::Rule("no model is loaded".to_owned())))?;
        let machine = head.machine.clone();
        head.attach(&mut resident.model).await.map_err(refused)?;
        resident.record = None;
        resident.machine.clone_from(&machine);
        Ok((resident.model.head().cloned(), machine))
    }

    /// After a run: its classifier as a link carries it, or why none can.
    pub(super) async fn tell_taught_head(&self, id: RequestId, setup: &Setup) {
        let note = match (setup.goal, setup.recipe.method) {
            (Goal::Labels, Method::Head) => return self.tell_link_head(id).await,
            (Goal::Labels, _) => "the encoder learned too, and a link carries only a head.",
            (Goal::Masks | Goal::Next | Goal::Replaced | Goal::NextWord, _) => {
                "the model learned words, and a link carries only a head."
            }
        };
        let note = Some(note.to_owned());
        tell(id, TeachEvent::LinkHead { text: None, note });
    }

    /// The present classifier as a link carries it. Told while the model is held, so that it
    /// belongs to the model that the page knows of.
    pub(super) async fn tell_link_head(&self, id: RequestId) {
        let Some(mut resident) = self.place.lock().await else {
            return;
        };
        let about = resident.about();
        let head = Head::of(&mut resident.model, &about).await;
        let (text, note) = match head.and_then(|head| head.to_link_text()) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(sentence(&error))),
        };
        tell(id, TeachEvent::LinkHead { text, note });
    }
}
