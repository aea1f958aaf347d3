// A browser whose date is wrong by `window.dateErrorMs`, and a notebook of when the countdown changed, kept in
// true milliseconds.
(() => {
  const Native = Date;
  window.dateErrorMs = window.dateErrorMs ?? 0;
  const wrongNow = () => Native.now() + window.dateErrorMs;
  window.Date = class extends Native {
    constructor(...given) {
      if (given.length === 0) super(wrongNow());
      else super(...given);
    }
    static now() {
      return wrongNow();
    }
  };
  window.trueNow = () => Native.now();
  window.ticks = [];
  const look = () => {
    const digits = document.querySelector('.tm-call .cc-timer-digits')?.textContent;
    if (digits === undefined || digits === window.ticks.at(-1)?.digits) return;
    window.ticks.push({ digits, at: Native.now() });
  };
  new MutationObserver(look).observe(document, { childList: true, characterData: true, subtree: true });
})();

// When the page left the call, in true milliseconds.
(() => {
  let wasIn = false;
  const look = () => {
    const isIn = document.querySelector('.tm-call') !== null;
    if (wasIn && !isIn) window.leftCallAt = window.trueNow();
    wasIn = isIn;
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
})();
