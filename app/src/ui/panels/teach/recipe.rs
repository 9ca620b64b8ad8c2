//! What is learned and how: the field's defaults, shown and open to change.

use crate::browser::Store;
use crate::recipe::Goal;
use crate::recipe::{Field, MethodChoice};
use crate::state::activity::Wish;
use bert::config::Pooling;
use leptos::prelude::*;

#[component]
pub fn RecipeCard() -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.teach.is_busy());
    let method = store.view(|state| state.teach.settings.method);
    let first = Field::FIRST.map(|field| view! { <Setting field/> });
    let more = Field::MORE.map(|field| view! { <Setting field/> });
    view! {
        <section class="recipe card" aria-labelledby="recipe-heading">
            <h2 id="recipe-heading">"Recipe"</h2>
            <fieldset class="plain" disabled=move || busy.get()>
                <GoalChoice/>
                <Methods/>
                <p class="hint" id="method-meaning">{move || method.get().meaning()}</p>
                <div class="settings">
                    <Show when=move || method.get() == MethodChoice::Last>
                        <Layers/>
                    </Show>
                    {first.into_iter().collect_view()}
                </div>
                <details class="more-settings">
                    <summary>"More settings"</summary>
                    <div class="settings">
                        <PoolingChoice/>
                        {more.into_iter().collect_view()}
                    </div>
                </details>
            </fieldset>
            <Outlook/>
            <Start/>
        </section>
    }
}

#[component]
fn GoalChoice() -> impl IntoView {
    let store = Store::get();
    let goal = store.view(|state| state.teach.settings.goal);
    let choice = |this: Goal| {
        let choose = move |_| {
            store.change(|state| {
                state.teach.settings.choose_goal(this);
                state.replan()
            });
        };
        view! {
            <label>
                <input
                    type="radio"
                    name="goal"
                    prop:checked=move || goal.get() == this
                    on:change=choose
                />
                <span>{this.label()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="executors">
            <legend>"Learn"</legend>
            {Goal::ALL.map(choice).collect_view()}
        </fieldset>
    }
}

#[component]
fn Methods() -> impl IntoView {
    let store = Store::get();
    let method = store.view(|state| state.teach.settings.method);
    let buttons = MethodChoice::ALL.map(|this| {
        let choose = move |_| {
            store.change(|state| {
                state.teach.settings.choose(this);
                state.plan()
            });
        };
        let unsuited = store.view(move |state| !state.teach.settings.suits(this));
        view! {
            <label>
                <input
                    type="radio"
                    name="method"
                    disabled=move || unsuited.get()
                    prop:checked=move || method.get() == this
                    on:change=choose
                />
                <span>{this.label()}</span>
            </label>
        }
    });
    view! {
        <fieldset class="executors">
            <legend>"Method"</legend>
            {buttons.into_iter().collect_view()}
        </fieldset>
    }
}

#[component]
fn Layers() -> impl IntoView {
    let store = Store::get();
    let layers = store.view(|state| state.teach.settings.layers);
    let most = store.view(|state| state.session.model.as_ref().map_or(1, |model| model.layers));
    let change = move |value: String| {
        let Ok(count) = value.parse::<usize>() else {
            return;
        };
        store.change(|state| {
            state.teach.settings.layers = count.max(1);
            state.plan()
        });
    };
    view! {
        <label class="setting" for="layers">
            <span>"Layers"</span>
            <input
                type="number"
                id="layers"
                min="1"
                max=move || most.get().to_string()
                prop:value=move || layers.get().to_string()
                on:input:target=move |event| change(event.target().value())
            />
        </label>
    }
}

#[component]
fn PoolingChoice() -> impl IntoView {
    let store = Store::get();
    let now = store.view(|state| state.teach.settings.pooling);
    let pooler = store.view(|state| state.session.model.as_ref().is_some_and(|m| m.pooler));
    let all = [
        (Pooling::Mean, "mean", "Mean of all tokens"),
        (Pooling::Cls, "cls", "[CLS]"),
        (Pooling::Pooler, "pooler", "[CLS] through the pooler"),
    ];
    let options = all.map(|(this, value, label)| {
        view! {
            <option
                value=value
                disabled=move || this == Pooling::Pooler && !pooler.get()
                prop:selected=move || now.get() == this
            >
                {label}
            </option>
        }
    });
    let change = move |value: String| {
        let Some((pooling, ..)) = all.into_iter().find(|(_, name, _)| *name == value) else {
            return;
        };
        store.change(|state| {
            state.teach.settings.choose_pooling(pooling);
            state.plan()
        });
    };
    view! {
        <label class="setting" for="pooling">
            <span>"Pooling"</span>
            <select id="pooling" on:change:target=move |event| change(event.target().value())>
                {options.into_iter().collect_view()}
            </select>
        </label>
    }
}

#[component]
pub fn Setting(field: Field) -> impl IntoView {
    let store = Store::get();
    let text = store.view(move |state| state.teach.settings.text(field).to_owned());
    view! {
        <label class="setting" for=field.id()>
            <span>{field.label()}</span>
            <input
                type="text"
                inputmode="decimal"
                autocomplete="off"
                id=field.id()
                placeholder=if field == Field::Epochs { "until it settles" } else { "" }
                prop:value=move || text.get()
                on:input:target=move |event| {
                    let value = event.target().value();
                    store.edit_setting(field, value);
                }
            />
        </label>
    }
}

/// What the run would take, what speaks against it, and what would fit.
#[component]
fn Outlook() -> impl IntoView {
    let store = Store::get();
    let lines = store.view(|state| state.teach.plan_lines());
    let problems = store.view(|state| state.teach.problems());
    let warnings = store.view(|state| state.teach.plan.as_ref().map(|p| p.warnings.clone()));
    let offers = store.view(|state| state.teach.plan.as_ref().map(|p| p.offers.clone()));
    let offer_buttons = move || {
        let offers = offers.get().unwrap_or_default().into_iter();
        offers
            .map(|(label, recipe)| {
                let take = move |_| {
                    store.change(|state| {
                        state.teach.settings.take(&recipe);
                        state.plan()
                    });
                };
                view! { <button type="button" class="quiet" on:click=take>{label}</button> }
            })
            .collect_view()
    };
    view! {
        <div class="outlook" id="outlook" aria-live="polite">
            {move || lines.get().into_iter().map(|line| view! { <p>{line}</p> }).collect_view()}
            {move || warnings.get().unwrap_or_default().into_iter().map(|line| view! {
                <p class="notice">{line}</p>
            }).collect_view()}
            {move || problems.get().into_iter().map(|line| view! {
                <p class="problem">{line}</p>
            }).collect_view()}
            <div class="actions">{offer_buttons}</div>
        </div>
    }
}

#[component]
fn Start() -> impl IntoView {
    let store = Store::get();
    let why_not = store.view(|state| state.why_not(&Wish::Start));
    let rescued = store.view(|state| {
        let rescued = state.teach.rescued.as_ref()?;
        let offered = !state.teach.is_busy();
        offered.then(|| (rescued.epoch(), rescued.over, state.why_not(&Wish::Resume)))
    });
    let why_no_resume = move || rescued.get().and_then(|(.., why)| why);
    view! {
        <div class="actions">
            <button
                type="button"
                class="primary"
                id="start-run"
                aria-describedby="start-why"
                disabled=move || why_not.get().is_some()
                on:click=move |_| store.change(|state| state.start_run())
            >
                "Start"
            </button>
            {move || rescued.get().map(|(epoch, over, why)| view! {
                <button
                    type="button"
                    id="resume-run"
                    aria-describedby="resume-why"
                    disabled=why.is_some()
                    on:click=move |_| store.change(|state| state.resume_run())
                >
                    {match over {
                        true => format!("Take up the weights of epoch {epoch}"),
                        false => format!("Resume from epoch {epoch} (the best so far)"),
                    }}
                </button>
            })}
        </div>
        <p class="hint" id="start-why">{move || why_not.get()}</p>
        <p class="hint" id="resume-why">{why_no_resume}</p>
    }
}
