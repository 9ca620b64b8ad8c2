//! Keeping the page for visits without a network, and offering a newer one: the page's side of
//! `static/sw.js`. Where the browser has no service workers, the page works all the same.

use super::Store;
use super::surroundings::service_worker;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    RegistrationOptions, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration,
    ServiceWorkerState, ServiceWorkerUpdateViaCache,
};

/// What is known of the copy that the browser keeps.
#[derive(Clone, Copy)]
pub struct Offline {
    /// Whether a newer version waits to be let in.
    pub update: RwSignal<bool>,
    registration: StoredValue<Option<ServiceWorkerRegistration>, LocalStorage>,
}

impl Offline {
    /// Registers the service worker, and has it keep the default checkpoint once that is loaded.
    pub fn start(store: Store) -> Self {
        let offline = Self {
            update: RwSignal::new(false),
            registration: StoredValue::new_local(None),
        };
        let Some(container) = container() else {
            log("this browser keeps no page from this address");
            return offline;
        };
        let Some(script) = service_worker() else {
            spawn_local(forget(container));
            return offline;
        };
        spawn_local({
            let container = container.clone();
            async move {
                if let Err(error) = offline.register(&container, &script).await {
                    log(&format!("the page is not kept: {error:?}"));
                }
            }
        });
        let loaded = store.view(|state| {
            let session = &state.session;
            session.model.is_some() && session.loading.is_none() && session.has_or_loads_bundled()
        });
        let folder = store.peek(|state| state.site.default.folder.clone());
        Effect::new(move |_| {
            if loaded.get() {
                spawn_local(keep(container.clone(), folder.clone()));
            }
        });
        offline
    }

    async fn register(
        self,
        container: &ServiceWorkerContainer,
        script: &str,
    ) -> Result<(), JsValue> {
        let options = RegistrationOptions::new();
        options.set_update_via_cache(ServiceWorkerUpdateViaCache::None);
        let registration = container.register_with_options(script, &options);
        let registration = JsFuture::from(registration).await?;
        let registration: ServiceWorkerRegistration = registration.unchecked_into();
        self.registration.set_value(Some(registration.clone()));
        if container.controller().is_some() {
            if let Some(active) = registration.active() {
                // This page is up to date with it: earlier versions may go.
                active.post_message(&"tidy".into())?;
            }
            if registration.waiting().is_some() {
                self.update.set(true);
            }
            if let Some(coming) = registration.installing() {
                self.watch(&coming);
            }
        }
        let found = registration.clone();
        let on_found = Closure::<dyn FnMut()>::new(move || {
            // Where none is active yet, it is the first version, not a newer one.
            if let (Some(_), Some(coming)) = (found.active(), found.installing()) {
                self.watch(&coming);
            }
        });
        registration.set_onupdatefound(Some(on_found.as_ref().unchecked_ref()));
        // As long as the page.
        on_found.forget();
        Ok(())
    }

    /// Offers a version as soon as all of it is there.
    fn watch(self, coming: &ServiceWorker) {
        let worker = coming.clone();
        let on_change = Closure::<dyn FnMut()>::new(move || {
            if worker.state() == ServiceWorkerState::Installed {
                self.update.set(true);
            }
        });
        coming.set_onstatechange(Some(on_change.as_ref().unchecked_ref()));
        on_change.forget();
    }

    /// Lets the waiting version in and opens it.
    pub fn accept(self) {
        let waiting = self.registration.with_value(|registration| {
            registration
                .as_ref()
                .and_then(|registration| registration.waiting())
        });
        let (Some(container), Some(waiting)) = (container(), waiting) else {
            // Another tab has let it in already.
            reload();
            return;
        };
        let on_change = Closure::once_into_js(reload);
        container.set_oncontrollerchange(Some(on_change.unchecked_ref()));
        if waiting.post_message(&"update".into()).is_err() {
            reload();
        }
    }

    /// Leaves it for a later visit.
    pub fn later(self) {
        self.update.set(false);
    }
}

/// Absent outside secure contexts, whatever the type says.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = window().navigator();
    let there = js_sys::Reflect::has(&navigator, &"serviceWorker".into()).unwrap_or(false);
    there.then(|| navigator.service_worker())
}

/// A run under way makes the browser ask first.
fn reload() {
    let _ = window().location().reload();
}

/// Has the service worker keep a checkpoint's folder.
async fn keep(container: ServiceWorkerContainer, folder: String) {
    let Ok(ready) = container.ready() else {
        return;
    };
    let Ok(registration) = JsFuture::from(ready).await else {
        return;
    };
    let registration: ServiceWorkerRegistration = registration.unchecked_into();
    let message = js_sys::Object::new();
    let _ = js_sys::Reflect::set(&message, &"keep".into(), &folder.into());
    if let Some(active) = registration.active() {
        let _ = active.post_message(&message);
    }
}

/// Lets go of a service worker that a published page left at this address.
async fn forget(container: ServiceWorkerContainer) {
    let registration = JsFuture::from(container.get_registration()).await;
    let registration = registration.ok().filter(|found| !found.is_undefined());
    if let Some(registration) = registration {
        let registration: ServiceWorkerRegistration = registration.unchecked_into();
        if let Ok(gone) = registration.unregister() {
            let _ = JsFuture::from(gone).await;
        }
    }
}

fn log(text: &str) {
    web_sys::console::info_1(&text.into());
}
