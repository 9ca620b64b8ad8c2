//! The Bench panel driven as the visitor and the engine drive it.

use super::report::{Cells, Surroundings, cells, name};
use super::*;
use crate::failure::Failure;
use crate::link::Panel;
use crate::protocol::{Adapter, DeviceLimits, Event, KernelTime, Measured, Profile, SelfTest};
use crate::state::activity::Wish;
use crate::state::tests::facts;

fn gpu(software: bool) -> DeviceReport {
    DeviceReport {
        executor: Executor::Gpu,
        adapter: Some(Adapter {
            name: "ACME 9000".into(),
            backend: "WebGPU".into(),
            software,
        }),
        note: None,
        details: None,
        left_out: Vec::new(),
        limits: DeviceLimits::default(),
    }
}

/// A page whose model is loaded on a device that passed its test.
fn ready(device: DeviceReport) -> State {
    let mut state = State::default();
    for effect in state.receive(Event::Alive) {
        if let Effect::Send(Command::Load { id, .. }) = effect {
            let model = facts("Seedling");
            state.receive(Event::Loaded { id, model });
        }
    }
    state.receive(Event::Device { report: device });
    let test = SelfTest {
        trusted: true,
        ..SelfTest::default()
    };
    state.receive(Event::SelfTest { test });
    state
}

/// The one command about measuring among the effects.
fn sent(effects: &[Effect]) -> (RequestId, BenchCommand) {
    match effects {
        [Effect::Send(Command::Bench { id, command })] => (*id, command.clone()),
        other => panic!("expected one Bench, got {other:?}"),
    }
}

fn started(state: &mut State) -> (RequestId, Vec<Case>) {
    match sent(&state.start_bench(around())) {
        (id, BenchCommand::Start { cases }) => (id, cases),
        (_, other) => panic!("expected a start, got {other:?}"),
    }
}

fn measured(median: f64) -> Outcome {
    Outcome::Measured(Measured {
        median,
        least: median / 2.0,
        rounds: 9,
        dispatches: 40,
    })
}

fn tell(state: &mut State, id: RequestId, event: BenchEvent) {
    assert!(state.receive(Event::Bench { id, event }).is_empty());
}

fn around() -> Surroundings {
    Surroundings {
        date: "2026-11-26 08:05 UTC".into(),
        browser: "Netscape/4.0".into(),
        version: "0.1.0 (worker-1a2b.js)".into(),
    }
}

#[test]
fn cases_are_measured_one_after_another() {
    let mut state = ready(gpu(false));
    assert_eq!(state.why_not(&Wish::Measure), None);
    let (id, cases) = started(&mut state);
    assert_eq!(cases.len(), 11);
    assert_eq!(state.bench.line(), "Beginning");
    assert!(state.start_bench(around()).is_empty(), "one at a time");
    for (place, case) in cases.iter().enumerate() {
        tell(&mut state, id, BenchEvent::Began { place });
        let line = format!("{} of 11: {}", place + 1, name(case));
        assert_eq!(state.bench.line(), line);
        let outcome = measured(2.0);
        tell(&mut state, id, BenchEvent::Ended { place, outcome });
    }
    assert_eq!(state.bench.fraction(), 1.0);
    tell(&mut state, id, BenchEvent::Done);
    assert_eq!(state.bench.phase, Phase::Done);
    assert_eq!(state.bench.line(), "Done: 11 of 11");
    let again = started(&mut state).0;
    assert!(again > id);
    assert_eq!(state.bench.fraction(), 0.0, "a new start forgets the old");
}

#[test]
fn only_what_is_wanted_is_measured() {
    let mut state = ready(gpu(false));
    for group in [Group::Products, Group::Steps, Group::Kernels] {
        state.bench.want(group, false);
    }
    let (_, cases) = started(&mut state);
    assert_eq!(cases, Group::Passes.cases());
    let mut state = ready(gpu(false));
    for group in Group::ALL {
        state.bench.want(group, false);
    }
    assert_eq!(
        state.why_not(&Wish::Measure),
        Some("Choose something to measure.")
    );
    assert!(state.start_bench(around()).is_empty());
}

#[test]
fn small_products_come_first() {
    let flops: Vec<usize> = Group::Products
        .cases()
        .iter()
        .map(|case| match case {
            Case::Product { m, k, n } => m * k * n,
            other => panic!("{other:?} is no product"),
        })
        .collect();
    assert!(flops.is_sorted(), "{flops:?}");
}

#[test]
fn a_cancel_keeps_what_was_measured() {
    let mut state = ready(gpu(false));
    let (id, _) = started(&mut state);
    let outcome = measured(1.0);
    let ended = |place| BenchEvent::Ended {
        place,
        outcome: outcome.clone(),
    };
    tell(&mut state, id, BenchEvent::Began { place: 0 });
    tell(&mut state, id, ended(0));
    tell(&mut state, id, BenchEvent::Began { place: 1 });
    assert_eq!(sent(&state.cancel_bench()), (id, BenchCommand::Cancel));
    assert_eq!(state.bench.line(), "Cancelling");
    assert!(state.cancel_bench().is_empty(), "once is enough");
    tell(&mut state, id, ended(1));
    tell(&mut state, id, BenchEvent::Cancelled);
    assert_eq!(state.bench.line(), "Cancelled: 1 of 11 measured");
    assert_eq!(state.bench.rows[0].status, Status::Ended(outcome));
    assert_eq!(state.bench.rows[1].status, Status::Waiting);
    assert!(state.bench.has_report());
    let text = state.bench.report();
    assert!(text.contains("* Cancelled before the end"), "{text}");
    assert!(
        text.contains("| 512 × 512 × 512 | not measured |"),
        "{text}"
    );
}

#[test]
fn figures_of_an_earlier_start_are_not_taken() {
    let mut state = ready(gpu(false));
    let (old, _) = started(&mut state);
    state.cancel_bench();
    tell(&mut state, old, BenchEvent::Cancelled);
    let (new, _) = started(&mut state);
    let outcome = measured(1.0);
    tell(&mut state, old, BenchEvent::Ended { place: 0, outcome });
    tell(&mut state, old, BenchEvent::Done);
    assert_eq!(state.bench.rows[0].status, Status::Waiting);
    assert!(state.bench.is_running());
    tell(&mut state, new, BenchEvent::Began { place: 99 });
}

#[test]
fn an_engine_that_ends_ends_the_measuring() {
    let failure = || Failure::new("gone", "", "");
    let ends: [fn(&mut State, Failure); 3] = [
        |state, failure| drop(state.receive(Event::Fatal { failure })),
        |state, failure| drop(state.receive(Event::DeviceLost { failure })),
        |state, _| drop(state.restart()),
    ];
    for end in ends {
        let mut state = ready(gpu(false));
        let (id, _) = started(&mut state);
        tell(&mut state, id, BenchEvent::Began { place: 0 });
        end(&mut state, failure());
        assert_eq!(state.bench.phase, Phase::Cancelled);
        assert_eq!(state.bench.rows[0].status, Status::Waiting);
    }
}

#[test]
fn another_model_waits_for_the_measuring() {
    let mut state = ready(gpu(false));
    started(&mut state);
    assert!(state.load(state.session.bundled()).is_empty());
    let failure = state.session.failure.as_ref().expect("a refusal");
    assert!(failure.cause.contains("measuring"), "{failure:?}");
    state.cancel_bench();
    let id = state.bench.id;
    let event = BenchEvent::Cancelled;
    state.receive(Event::Bench { id, event });
    assert_eq!(state.load(state.session.bundled()).len(), 1);
}

#[test]
fn nothing_is_measured_before_the_engine_is_ready() {
    let mut state = State::default();
    assert_eq!(
        state.why_not(&Wish::Measure),
        Some("The engine is still starting.")
    );
    assert!(state.start_bench(around()).is_empty());
    state.receive(Event::Device { report: gpu(true) });
    assert!(
        state.why_not(&Wish::Measure).is_some(),
        "the self-test still runs"
    );
}

#[test]
fn figures_have_three_digits_and_a_unit() {
    let figures = |case, median| {
        let status = Status::Ended(measured(median));
        match cells(&Row { case, status }) {
            Cells::Figures([median, least, rate, ..]) => [median, least, rate].join("; "),
            Cells::Words(words) => panic!("{words}"),
        }
    };
    let product = Case::Product {
        m: 1000,
        k: 1000,
        n: 500,
    };
    let text = |text: &str| text.replace(' ', "\u{a0}").replace(";\u{a0}", "; ");
    assert_eq!(
        figures(product, 12.345),
        text("12.3 ms; 6.17 ms; 81.0 GFLOP/s")
    );
    assert_eq!(
        figures(product, 0.1),
        text("0.100 ms; 0.050 ms; 10\u{202f}000 GFLOP/s")
    );
    let steps = Case::LayerStep {
        texts: 4,
        tokens: 32,
    };
    assert_eq!(
        figures(steps, 1234.0),
        text("1\u{202f}234 ms; 617 ms; 104 tokens/s")
    );
    // A clock too coarse to see anything.
    assert!(figures(product, 0.0).contains("too quick to tell"));
}

#[test]
fn a_report_says_what_was_measured_where() {
    let mut state = ready(gpu(true));
    state.bench.want(Group::Steps, false);
    state.bench.want(Group::Kernels, false);
    let (id, cases) = started(&mut state);
    for (place, _) in cases.iter().enumerate() {
        let outcome = match place {
            0 => Outcome::Skipped {
                reason: "One product would take about 20 s here.".into(),
            },
            _ => measured(10.0),
        };
        tell(&mut state, id, BenchEvent::Ended { place, outcome });
    }
    tell(&mut state, id, BenchEvent::Done);
    let text = state.bench.report();
    for part in [
        "# Unmask 0.1.0 (worker-1a2b.js): measured here",
        "* Date: 2026-11-26 08:05 UTC",
        "* Browser: Netscape/4.0",
        "* Device: GPU: ACME 9000, WebGPU",
        "This is a software adapter",
        "* Model: Seedling: 2 layers × 8, 1\u{202f}000 parameters, F32",
        "| 128 × 768 × 768 | skipped: One product would take about 20 s here. | | | | |",
        "| 1024 × 1024 × 1024 | 10.0\u{a0}ms | 5.00\u{a0}ms | 215\u{a0}GFLOP/s | 9 | 40 |",
        "| 128 tokens | 10.0\u{a0}ms | 5.00\u{a0}ms | 12\u{202f}800\u{a0}tokens/s | 9 | 40 |",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("A step of training"));
    // Every row of a table has as many cells as its head.
    let bars = |line: &str| line.matches('|').count();
    let rows = text.lines().filter(|line| line.starts_with('|'));
    assert!(rows.clone().count() > 9);
    assert!(rows.clone().all(|line| bars(line) == 7), "{text}");
    // The device as it was: another one later changes nothing.
    state.session.device = Some(gpu(false));
    assert_eq!(state.bench.report(), text);
}

#[test]
fn those_who_listen_hear_how_far_it_is() {
    let mut state = ready(gpu(false));
    state.panel = Panel::Bench;
    let (id, _) = started(&mut state);
    tell(&mut state, id, BenchEvent::Began { place: 0 });
    assert_eq!(state.spoken(), "1 of 11: 128 × 768 × 768");
}

#[test]
fn a_device_is_told_as_what_it_is() {
    let cpu = DeviceReport {
        executor: Executor::Cpu,
        ..gpu(true)
    };
    let (line, note) = ready(cpu).bench_device();
    assert!(line.starts_with("CPU, one thread"));
    assert!(note.is_some_and(|note| note.contains("imitated")));
    assert_eq!(ready(gpu(false)).bench_device().1, None);
    let (_, note) = ready(gpu(true)).bench_device();
    assert!(note.is_some_and(|note| note.contains("software adapter")));
    assert!(State::default().bench_device().1.is_none());
}

#[test]
fn a_profile_says_where_the_time_goes() {
    let mut state = ready(gpu(false));
    for group in [Group::Products, Group::Passes, Group::Steps] {
        state.bench.want(group, false);
    }
    let (id, cases) = started(&mut state);
    assert_eq!(cases.len(), 2);
    let time = |kernel: &str, microseconds, dispatches| KernelTime {
        kernel: kernel.into(),
        dispatches,
        microseconds,
    };
    let full = Profile {
        kernels: vec![time("linear", 1500.0, 12), time("layer_norm", 500.0, 5)],
        submits: 3,
        longest_ms: 1.25,
    };
    let bare = Profile {
        kernels: Vec::new(),
        submits: 1,
        longest_ms: 4.0,
    };
    for (place, profile) in [full, bare].into_iter().enumerate() {
        let outcome = Outcome::Profiled(profile);
        tell(&mut state, id, BenchEvent::Ended { place, outcome });
    }
    tell(&mut state, id, BenchEvent::Done);
    let text = state.bench.report();
    for part in [
        "Where the time goes: ",
        "The model's answer, 128 tokens: 2.00\u{a0}ms in kernels; 3 pieces handed to the GPU, the \
         longest 1.25\u{a0}ms.",
        "| Kernel | Time | Share | Dispatches |",
        "| linear | 1\u{202f}500\u{a0}µs | 75.0% | 12 |",
        "| layer_norm | 500\u{a0}µs | 25.0% | 5 |",
        "A step of one layer, 4 texts of 32 tokens: 1 piece handed to the GPU, the longest \
         4.00\u{a0}ms. This adapter or browser grants no timestamps",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert_eq!(text.matches("| Kernel |").count(), 1, "{text}");
}
