// One calculation at a time; of the requests that come meanwhile only the newest is answered.

/**
 * @param {(current: () => boolean) => Promise<void>} work reads what to compute when it is called; before it changes anything
 *     it asks `current` whether its result was dropped meanwhile
 * @param {() => Promise<void>} pause between two calculations, so that the result is displayed
 * @param {() => void} [rest] nothing is asked any more
 * @returns {{ask: () => void, drop: () => void}} `ask`: something changed; `drop`: no result of before now
 *     is wanted
 */
export function newest(work, pause, rest = () => {}) {
  let [asked, answered, epoch] = [0, 0, 0];
  let running = false;
  async function run() {
    running = true;
    try {
      while (answered !== asked) {
        answered = asked;
        const mine = epoch;
        await work(() => mine === epoch);
        await pause();
      }
    } finally {
      running = false;
      rest();
    }
  }
  return {
    ask() {
      asked += 1;
      if (!running) void run();
    },
    drop() {
      epoch += 1;
      answered = asked;
    },
  };
}
