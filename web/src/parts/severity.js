// Severities: of insights by name (LOW to CRITICAL), of signals by number (0 to 10), and of
// packages' findings by name (informational to critical).
export const levels = ['critical', 'high', 'medium', 'low', 'info'];
export const words = { critical: 'Critical', high: 'High', medium: 'Medium', low: 'Low', info: 'Info' };

/**
 * The level of a severity, whichever way it is said. Numbers by the packages' five levels
 * and the severities that gyoji gives them: 1, 2, 4, 6, 8.
 */
export function level(severity) {
  if (typeof severity === 'number') return severity >= 8 ? 'critical' : severity >= 6 ? 'high' : severity >= 4 ? 'medium' : severity >= 2 ? 'low' : 'info';
  const name = String(severity ?? '').toLowerCase();
  return name === 'informational' || !levels.includes(name) ? 'info' : name;
}

/** 0 for the most severe. */
export const rank = (severity) => levels.indexOf(level(severity));
