/** Trying again what may pass: after a growing pause, and not while the network is away. */

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
 * @param {number[]} pauses milliseconds before each further try
 * @returns {Promise<T>} the last failure is thrown
 */
export async function retrying(task, signal, pauses = [800, 2500]) {
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
