/** What a minute costs, as the clinic's own server put it into the call's custom data. */
interface MinutePrice {
  amount: number;
  currency: string;
}

/** What so many seconds cost, in words; undefined where the clinic has set no price. */
export function priceInWords(custom: Record<string, unknown> | undefined, seconds: number): string | undefined {
  const price = custom?.['price_per_minute'];
  if (!isMinutePrice(price)) return undefined;
  const amount = (price.amount * seconds) / 60;
  return new Intl.NumberFormat(undefined, { style: 'currency', currency: price.currency }).format(amount);
}

function isMinutePrice(value: unknown): value is MinutePrice {
  if (typeof value !== 'object' || value === null) return false;
  const { amount, currency } = value as Partial<MinutePrice>;
  return typeof amount === 'number' && amount > 0 && typeof currency === 'string' && /^[A-Z]{3}$/.test(currency);
}
