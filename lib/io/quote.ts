/** Values from files and callers, made fit for an error message: quoted, control characters escaped, shortened. */

/**
 * A value as JSON, cut to `length`: a damaged file can hold megabytes where a number belongs, or lists nested deeper than
 * `JSON.stringify` can follow.
 */
export function quote(value: unknown, length = 120): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = Array.isArray(value)
      ? 'a list that no message can show'
      : `${typeof value} that no message can show`;
  }
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
