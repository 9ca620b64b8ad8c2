//! The small model that fills hidden words, for another to find what was replaced (Clark et al. 2020, section 3).

use kernels::{ParamSpec, RunError};

use super::{Layout, LoadError, Model, names};
use crate::config::Config;
use crate::data::Random;

/// Before the names of the generator's own parameters.
pub(crate) const PREFIX: &str = "generator/";
/// The tables of embeddings, which both models share (section 3.2).
const SHARED: [&str; 3] = [names::WORD, names::POSITION, names::TYPE];

/// The generator beside a discriminator: an encoder with a masked-language-model head, whose parameters lie beside the
/// others under names that begin with `generator/`, but for the tables of embeddings, which are the discriminator's.
#[derive(Clone, Debug, PartialEq)]
pub struct Generator {
    /// Its size.
    pub config: Config,
    /// Its tensors and parameters, by their names without that beginning.
    pub layout: Layout,
}

impl Generator {
    /// The name under which one of its parameters lies.
    fn place(name: &str) -> String {
        // A table may lie in blocks, which are numbered.
        let table = name.split('/').next().unwrap_or_default();
        match SHARED.contains(&table) {
            true => name.to_owned(),
            false => format!("{PREFIX}{name}"),
        }
    }

    /// Its own parameters, as they lie.
    fn own(&self) -> Vec<ParamSpec> {
        let params = self.layout.params.iter();
        let placed = params.map(|spec| ParamSpec {
            name: Self::place(&spec.name),
            ..spec.clone()
        });
        placed
            .filter(|spec| spec.name.starts_with(PREFIX))
            .collect()
    }
}

impl Layout {
    /// Puts a generator beside the model, for a device that binds `limit` bytes at most; the parameters to add.
    pub(crate) fn add_generator(&mut self, config: &Config, limit: u64) -> Vec<ParamSpec> {
        let config = config.generator();
        let layout = Self::fresh(&config, true, limit);
        let generator = Generator { config, layout };
        let own = generator.own();
        self.generator = Some(Box::new(generator));
        own
    }
}

impl Model {
    /// Makes sure of what replaced words are learned with: a head that tells them, with random weights where there was none,
    /// and beside the model a new generator, a quarter of its width ([`Config::generator`]). `false` where the family has no such head.
    ///
    /// # Errors
    /// The device has no room.
    pub async fn add_generator(&mut self, seed: u64) -> Result<bool, RunError> {
        let Some(mut added) = self.layout.add_replaced(&self.config) else {
            return Ok(false);
        };
        let limit = self.device.max_tensor_bytes();
        added.extend(self.layout.add_generator(&self.config, limit));
        self.params.add(&added, false)?.await?;
        self.randomise_some(&added, &mut Random::new(seed, 0x6e4e))?;
        self.forget_plans();
        Ok(true)
    }

    /// Frees the generator, if there is one.
    pub(crate) fn remove_generator(&mut self) {
        if let Some(generator) = self.layout.generator.take() {
            let own = generator.own().into_iter().map(|spec| spec.name);
            self.params.remove(&own.collect::<Vec<_>>());
        }
    }

    /// The generator as a model of its own, with a copy of the embeddings; `None` where there is none.
    ///
    /// # Errors
    /// The device has no room.
    pub async fn generator(&mut self) -> Result<Option<Model>, LoadError> {
        let Some(generator) = self.layout.generator.clone() else {
            return Ok(None);
        };
        let device = self.device.clone();
        let mut model = Model::fresh(&device, generator.config, true, 0).await?;
        for spec in &generator.layout.params {
            let numbers = self.read(&Generator::place(&spec.name)).await?.to_f32();
            model.params.write(&spec.name, 0, &numbers)?;
        }
        Ok(Some(model))
    }
}
