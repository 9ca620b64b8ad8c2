//! The page's program.

fn main() {
    app::ui::page::start();
}
