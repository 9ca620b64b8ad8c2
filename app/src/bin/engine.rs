//! The engine worker's program.

fn main() {
    app::engine::start();
}
