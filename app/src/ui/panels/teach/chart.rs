//! One chart: SVG for those who see it, a sentence and a table for those who do not.

use crate::state::teach::chart::{HEIGHT, WIDTH, nearest};
use crate::state::teach::view::Chart;
use leptos::prelude::*;
use web_sys::{Element, Event, PointerEvent};

/// The value across at the pointer.
fn under(event: &PointerEvent, chart: &Chart) -> Option<f64> {
    use wasm_bindgen::JsCast;
    let drawing = event.current_target()?.dyn_into::<Element>().ok()?;
    let place = drawing.get_bounding_client_rect();
    let share = (f64::from(event.client_x()) - place.left()) / place.width();
    Some(chart.frame.value_at(share))
}

fn is_open(event: &Event) -> bool {
    use wasm_bindgen::JsCast;
    let details = event.current_target();
    let details = details.and_then(|target| target.dyn_into::<Element>().ok());
    details.is_some_and(|details| details.has_attribute("open"))
}

#[component]
pub fn ChartFigure(chart: Memo<Option<Chart>>, id: &'static str) -> impl IntoView {
    // Where the pointer is, across; `None` while it is elsewhere.
    let (pointed, set_pointed) = signal(None::<f64>);
    // Many rows, anew with every word of a run: only for those who read them.
    let (open, set_open) = signal(false);
    let seek = move |event: PointerEvent| {
        set_pointed.set(chart.with_untracked(|chart| under(&event, chart.as_ref()?)));
    };
    let title = move || chart.with(|chart| chart.as_ref().map_or("", |chart| chart.title));
    let summary = move || chart.with(|chart| chart.as_ref().map(|chart| chart.summary.clone()));
    let caption = format!("{id}-caption");
    let labelled_by = caption.clone();
    view! {
        <figure class="chart" id=id>
            <figcaption id=caption>
                <strong>{title}</strong>
                " "
                <span class="chart-summary">{summary}</span>
            </figcaption>
            <svg
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                role="img"
                aria-labelledby=labelled_by
                on:pointermove=seek
                on:pointerdown=seek
                on:pointerleave=move |_| set_pointed.set(None)
            >
                {move || chart.get().map(|chart| view! { <Drawing chart/> })}
                {move || {
                    let x = pointed.get()?;
                    chart.get().map(|chart| view! { <Crosshair chart x/> })
                }}
            </svg>
            {move || chart.get().map(|chart| view! { <Legend chart/> })}
            <details class="chart-table" on:toggle=move |event| set_open.set(is_open(&event))>
                <summary>"As a table"</summary>
                {move || open.get().then(|| chart.get().map(|chart| view! { <Table chart/> }))}
            </details>
        </figure>
    }
}

#[component]
fn Drawing(chart: Chart) -> impl IntoView {
    let frame = chart.frame;
    let (left, right) = (frame.across(frame.x.low), frame.across(frame.x.high));
    let bottom = frame.down(frame.y.low);
    let rows = frame.y.ticks(4).into_iter().map(|tick| {
        let (y, label) = (frame.down(tick), chart.value(tick));
        view! {
            <line class="grid" x1=left x2=right y1=y y2=y></line>
            <text class="tick" x=left - 6.0 y=y + 4.0 text-anchor="end">{label}</text>
        }
    });
    let columns = frame
        .x
        .ticks(6)
        .into_iter()
        .filter(|tick| tick.fract() == 0.0);
    let columns = columns.map(|tick| {
        view! {
            <text class="tick" x=frame.across(tick) y=bottom + 18.0 text-anchor="middle">
                {format!("{tick:.0}")}
            </text>
        }
    });
    let level = chart.level.as_ref().map(|(level, _)| {
        let y = frame.down(*level);
        view! { <line class="level" x1=left x2=right y1=y y2=y></line> }
    });
    let curves = chart.curves.iter().map(|curve| {
        let class = format!("curve {}", curve.class);
        // A single point makes no line.
        let dots = (curve.points.len() <= 24).then(|| {
            let dot = |&(x, y): &(f64, f64)| {
                let class = format!("dot {}", curve.class);
                view! { <circle class=class cx=frame.across(x) cy=frame.down(y) r="3"></circle> }
            };
            curve.points.iter().map(dot).collect_view()
        });
        view! {
            <path class=class d=frame.path(&curve.points)></path>
            {dots}
        }
    });
    view! {
        {rows.collect_view()}
        {columns.collect_view()}
        {level}
        {curves.collect_view()}
    }
}

/// What the curves are at the pointer.
#[component]
fn Crosshair(chart: Chart, x: f64) -> impl IntoView {
    let longest = chart.curves.iter().max_by_key(|curve| curve.points.len())?;
    let x = longest.points[nearest(&longest.points, x)?].0;
    let frame = chart.frame;
    let across = frame.across(x);
    let values = chart.curves.iter().filter_map(|curve| {
        let (at, value) = curve.points[nearest(&curve.points, x)?];
        // A curve of few points says nothing between them.
        let near = (at - x).abs() <= (frame.x.high - frame.x.low) / 20.0;
        near.then(|| format!("{} {}", curve.name, chart.value(value)))
    });
    let values: Vec<String> = values.collect();
    let text = format!("{} {x:.0}: {}", chart.across, values.join(", "));
    let anchor = if across > WIDTH / 2.0 { "end" } else { "start" };
    let shift = if across > WIDTH / 2.0 { -8.0 } else { 8.0 };
    Some(view! {
        <line class="cross" x1=across x2=across y1="8" y2=frame.down(frame.y.low)></line>
        <text class="reading" x=across + shift y="22" text-anchor=anchor>{text}</text>
    })
}

#[component]
fn Legend(chart: Chart) -> impl IntoView {
    let curves = chart.curves.iter().map(|curve| {
        let class = format!("key {}", curve.class);
        view! { <li><span class=class></span>{curve.name}</li> }
    });
    let level = chart.level.as_ref().map(|(_, what)| {
        view! { <li><span class="key level"></span>{what.clone()}</li> }
    });
    view! {
        <ul class="legend" aria-hidden="true">{curves.collect_view()} {level}</ul>
    }
}

#[component]
fn Table(chart: Chart) -> impl IntoView {
    let tables = chart.curves.iter().map(|curve| {
        let row = |&(x, y): &(f64, f64)| {
            view! { <tr><th scope="row">{format!("{x:.0}")}</th><td>{chart.value(y)}</td></tr> }
        };
        view! {
            <table>
                <thead>
                    <tr><th scope="col">{chart.across}</th><th scope="col">{curve.name}</th></tr>
                </thead>
                <tbody>{curve.points.iter().map(row).collect_view()}</tbody>
            </table>
        }
    });
    view! {
        <div class="scroll tables" tabindex="0" role="region" aria-label=chart.title>
            {tables.collect_view()}
        </div>
    }
}
