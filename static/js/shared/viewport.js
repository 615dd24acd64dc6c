/** Visibility checks. */

/**
 * @param {Element} element
 * @returns {boolean} whether it is in the window or less than one window height away
 */
export function nearView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > -innerHeight && top < 2 * innerHeight;
}
