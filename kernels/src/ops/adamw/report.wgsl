// What a step tells: with LOG, log[row] = (loss, norm), the other rows stay (figures of many steps,
// to be read back at once; a row that the log does not have is not written); else only the norm.
// loss: [1]; row: [1]; report: [rows, 2], or [1].

override LOG: bool = false;

fn tell(norm: f32) {
    if (LOG) {
        if (row[0] < params.rows) {
            report[2u * row[0]] = loss[0];
            report[2u * row[0] + 1u] = norm;
        }
    } else {
        report[0] = norm;
    }
}
