/**
 * One of several things by its name.
 * @param what opens the message: `frontier: the arm`
 * @throws Error that lists the names there are
 */
export function findNamed<One extends { name: string }>(
  what: string,
  all: readonly One[],
  name: string | undefined,
): One {
  const found = all.find((one) => one.name === name);
  if (found) return found;
  throw new Error(`${what} must be one of ${all.map((one) => one.name).join(', ')}, got ${name}.`);
}
