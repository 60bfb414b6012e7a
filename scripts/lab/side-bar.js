/** The side bar with the list of files, on a page that has no room for it beside a line of code. */

/** Below this width, in pixels, a line of a hundred characters does not fit beside the side bar. */
const ROOM_FOR_BOTH = 1280;

/**
 * @typedef {object} Lab JupyterLab's application
 * @property {Promise<void>} restored when the page stands as it was left, or as a first visit finds it
 * @property {{ restored: Promise<{ fresh?: boolean }>, collapseLeft(): void }} shell
 */

/**
 * Folds the side bar of a first visit in a narrow window. Who opens it again finds it open the next time.
 * @param {Lab} lab
 * @param {number} width of the window, in pixels
 */
export async function foldWhereNarrow({ restored, shell }, width) {
  const { fresh } = await shell.restored;
  // The list of files opens itself on a first visit, before that.
  await restored;
  if (fresh === true && width < ROOM_FOR_BOTH) shell.collapseLeft();
}
