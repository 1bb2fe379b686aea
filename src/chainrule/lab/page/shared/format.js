// Numbers as the documentation writes them.

/** 1234567 is 1,234,567. @param {number} value */
export const whole = (value) => Math.round(value).toLocaleString("en-US");

/** So many significant digits. @param {number} value @param {number} [digits] */
export function number(value, digits = 4) {
  if (!Number.isFinite(value)) return String(value);
  const text = String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

/** @param {number | null | undefined} part @param {number} of */
export const percent = (part, of) =>
  part === null || part === undefined ? "–" : `${((100 * part) / of).toFixed(2)} %`;
