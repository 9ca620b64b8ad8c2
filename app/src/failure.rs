//! What went wrong, in words for the visitor.

use serde::{Deserialize, Serialize};

/// Something went wrong: what, in plain words; what one can do; what an expert wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub title: String,
    pub cause: String,
    pub advice: String,
    pub details: Option<String>,
    /// Whether the same may succeed later.
    #[serde(default)]
    pub again: bool,
}

impl Failure {
    pub fn new(
        title: impl Into<String>,
        cause: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            cause: cause.into(),
            advice: advice.into(),
            details: None,
            again: false,
        }
    }

    /// The same may succeed later.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Adds what only an expert wants to read.
    pub fn with_details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }
}
