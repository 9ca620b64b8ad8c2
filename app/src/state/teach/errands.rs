//! What leaves the panel and comes back: files, predictions, classifiers; one at a time.

use super::run::Run;
use super::{Errand, ErrandKind};
use crate::checkpoint::PickedFile;
use crate::failure::Failure;
use crate::link::Panel;
use crate::protocol::{Export, TeachCommand};
use crate::recipe::{Reading, TextSource};
use crate::state::activity::Wish;
use crate::state::{Effect, State};

impl State {
    /// Whether there is a folder or a head to take out.
    pub fn can_export(&self) -> bool {
        let is_over = |run: &Run| run.is_over() && !run.has_labels();
        let model = self.session.model.as_ref();
        self.can_try()
            || self.teach.run.as_ref().is_some_and(is_over)
            || model.is_some_and(|model| model.can_save)
    }

    /// Writes the model as a folder, where the visitor sees how far that is.
    pub fn save_folder(&mut self) -> Vec<Effect> {
        self.panel = Panel::Teach;
        self.export(Export::Folder)
    }

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
        self.wish(Wish::Attach(file))
    }

    pub(in crate::state) fn attach_now(&mut self, file: PickedFile) -> Vec<Effect> {
        self.errand(ErrandKind::Attach, TeachCommand::Attach { file })
    }

    /// Puts the classifier of a link on the model.
    pub(in crate::state) fn attach_text(&mut self, head: String) -> Vec<Effect> {
        self.errand(ErrandKind::AttachLink, TeachCommand::AttachText { head })
    }

    fn errand(&mut self, kind: ErrandKind, command: TeachCommand) -> Vec<Effect> {
        if let Some(reason) = self.why_not(&Wish::HandOut) {
            self.teach.failure = Some(Failure::new("This has to wait", reason, ""));
            return Vec::new();
        }
        self.teach.failure = None;
        let (id, effect) = self.teach_command(command);
        let exports = matches!(kind, ErrandKind::Export(_));
        self.teach.errand = Some(Errand {
            id,
            kind,
            done: 0,
            total: 0,
            saves: exports && self.teach.has_unsaved(),
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
