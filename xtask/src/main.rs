//! `cargo xtask TASK`: see [`USAGE`].

use lexopt::prelude::*;
use std::process::ExitCode;
use xtask::setup::Installing;
use xtask::tasks::{self, Profile, ServeOptions, TestOptions};
use xtask::{Error, Result, Workspace};

const USAGE: &str = "\
Usage: cargo xtask TASK

  setup                                      install what the other tasks need, as root where that
                                             takes root
  serve [--port N] [--dev] [--no-open]       build the page, serve it, open the browser
  build [--dev]                              build the page into dist
  test [FILTER...] [--no-browser] [--dev]    set-up, lints, native tests, the page in browsers;
                                             with FILTER only the tests whose name contains it
  bench [ARGUMENT...]                        time matrix products, forward passes and steps of training
                                             on every device; arguments go to Criterion: a filter, say;
                                             --profile prints each shader's time on GPUs instead
  pictures                                   take the published pictures of the page anew, with Chromium

  --dev builds the page quickly, not small and fast";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let workspace = Workspace::find();
    let mut parser = lexopt::Parser::from_env();
    let task = match parser.next().map_err(usage)? {
        Some(Value(task)) => task.to_string_lossy().into_owned(),
        Some(Short('h') | Long("help")) | None => "help".to_string(),
        Some(other) => return Err(usage(other.unexpected())),
    };
    match task.as_str() {
        "setup" => tasks::setup(&workspace),
        "serve" => tasks::serve(&workspace, &serve_options(&mut parser).map_err(usage)?),
        "build" => {
            let profile = build_profile(&mut parser).map_err(usage)?;
            tasks::build(&workspace, profile, Installing::Refused)
        }
        "test" => tasks::test(&workspace, &test_options(&mut parser).map_err(usage)?),
        "bench" => {
            let rest = parser.raw_args().map_err(usage)?;
            let rest: Vec<String> = rest
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            tasks::bench(&workspace, &rest)
        }
        "pictures" => tasks::pictures(&workspace),
        "help" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(Error::Usage(format!(
            "There is no task `{other}`.\n\n{USAGE}"
        ))),
    }
}

fn usage(error: lexopt::Error) -> Error {
    Error::Usage(format!("{error}\n\n{USAGE}"))
}

fn serve_options(parser: &mut lexopt::Parser) -> Result<ServeOptions, lexopt::Error> {
    let mut options = ServeOptions {
        profile: Profile::Web,
        port: None,
        open: true,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => options.port = Some(parser.value()?.parse()?),
            Long("dev") => options.profile = Profile::Dev,
            Long("no-open") => options.open = false,
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}

fn build_profile(parser: &mut lexopt::Parser) -> Result<Profile, lexopt::Error> {
    let mut profile = Profile::Web;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("dev") => profile = Profile::Dev,
            other => return Err(other.unexpected()),
        }
    }
    Ok(profile)
}

fn test_options(parser: &mut lexopt::Parser) -> Result<TestOptions, lexopt::Error> {
    let mut options = TestOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(filter) => options.filters.push(filter.string()?),
            Long("no-browser") => options.no_browser = true,
            Long("dev") => options.dev = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}
