//! What Probe shows, as a Python script.

use super::State;
use crate::checkpoint::address::Address;
use crate::checkpoint::{Hub, Source};
use crate::script::{Folder, Origin, Script, Shown};

impl State {
    /// A script that computes with `transformers` what Probe shows. `None` while it shows nothing, or an answer is due, or the
    /// model is learning.
    pub fn script(&self) -> Option<String> {
        let model = self.session.model.as_ref()?;
        let probe = &self.probe;
        let changes = self.teach.is_busy() && self.teach.is_taught();
        if probe.busy() || probe.awaits_tokens() || changes {
            return None;
        }
        let (text, pair) = (&probe.text[..], probe.paired.then_some(&probe.pair[..]));
        let shown = if let Some(said) = &probe.said {
            Shown::Said(said)
        } else if let Some(marks) = &probe.marks {
            Shown::Marks { marks, text, pair }
        } else {
            let fill = probe.fill.as_ref()?;
            Shown::Fill { fill, text, pair }
        };
        let of_head = matches!(shown, Shown::Said(_)) && self.teach.has_own_head();
        let script = Script {
            origin: match self.teach.is_taught() || of_head {
                true => Origin::Folder(Folder::Taught),
                false => self.origin()?,
            },
            architecture: &model.architecture,
            max_tokens: model.max_positions,
            shown,
        };
        script.python()
    }

    /// Where Python finds the checkpoint.
    fn origin(&self) -> Option<Origin> {
        Some(match self.session.source()? {
            Source::Bundled { .. } => Origin::Folder(Folder::Bundled),
            Source::Files { name, .. } => Origin::Folder(Folder::Opened(name)),
            Source::Remote { listing, .. } => match listing.address {
                Address::Hub { id, revision } => {
                    let hub = &self.site.hub.address;
                    Origin::Hub {
                        id,
                        revision,
                        endpoint: (*hub != Hub::default().address).then(|| hub.clone()),
                    }
                }
                Address::Web { folder, .. } => Origin::Folder(Folder::Web(folder)),
            },
        })
    }
}
