// One after another, the candidates of a span in falling order; see first.wgsl and reduce.wgsl. A pass over
// the span for each: for the few dozen that people look at, this beats sorting and needs no memory.

const NONE: u32 = 0xffffffffu;

// The candidates of a row that begins at `start`: `first` to `end`, by steps, a lane's own from its number on.
struct Span { start: u32, first: u32, end: u32, step: u32 }

// The first one that comes after `last`, or of all of them; NONE's column where none is left.
// Every invocation of the workgroup must call it.
fn next(span: Span, last: Candidate, of_all: bool, lane: u32, row: u32) -> Candidate {
    var best = Candidate(LOWEST, NONE);
    for (var i = span.first + lane; i < span.end; i += span.step) {
        let found = candidate(span, i);
        if ((of_all || before(last, found)) && before(found, best)) { best = found; }
    }
    return row_first(best, lane, row);
}
