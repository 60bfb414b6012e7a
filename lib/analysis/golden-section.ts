/**
 * The lowest point of a function of one variable: the best of a grid, refined by golden section between its neighbours.
 * A grid keeps it from a local minimum, as long as no valley is narrower than two of its steps.
 * @param grid ascending
 * @param precision relative width at which the refinement ends
 */
export function minimize(
  objective: (x: number) => number,
  grid: readonly number[],
  precision = 1e-7,
): { x: number; value: number; atEdge: boolean } {
  const values = grid.map(objective);
  let at = 0;
  for (let i = 1; i < grid.length; i++) if (values[i] < values[at]) at = i;
  let low = grid[Math.max(0, at - 1)];
  let high = grid[Math.min(grid.length - 1, at + 1)];
  const ratio = (Math.sqrt(5) - 1) / 2;
  let left = high - ratio * (high - low);
  let right = low + ratio * (high - low);
  let leftValue = objective(left);
  let rightValue = objective(right);
  while (high - low > precision * (Math.abs(low) + Math.abs(high))) {
    if (leftValue <= rightValue) {
      [high, right, rightValue] = [right, left, leftValue];
      left = high - ratio * (high - low);
      leftValue = objective(left);
    } else {
      [low, left, leftValue] = [left, right, rightValue];
      right = low + ratio * (high - low);
      rightValue = objective(right);
    }
  }
  const x = (low + high) / 2;
  const value = objective(x);
  if (value <= values[at]) return { x, value, atEdge: isEdge(x, grid) };
  return { x: grid[at], value: values[at], atEdge: isEdge(grid[at], grid) };
}

function isEdge(x: number, grid: readonly number[]): boolean {
  const first = grid[0];
  const last = grid[grid.length - 1];
  const near = 1e-4 * (last - first);
  return x - first < near || last - x < near;
}

/** `count` values from low to high in equal ratios. */
export function ratioGrid(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => low * (high / low) ** (i / (count - 1)));
}
