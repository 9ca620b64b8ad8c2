//! The engine at a glance, and behind it: adapter, memory, self-test, choice of device.

use crate::browser::Store;
use crate::protocol::{DeviceReport, Preference};
use crate::state::format;
use crate::state::view::{Tone, check_line};
use crate::ui::widgets::card_head::CardHead;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

#[component]
pub fn EngineBadge() -> impl IntoView {
    let store = Store::get();
    let badge = store.view(|state| state.session.badge());
    view! {
        <button
            type="button"
            id="engine-badge"
            class=move || format!("badge {}", badge.get().tone.class())
            popovertarget="engine-card"
        >
            <span class="dot" aria-hidden="true"></span>
            <span class="unseen">"Engine: "</span>
            <span>{move || badge.get().text}</span>
            <span class="badge-memory">{move || badge.get().memory}</span>
        </button>
        <div id="engine-card" class="popover-card" popover="auto" role="dialog" aria-label="Engine">
            <EngineCard/>
        </div>
    }
}

#[component]
fn EngineCard() -> impl IntoView {
    let store = Store::get();
    let runs_on = store.view(|state| state.session.runs_on());
    let device = store.view(|state| state.session.device.clone());
    let memory = store.view(|state| state.session.memory);
    view! {
        <CardHead title="Engine" card="engine-card"/>
        <dl class="facts">
            <dt>"Runs on"</dt>
            <dd>{move || runs_on.get()}</dd>
            {move || device.get().map(|device| view! { <AdapterFacts device/> })}
            <dt>"Model memory"</dt>
            <dd id="device-memory">{move || format::bytes(memory.get().device)}</dd>
            <dt>"WebAssembly memory"</dt>
            <dd>{move || format::bytes(memory.get().wasm)}</dd>
        </dl>
        {move || {
            let device = device.get()?;
            let details = device.details.map(|text| view! { <pre tabindex="0">{text}</pre> });
            device.note.map(|note| view! { <div class="note"><p>{note}</p>{details}</div> })
        }}
        <SelfTest/>
        <Executors/>
    }
}

#[component]
fn AdapterFacts(device: DeviceReport) -> impl IntoView {
    device.adapter.map(|adapter| {
        let kind = if adapter.software {
            "Software (slow)"
        } else {
            "Hardware"
        };
        view! {
            <dt>"Adapter"</dt>
            <dd>{adapter.name}</dd>
            <dt>"Backend"</dt>
            <dd>{adapter.backend}</dd>
            <dt>"Kind"</dt>
            <dd>{kind}</dd>
        }
    })
}

#[component]
fn SelfTest() -> impl IntoView {
    let store = Store::get();
    let verdict = store.view(|state| state.session.self_test());
    let notes = store.view(|state| state.session.self_test_notes());
    let checks = store.view(|state| {
        let test = state.session.test.as_ref();
        test.map_or_else(Vec::new, |test| test.checks.clone())
    });
    let trusted = store.view(|state| !state.session.is_distrusted());
    let rows = move || {
        checks
            .get()
            .into_iter()
            .map(|check| {
                let (tone, mark) = if check.passed {
                    (Tone::Good, "✓ right")
                } else if trusted.get() {
                    (Tone::Warn, "✗ failed")
                } else {
                    (Tone::Bad, "✗ wrong")
                };
                view! {
                    <tr class=tone.class()>
                        <th scope="row">{check.kernel.clone()}</th>
                        <td>{mark}</td>
                        <td>{check_line(&check)}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <div id="self-test" class=move || format!("self-test {}", verdict.get().0.class())>
            <p>{move || verdict.get().1}</p>
            {move || notes.get().into_iter().map(|note| view! {
                <p class="hint">{note}</p>
            }).collect_view()}
            <details>
                <summary>"Every kernel"</summary>
                <div class="scroll" tabindex="0" role="region" aria-label="Self-test results">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">"Kernel"</th>
                                <th scope="col">"Answer"</th>
                                <th scope="col">"Largest error"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        </div>
    }
}

#[component]
fn Executors() -> impl IntoView {
    let store = Store::get();
    let chosen = store.view(|state| state.session.chosen());
    let gpu = store.view(|state| state.session.gpu_label());
    // Where the visitor is asked first, or has to wait, the mark goes back to what computes.
    let choose = move |preference| {
        store.prefer(preference);
        let present = store.peek(|state| state.session.chosen());
        let input = document().get_element_by_id(executor_id(present));
        if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
            input.set_checked(true);
        }
    };
    let choice = move |preference: Preference, label: Signal<&'static str>| {
        view! {
            <label>
                <input
                    type="radio"
                    name="executor"
                    id=executor_id(preference)
                    prop:checked=move || chosen.get() == preference
                    on:change=move |_| choose(preference)
                />
                <span>{move || label.get()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="executors">
            <legend>"Compute on"</legend>
            {choice(Preference::Auto, Signal::stored("Automatic"))}
            {choice(Preference::Gpu, gpu.into())}
            {choice(Preference::Cpu, Signal::stored("CPU"))}
        </fieldset>
    }
}

fn executor_id(preference: Preference) -> &'static str {
    match preference {
        Preference::Auto => "executor-auto",
        Preference::Gpu => "executor-gpu",
        Preference::Cpu => "executor-cpu",
    }
}
