/** Text in a chart: escaped, and measured without a font. */

/** Font of everything that is written. */
export const FONT = 'system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif';
export const TEXT_SIZE = 12;
/** Notes and what stands beside points and bars. */
export const SMALL_TEXT = 11;

/** Text that is safe inside an element and inside an attribute. Characters that XML forbids are left out. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(FORBIDDEN, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Control characters and lone surrogates (XML 1.0, section 2.2). */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** Text as plotly shows it literally: what looks like a tag would otherwise be one. */
export function escapePlotly(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Widths in parts of the font's size, as the widest of the usual sans-serif fonts have them. */
function characterWidth(character: string): number {
  if (/[ijlI.,:;'|!()[\]]/.test(character)) return 0.32;
  if (/[frt\s-]/.test(character)) return 0.4;
  if (/[mwMW%@]/.test(character)) return 0.95;
  if (/[A-Z]/.test(character)) return 0.7;
  return character > '\u2E80' ? 1 : 0.61;
}

/** About how wide a text is in pixels. */
export function textWidth(text: string, size: number = TEXT_SIZE): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width * size;
}

/** The text, or as much of it as fits into `pixels` and an ellipsis. */
export function fitted(text: string, pixels: number, size: number = TEXT_SIZE): string {
  if (textWidth(text, size) <= pixels) return text;
  const characters = Array.from(text);
  while (characters.length > 1 && textWidth(characters.join(''), size) + size > pixels) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** The text in lines that fit into `pixels`, broken between words. */
export function wrapped(text: string, pixels: number, size: number = TEXT_SIZE): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer, size) > pixels) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].map((part) => fitted(part, pixels, size));
}

/** A number of pixels to a tenth, in as few characters as can be. */
export function pixel(value: number): string {
  const tenths = Math.round(value * 10);
  return tenths === 0 ? '0' : String(tenths / 10).replace(/^(-?)0\./, '$1.');
}
