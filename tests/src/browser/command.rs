use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// A command of the WebDriver protocol that fantoccini has no function for.
#[derive(Debug)]
pub struct Command {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Command {
    /// A command of the Chrome DevTools Protocol, such as `Emulation.setEmulatedMedia`.
    pub fn devtools(method: &str, parameters: Value) -> Self {
        Self::post(
            "goog/cdp/execute",
            json!({ "cmd": method, "params": parameters }),
        )
    }

    /// What the page wrote to Chromium's console since the last such command.
    pub fn console() -> Self {
        Self::post("se/log", json!({ "type": "browser" }))
    }

    /// Whether scripts run in the page (`content`) or in Firefox itself (`chrome`).
    pub fn context(context: &str) -> Self {
        Self::post("moz/context", json!({ "context": context }))
    }

    /// The role that assistive technology is told of an element.
    pub fn role(element: &str) -> Self {
        Self::get(format!("element/{element}/computedrole"))
    }

    /// The accessible name of an element.
    pub fn label(element: &str) -> Self {
        Self::get(format!("element/{element}/computedlabel"))
    }

    fn post(path: &str, body: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            body: Some(body),
        }
    }

    fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: None,
        }
    }
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = self.body.as_ref().map(Value::to_string);
        (self.method.clone(), body)
    }
}
