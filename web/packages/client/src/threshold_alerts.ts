export interface ClockReading {
  remainingMs: number;
  endsAtMs: number;
}

/**
 * Decides which warning is up (design rule 8): each threshold is announced once per deadline, a later
 * threshold replaces an earlier one, and only a new deadline that lies beyond a threshold arms it again.
 * A correction of the clock by some milliseconds therefore never announces twice.
 */
export class ThresholdAlerts {
  readonly #passed = new Set<number>();
  #endsAtMs: number | undefined;
  #current: number | null = null;

  /** The threshold, in seconds, whose warning should be up now; null for none. */
  look(reading: ClockReading, thresholdsSeconds: readonly number[]): number | null {
    if (reading.endsAtMs !== this.#endsAtMs) this.#rearm(reading);
    const due = thresholdsSeconds.filter((threshold) => reading.remainingMs <= threshold * 1000);
    const nearest = Math.min(...due);
    const isNews = due.length > 0 && !this.#passed.has(nearest) && nearest < Math.min(...this.#passed);
    for (const threshold of due) this.#passed.add(threshold);
    if (isNews) this.#current = nearest;
    return this.#current;
  }

  dismiss(): void {
    this.#current = null;
  }

  reset(): void {
    this.#passed.clear();
    this.#current = null;
    this.#endsAtMs = undefined;
  }

  #rearm(reading: ClockReading): void {
    this.#endsAtMs = reading.endsAtMs;
    for (const threshold of [...this.#passed]) {
      if (reading.remainingMs > threshold * 1000) this.#passed.delete(threshold);
    }
    if (this.#current !== null && !this.#passed.has(this.#current)) this.#current = null;
  }
}
