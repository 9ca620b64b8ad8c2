//! Models that were made or taught here and that this device keeps.

use crate::checkpoint::basket::Basket;
use crate::checkpoint::own::{OwnModel, free_name};
use crate::failure::Failure;
use crate::state::{Effect, State};

impl State {
    /// A name under which a model can be kept.
    pub fn free_name(&self, name: &str) -> String {
        free_name(name, &self.opening.own)
    }

    /// Takes in what this device keeps. `failed`: a model that it could not keep.
    pub fn on_own(&mut self, own: Vec<OwnModel>, failed: Option<String>) -> Vec<Effect> {
        let is_new = own.len() > self.opening.own.len();
        self.opening.own = own;
        if let Some(name) = failed {
            self.session.failure = Some(Failure::new(
                format!("{name} is not kept on this device"),
                "The browser does not let the page write, or the device is full.",
                "Download the folder under Teach to have it later.",
            ));
        }
        match is_new && self.opening.persistent == Some(false) {
            true => vec![Effect::Persist],
            false => Vec::new(),
        }
    }

    /// Opens a model that is kept.
    pub fn open_own(&mut self, name: &str) -> Vec<Effect> {
        self.session.basket = Basket::default();
        vec![Effect::OpenOwn(name.to_owned())]
    }

    /// The same, where there is one of this name.
    pub(in crate::state) fn open_own_named(&mut self, name: &str) -> Vec<Effect> {
        match self.opening.own.iter().any(|own| own.name == name) {
            true => self.open_own(name),
            false => Vec::new(),
        }
    }

    /// Its files are no longer whole.
    pub fn on_own_gone(&mut self, name: &str) -> Vec<Effect> {
        self.opening.own.retain(|own| own.name != name);
        self.session.failure = Some(Failure::new(
            format!("{name} cannot be opened"),
            "Its files are no longer whole on this device.",
            "Make it again, or open the folder that you downloaded.",
        ));
        vec![Effect::ForgetOwn(name.to_owned())]
    }

    /// Deletes a model that is kept; where it is loaded it stays loaded.
    pub fn forget_own(&mut self, name: &str) -> Vec<Effect> {
        vec![Effect::ForgetOwn(name.to_owned())]
    }
}
