//! An HTTP server on this machine: what `cargo xtask serve` shows the page with, and what stands in
//! for other hosts in the tests.

mod headers;
mod reply;
mod site;

pub use reply::{Reply, Request};
pub use site::{BROTLI, Site, brotli_of};

use crate::error::{Error, Result};
use axum::Router;
use axum::extract;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A running server; it stops when dropped, and its connections break off.
pub struct Server {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Server {
    /// Serves a site to this machine only. Port 0 takes any free one.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn start(site: Site, port: u16) -> Result<Self> {
        let site = Arc::new(site);
        let answer = move |request: extract::Request| {
            let site = Arc::clone(&site);
            async move { site.respond(request).await }
        };
        Self::listen(Router::new().fallback(answer), port)
    }

    /// Answers each request as `respond` says, at any free port.
    ///
    /// # Errors
    /// If there is none.
    pub fn answering(respond: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let respond = Arc::new(respond);
        let answer = move |request: extract::Request| {
            let respond = Arc::clone(&respond);
            async move { respond(&Request::from(request)).into_response() }
        };
        Self::listen(Router::new().fallback(answer), 0)
    }

    fn listen(router: Router, port: u16) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let cannot = |error: std::io::Error| Error::Listen {
            address: address.to_string(),
            reason: error.to_string(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(cannot)?;
        let listener = runtime.block_on(TcpListener::bind(address));
        let listener = listener.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            runtime: Some(runtime),
        })
    }

    /// Where it listens, with a slash at the end: `http://127.0.0.1:8080/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where it listens: `127.0.0.1:8080`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Serves until the process ends.
    pub fn wait(&self) {
        loop {
            std::thread::park();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An answer that has stalled is not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;
