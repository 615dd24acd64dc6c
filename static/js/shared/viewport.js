/** What the reader can see. */

/**
 * @param {Element} element
 * @returns {boolean} in the window or less than a window's height away
 */
export function nearView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > -innerHeight && top < 2 * innerHeight;
}
