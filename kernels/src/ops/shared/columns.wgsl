// Sums over the rows of a matrix or of a chunk of them, a workgroup making COLUMNS columns of the result: neighbouring lanes
// read neighbouring columns. LANES lanes share a column, each taking every LANES-th row, and add up
// what they found in a fixed order, so that the same input gives the same bits.
// A column is one of Numbers, see one.wgsl. With one lane to a column no barrier is executed, see reduce.wgsl.
// Every invocation of the workgroup must call this, also those whose column does not exist.

override COLUMNS: u32 = 64u;
override LANES: u32 = 1u; // a power of two

var<workgroup> column_values: array<Numbers, 256>;

fn column_sum(x: Numbers, column: u32, lane: u32) -> Numbers {
    if (LANES == 1u) { return x; }
    let place = lane * COLUMNS + column;
    column_values[place] = x;
    workgroupBarrier();
    for (var reach = LANES / 2u; reach > 0u; reach /= 2u) {
        if (lane < reach) { column_values[place] += column_values[place + reach * COLUMNS]; }
        workgroupBarrier();
    }
    let sum = column_values[column];
    workgroupBarrier();
    return sum;
}
