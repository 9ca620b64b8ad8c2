//! A picture of the Inside panel: its sentence, the drawing, how it misleads, the table, and the ways to
//! take it along.

use crate::browser::{Store, save_text, to_clipboard};
use crate::state::inside::drawing::{Drawing, Shape};
use crate::state::inside::sight::{Sight, Table};
use leptos::{ev, html, prelude::*, task::spawn_local};

/// The width of a drawing that is saved.
const SAVED_WIDTH: f64 = 860.0;
/// No drawing is narrower.
const LEAST_WIDTH: f64 = 260.0;

/// `sight` makes the picture for a width in CSS pixels, or says that there is none. `name` is that of
/// saved files, `title` of the figure. `children` are controls that belong to the picture.
#[component]
pub fn SightFigure(
    name: &'static str,
    title: &'static str,
    #[prop(into)] sight: Callback<f64, Option<Sight>>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let figure = NodeRef::<html::Figure>::new();
    let width = width_of(figure);
    let shown = Memo::new(move |_| width.get().and_then(|width| sight.run(width)));
    let caption = format!("{name}-caption");
    let (labelled_by, id) = (caption.clone(), format!("sight-{name}"));
    let save = move |_| {
        if let Some(sight) = untrack(|| sight.run(SAVED_WIDTH)) {
            save_text(&sight.drawing.to_svg(title), &format!("{name}.svg"));
        }
    };
    let tsv = move || shown.with_untracked(|sight| sight.as_ref().map(|s| s.table.to_tsv()));
    view! {
        <figure class="sight" id=id node_ref=figure>
            <figcaption id=caption>
                {move || shown.with(|sight| sight.as_ref().map(|sight| sight.sentence.clone()))}
            </figcaption>
            {children.map(|children| children())}
            {move || shown.get().map(|sight| {
                let labelled_by = labelled_by.clone();
                view! { <DrawingView drawing=sight.drawing labelled_by/> }
            })}
            <Show when=move || shown.with(Option::is_some)>
                <p class="sight-caveat">
                    {move || shown.with(|sight| sight.as_ref().map(|sight| sight.caveat))}
                </p>
                <div class="share-row">
                    <CopyTable name tsv=Callback::new(move |()| tsv())/>
                    <button type="button" class="quiet" on:click=save>"Save as SVG"</button>
                </div>
                <SightTable
                    title
                    table=Signal::derive(move || {
                        shown.with(|sight| sight.as_ref().map(|s| s.table.clone())).unwrap_or_default()
                    })
                />
            </Show>
        </figure>
    }
}

/// The width that an element has, once it is there and whenever the window changes.
pub fn width_of(element: NodeRef<html::Figure>) -> Memo<Option<f64>> {
    let (width, set_width) = signal(None::<f64>);
    let measure = move || {
        if let Some(element) = element.get_untracked() {
            let wide = f64::from(element.client_width());
            if wide > 0.0 {
                set_width.set(Some(wide.max(LEAST_WIDTH)));
            }
        }
    };
    Effect::new(move |_| {
        element.track();
        measure();
    });
    let listener = window_event_listener(ev::resize, move |_| measure());
    on_cleanup(move || listener.remove());
    Memo::new(move |_| width.get())
}

/// The drawing in the page's own colours.
#[component]
pub fn DrawingView(drawing: Drawing, labelled_by: String) -> impl IntoView {
    let shapes = drawing.shapes.into_iter().map(|shape| match shape {
        Shape::Box {
            x,
            y,
            width,
            height,
            ink,
            weight,
        } => view! {
            <rect
                class=format!("fill {}", ink.class())
                x=x y=y width=width height=height rx="4"
                fill-opacity=format!("{weight:.3}")
            ></rect>
        }
        .into_any(),
        Shape::Path {
            d,
            ink,
            weight,
            width,
        } => view! {
            <path
                class=format!("stroke {}", ink.class())
                d=d
                stroke-width=width
                stroke-opacity=format!("{weight:.3}")
            ></path>
        }
        .into_any(),
        Shape::Area { d, ink, weight } => view! {
            <path
                class=format!("fill {}", ink.class())
                d=d
                fill-opacity=format!("{weight:.3}")
            ></path>
        }
        .into_any(),
        Shape::Dot { x, y, ink } => {
            view! { <circle class=format!("fill {}", ink.class()) cx=x cy=y r="3.5"></circle> }
                .into_any()
        }
        Shape::Word {
            x,
            y,
            text,
            ink,
            anchor,
            size,
            bold,
        } => view! {
            <text
                class=format!("fill {}", ink.class())
                class:bold=bold
                x=x y=y
                font-size=size
                text-anchor=anchor.name()
            >
                {text}
            </text>
        }
        .into_any(),
    });
    view! {
        <svg
            class="drawing"
            viewBox=format!("0 0 {:.1} {:.1}", drawing.width, drawing.height)
            width=format!("{:.0}", drawing.width)
            height=format!("{:.0}", drawing.height)
            role="img"
            aria-labelledby=labelled_by
        >
            {shapes.collect_view()}
        </svg>
    }
}

/// The button that copies a table.
#[component]
pub fn CopyTable(name: &'static str, tsv: Callback<(), Option<String>>) -> impl IntoView {
    let store = Store::get();
    let said = store.view(|state| state.linked.said);
    let copy = move |_| {
        let Some(text) = tsv.run(()) else { return };
        spawn_local(async move {
            // Where there is no clipboard, a file does.
            let said = match to_clipboard(&text).await {
                true => "Copied",
                false => {
                    save_text(&text, &format!("{name}.tsv"));
                    "Saved as a file"
                }
            };
            store.say(said);
        });
    };
    view! {
        <button type="button" class="quiet" on:click=copy>"Copy as TSV"</button>
        <span class="said" aria-hidden="true">{move || said.get()}</span>
    }
}

/// The table under its summary; its rows are made only while it is open.
#[component]
pub fn SightTable(title: &'static str, table: Signal<Table>) -> impl IntoView {
    let details = NodeRef::<html::Details>::new();
    let (open, set_open) = signal(false);
    let toggled = move |_| set_open.set(details.get_untracked().is_some_and(|it| it.open()));
    let rows = move || {
        let table = table.get();
        let head = table.columns.into_iter();
        let head = head.map(|column| view! { <th scope="col">{column}</th> });
        let rows = table.rows.into_iter().map(|cells| {
            let mut cells = cells.into_iter();
            let first = cells.next();
            let cells = cells.map(|cell| view! { <td dir="auto">{cell}</td> });
            view! { <tr><th scope="row" dir="auto">{first}</th>{cells.collect_view()}</tr> }
        });
        view! {
            <div class="scroll sight-table" tabindex="0" role="region" aria-label=format!("{title}, as a table")>
                <table class="measured">
                    <caption class="unseen">{title}</caption>
                    <thead><tr>{head.collect_view()}</tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        }
    };
    view! {
        <details node_ref=details on:toggle=toggled>
            <summary>"As a table"</summary>
            {move || open.get().then(rows)}
        </details>
    }
}
