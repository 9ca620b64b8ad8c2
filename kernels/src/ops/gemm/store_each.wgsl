// Four columns, one by one: they do not begin at whole vectors.
fn store_four(row: u32, column: u32, sums: vec4f) {
    #for j in 4
    store(row, column + {j}u, sums[{j}]);
    #end
}
