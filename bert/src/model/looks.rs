//! Plans that somebody else than the probes had made: looks inside.

use kernels::{Executable, Graph, GraphError, Plan, RunError, Value};

use super::{Layout, Model};
use crate::config::Config;

/// Looks kept at a time; each holds the activations of its batch.
const PREPARED: usize = 6;

/// A plan with what its maker calls its inputs.
pub(crate) struct Look {
    key: String,
    /// The inputs, in the order in which the maker gave them.
    pub inputs: Vec<Value>,
    /// The plan on the device.
    pub executable: Executable,
}

/// A graph to be looked through: its inputs and what is read of it.
pub(crate) struct Looked {
    /// The graph.
    pub graph: Graph,
    /// Its inputs.
    pub inputs: Vec<Value>,
    /// What a run reads back.
    pub outputs: Vec<Value>,
}

impl Model {
    /// The plan of this key, made now if it is not there yet; of the last few that were asked for.
    pub(crate) async fn look(
        &mut self,
        key: String,
        make: impl FnOnce(&Config, &Layout) -> Result<Looked, GraphError>,
    ) -> Result<(&mut Look, &mut kernels::Params), RunError> {
        if let Some(i) = self.looks.iter().position(|look| look.key == key) {
            // The most recently used one last, the one to forget first.
            let look = self.looks.remove(i);
            self.looks.push(look);
        } else {
            let looked = make(&self.config, &self.layout)
                .expect("the layout checked every shape against the configuration");
            let plan = Plan::new(&looked.graph, &looked.outputs);
            let executable = Executable::new(&self.device, plan, &self.params).await?;
            if self.looks.len() == PREPARED {
                self.looks.remove(0);
            }
            self.looks.push(Look {
                key,
                inputs: looked.inputs,
                executable,
            });
        }
        let last = self.looks.len() - 1;
        Ok((&mut self.looks[last], &mut self.params))
    }
}
