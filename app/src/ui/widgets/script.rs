//! What Probe shows, as a Python script to take away.

use crate::browser::Store;
use crate::ui::widgets::copy_box::CopyBox;
use leptos::prelude::*;

#[component]
pub fn ScriptBox() -> impl IntoView {
    let store = Store::get();
    let script = store.view(|state| state.script());
    let text = Signal::derive(move || script.get().unwrap_or_default());
    let any = Memo::new(move |_| script.with(Option::is_some));
    view! {
        <Show when=move || any.get()>
            <div class="script">
                <CopyBox
                    button="Copy as a transformers script"
                    id="copy-script"
                    summary="The script"
                    label="Python script"
                    field_id="script"
                    text
                />
            </div>
        </Show>
    }
}
