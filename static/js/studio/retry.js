/** Retries transient failures with growing pauses, but not while the browser is offline. */

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/**
 * @template T
 * @param {() => Promise<T>} task
 * @param {AbortSignal} signal
 * @param {number[]} pauses milliseconds before each retry
 * @returns {Promise<T>} throws the last failure
 */
export async function withRetries(task, signal, pauses = [800, 2500]) {
  for (const milliseconds of pauses) {
    try {
      return await task();
    } catch (error) {
      if (!error.transient || !navigator.onLine) throw error;
      await pause(milliseconds, signal);
    }
  }
  return task();
}
