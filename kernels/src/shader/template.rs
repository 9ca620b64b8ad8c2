//! Repetition in WGSL: registers cannot be indexed, so that a kernel which keeps a tile of sums in
//! them has a line for each. A shader says it once.
//!
//! * `#let NAME = 4` gives a number a name; the first of several with one name counts, so that a
//!   prologue overrides what a file proposes.
//! * `#for i in NAME` (or a number) … `#end` repeats the lines between, `{i}` counting from 0.
//! * `#if NAME` … `#end` leaves the lines between out where the number is 0.
//! * `{NAME}`, `{i}` and sums such as `{NAME+i+1}` are replaced everywhere by their number; other braces stay.

use std::collections::HashMap;

/// The WGSL that a template stands for.
///
/// # Panics
/// If a `#` line is malformed or its loop has no end: mistakes in the shaders, found by the tests.
pub fn expand(template: &str) -> String {
    let lines: Vec<&str> = template.lines().collect();
    let mut expanded = String::with_capacity(2 * template.len());
    let mut numbers = HashMap::new();
    repeat(&lines, &mut numbers, &mut expanded);
    expanded
}

fn repeat<'a>(lines: &[&'a str], numbers: &mut HashMap<&'a str, usize>, to: &mut String) {
    let mut i = 0;
    while i < lines.len() {
        let mut words = lines[i].split_whitespace();
        match words.next() {
            Some("#let") => {
                let (name, _, value) = (word(&mut words), word(&mut words), word(&mut words));
                let value = number(value, numbers);
                numbers.entry(name).or_insert(value);
            }
            Some("#for") => {
                let (name, _, count) = (word(&mut words), word(&mut words), word(&mut words));
                let body = &lines[i + 1..];
                let body = &body[..end(body)];
                let outer = numbers.get(name).copied();
                for count in 0..number(count, numbers) {
                    numbers.insert(name, count);
                    repeat(body, numbers, to);
                }
                match outer {
                    Some(value) => numbers.insert(name, value),
                    None => numbers.remove(name),
                };
                i += body.len() + 1;
            }
            Some("#if") => {
                let body = &lines[i + 1..];
                let body = &body[..end(body)];
                if number(word(&mut words), numbers) != 0 {
                    repeat(body, numbers, to);
                }
                i += body.len() + 1;
            }
            _ => substitute(lines[i], numbers, to),
        }
        i += 1;
    }
}

fn word<'a>(words: &mut impl Iterator<Item = &'a str>) -> &'a str {
    words.next().expect("a complete # line")
}

fn number(word: &str, numbers: &HashMap<&str, usize>) -> usize {
    let known = numbers.get(word).copied().or_else(|| word.parse().ok());
    known.unwrap_or_else(|| panic!("`{word}` is no number"))
}

/// The place of the `#end` that belongs to a loop with this body.
fn end(body: &[&str]) -> usize {
    let mut depth = 1;
    let ends = |line: &&str| {
        match line.split_whitespace().next() {
            Some("#for" | "#if") => depth += 1,
            Some("#end") => depth -= 1,
            _ => {}
        }
        depth == 0
    };
    body.iter().position(ends).expect("a loop with an #end")
}

/// The value of a name, or of a sum that begins with one.
fn sum(words: &str, numbers: &HashMap<&str, usize>) -> Option<usize> {
    let mut terms = words.split('+');
    let first = *numbers.get(terms.next()?)?;
    let known = |term: &str| numbers.get(term).copied().or_else(|| term.parse().ok());
    terms.try_fold(first, |sum, term| Some(sum + known(term)?))
}

fn substitute(line: &str, numbers: &HashMap<&str, usize>, to: &mut String) {
    let mut rest = line;
    while let Some(open) = rest.find('{') {
        to.push_str(&rest[..open]);
        rest = &rest[open..];
        let close = rest.find('}').unwrap_or(0);
        match rest.get(1..close).and_then(|words| sum(words, numbers)) {
            Some(value) => {
                to.push_str(&value.to_string());
                rest = &rest[close + 1..];
            }
            None => {
                to.push('{');
                rest = &rest[1..];
            }
        }
    }
    to.push_str(rest);
    to.push('\n');
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn lines_repeat_with_their_numbers() {
        let template =
            "#let N = 2\n#for i in N\n#for j in 2\nc{i}_{j} = {N}u;\n#end\n#end\nfn f() {}";
        let lines = "c0_0 = 2u;\nc0_1 = 2u;\nc1_0 = 2u;\nc1_1 = 2u;\nfn f() {}\n";
        assert_eq!(expand(template), lines);
    }

    #[test]
    fn the_first_of_several_values_counts() {
        assert_eq!(expand("#let N = 1\n#let N = 2\n{N}"), "1\n");
    }

    #[test]
    fn sums_of_numbers_are_numbers() {
        let template = "#let N = 4\n#for i in 2\n{i+1} {N+i+1} {N+x} {1+i}\n#end";
        assert_eq!(expand(template), "1 5 {N+x} {1+i}\n2 6 {N+x} {1+i}\n");
    }

    #[test]
    fn lines_under_a_zero_are_left_out() {
        let template =
            "#let A = 1\n#let B = 0\n#if A\na\n#if B\nb\n#end\nc\n#end\n#if B\nd\n#end\ne";
        assert_eq!(expand(template), "a\nc\ne\n");
    }

    #[test]
    fn text_without_templates_stays() {
        let text = "fn main() { if (a) { b; } }\nlet s = S { x };\n";
        assert_eq!(expand(text), text);
    }

    #[test]
    fn a_loop_of_none_leaves_nothing() {
        assert_eq!(expand("a\n#for i in 0\nb\n#end\nc"), "a\nc\n");
    }

    #[test]
    #[should_panic(expected = "a loop with an #end")]
    fn a_loop_without_end_is_a_mistake() {
        expand("#for i in 3\nx");
    }
}
