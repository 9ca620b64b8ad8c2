//! What leaves the panel and comes back: files, predictions, classifiers; one at a time.

use super::{Errand, ErrandKind, busy};
use crate::protocol::{Export, Failure, PickedFile, Reading, TeachCommand, TextSource};
use crate::state::{Effect, State};

impl State {
    /// Writes a file to save.
    pub fn export(&mut self, what: Export) -> Vec<Effect> {
        self.errand(ErrandKind::Export(what), TeachCommand::Export { what })
    }

    /// Classifies the texts of a file.
    pub fn predict(&mut self, source: TextSource) -> Vec<Effect> {
        let reading = Reading::default();
        self.errand(
            ErrandKind::Predict,
            TeachCommand::Predict { source, reading },
        )
    }

    /// Puts a classifier from a file on the model.
    pub fn attach(&mut self, file: PickedFile) -> Vec<Effect> {
        if self.teach.is_busy() {
            self.teach.failure = Some(busy("A classifier from a file has to wait."));
            return Vec::new();
        }
        if self.teach.taught {
            self.teach.failure = Some(Failure::new(
                "This model is no longer the head's base",
                "Its encoder has learned since it was loaded, and a head is only right on the \
                 encoder that it was trained on.",
                "Load the checkpoint again, then drop the head.",
            ));
            return Vec::new();
        }
        self.errand(ErrandKind::Attach, TeachCommand::Attach { file })
    }

    /// Puts the classifier of a link on the model.
    pub(in crate::state) fn attach_text(&mut self, head: String) -> Vec<Effect> {
        self.errand(ErrandKind::AttachLink, TeachCommand::AttachText { head })
    }

    fn errand(&mut self, kind: ErrandKind, command: TeachCommand) -> Vec<Effect> {
        if self.teach.errand.is_some() || self.session.model.is_none() {
            return Vec::new();
        }
        self.teach.failure = None;
        let (id, effect) = self.teach_command(command);
        self.teach.errand = Some(Errand {
            id,
            kind,
            done: 0,
            total: 0,
        });
        vec![effect]
    }

    /// Gives up what is being written.
    pub fn cancel_errand(&mut self) -> Vec<Effect> {
        match self.teach.errand {
            Some(_) => vec![self.teach_command(TeachCommand::Cancel).1],
            None => Vec::new(),
        }
    }
}
