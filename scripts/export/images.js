/**
 * Images that a page refers to by a path, put into the page itself.
 */
import { readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';

/** @type {Record<string, string>} */
const TYPES = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
};

/**
 * A path that ends in `#gh-dark-mode-only` or `#gh-light-mode-only`, as GitHub reads it, becomes an image of that class.
 * @param {string} html
 * @param {string} folder what the paths are relative to
 * @returns {string} the page; an image that is not there stays a path
 */
export function putImages(html, folder) {
  return html.replaceAll(/<img\b([^>]*?)\bsrc="([^":#]+)(?:#([\w-]+))?"/g, (match, before, path, mode) => {
    const type = TYPES[extname(path).toLowerCase()];
    if (type === undefined) return match;
    try {
      const data = readFileSync(resolve(folder, decodeURIComponent(path))).toString('base64');
      const shown = mode === undefined ? '' : ` class="${mode}"`;
      return `<img${shown}${before}src="data:${type};base64,${data}"`;
    } catch {
      return match;
    }
  });
}
