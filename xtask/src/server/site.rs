use super::Reply;
use super::headers::{cache_control, policy, policy_in};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, IF_MODIFIED_SINCE,
    LAST_MODIFIED, RANGE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::path::{Path, PathBuf};
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// What the name of a file in brotli form ends in.
pub const BROTLI: &str = "br";

/// Where the brotli form of a file lies: `app.js` -> `app.js.br`.
pub fn brotli_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_os_string();
    name.push(".");
    name.push(BROTLI);
    PathBuf::from(name)
}

type Answer = Box<dyn Fn() -> Reply + Send + Sync>;

/// What is served: a folder, and optionally more folders and made-up answers.
pub struct Site {
    /// Address prefix, as `/fixtures/`, and folder; the first match counts.
    mounts: Vec<(String, PathBuf)>,
    answers: Vec<(String, Answer)>,
    /// Of another page than the folder's own.
    policy: Option<String>,
}

impl Site {
    /// Serves the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            mounts: vec![("/".to_string(), root.into())],
            answers: Vec::new(),
            policy: None,
        }
    }

    /// Serves the files below `folder` at `/prefix/...` too.
    pub fn mount(mut self, prefix: &str, folder: impl Into<PathBuf>) -> Self {
        self.mounts.insert(
            0,
            (format!("/{}/", prefix.trim_matches('/')), folder.into()),
        );
        self
    }

    /// Answers a request for exactly `address`, such as `/broken/model.safetensors`.
    pub fn answer(
        mut self,
        address: &str,
        answer: impl Fn() -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.answers.push((address.to_string(), Box::new(answer)));
        self
    }

    /// Answers with this page in place of the folder's `index.html`, and sends its policy.
    pub fn page(mut self, page: String) -> Self {
        self.policy = policy_in(&page).map(str::to_string);
        for address in ["/", "/index.html"] {
            let page = page.clone().into_bytes();
            let answer = move || Reply::bytes("text/html; charset=utf-8", page.clone());
            self = self.answer(address, answer);
        }
        self
    }

    pub(super) async fn respond(&self, request: Request) -> Response {
        let path = request.uri().path().to_string();
        let made_up = self.answers.iter().find(|(address, _)| *address == path);
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let refusal = "This server only answers GET and HEAD.";
            return (StatusCode::METHOD_NOT_ALLOWED, refusal).into_response();
        }
        if let Some((_, answer)) = made_up {
            return answer().into_response();
        }
        let mut mounts = self.mounts.iter();
        let found = mounts.find_map(|(prefix, folder)| Some((path.strip_prefix(prefix)?, folder)));
        let Some((rest, folder)) = found else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let name = rest.rsplit('/').next().unwrap_or_default().to_string();
        let mut response = file(request, rest, folder).await;
        if response.status().is_success() {
            let policy = self.policy.clone().or_else(|| policy(folder));
            describe(response.headers_mut(), &name, policy);
        }
        response
    }
}

/// A file below a folder: whole, in part, or its brotli form where one lies beside it.
async fn file(mut request: Request, rest: &str, folder: &Path) -> Response {
    let Ok(uri) = Uri::try_from(format!("/{rest}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    *request.uri_mut() = uri;
    let asked = request.headers_mut();
    // Two editions of a file may be of the same second.
    asked.remove(IF_MODIFIED_SINCE);
    if asked.contains_key(RANGE) {
        // Bytes of the file itself are meant.
        asked.remove(ACCEPT_ENCODING);
    }
    let files = ServeDir::new(folder).precompressed_br();
    match files.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// What a host should say of the page's files beside what they hold.
fn describe(headers: &mut HeaderMap, name: &str, policy: Option<String>) {
    headers.remove(LAST_MODIFIED);
    let mut said = vec![
        (CACHE_CONTROL, cache_control(Path::new(name))),
        (VARY, "Accept-Encoding"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    if headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/html")
    {
        said.push((CONTENT_TYPE, "text/html; charset=utf-8"));
    }
    for (name, value) in said {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A worker goes by its own answer's policy, not by the page's `<meta>`.
    if let Some(policy) = policy.and_then(|policy| HeaderValue::try_from(policy).ok()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}
