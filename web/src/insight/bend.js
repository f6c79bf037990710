// Bent time: a burst of milliseconds and a pause of hours are both readable when a gap is
// drawn by its logarithm, and a pause over 20 minutes as a marked break.
const breakAfter = 20 * 60 * 1000;

/**
 * Places times (ascending ms) on a line of some width: {xs, breaks: [{x, ms}], width}.
 * least is how far apart two marks are; width grows where they need more.
 */
export function bend(times, width, least = 26) {
  const steps = [];
  for (let n = 1; n < times.length; n++) {
    const d = Math.max(0, times[n] - times[n - 1]);
    steps.push(d < 1000 ? least : Math.min(170, least + Math.log10(d / 1000) * 26));
  }
  const sum = steps.reduce((a, b) => a + b, 0);
  const scale = Math.max(1, sum ? (width - least) / sum : 1);
  // A line of few marks is not pulled over the whole width.
  const k = Math.min(scale, 2.2);
  const xs = [];
  const breaks = [];
  let x = least / 2;
  times.forEach((t, n) => {
    if (n) {
      const step = steps[n - 1] * k;
      if (t - times[n - 1] > breakAfter) breaks.push({ x: x + step / 2, ms: t - times[n - 1] });
      x += step;
    }
    xs.push(x);
  });
  return { xs, breaks, width: Math.max(width, x + least / 2) };
}
