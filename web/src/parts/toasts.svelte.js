// Notices and what a screen reader is told. A notice is never the only place of an error.
class Toasts {
  list = $state([]);
  #next = 0;
  add(text, { undo, keep = undo ? 10000 : 5000 } = {}) {
    const id = ++this.#next;
    this.list.push({ id, text, undo });
    say(text);
    setTimeout(() => this.drop(id), keep);
    return id;
  }
  drop(id) {
    this.list = this.list.filter((t) => t.id !== id);
  }
}
export const toasts = new Toasts();

class Said {
  polite = $state('');
  urgent = $state('');
}
export const said = new Said();

/** Tells a screen reader; urgent for errors alone. */
export function say(text, { urgent = false } = {}) {
  const where = urgent ? 'urgent' : 'polite';
  if (said[where] === text) said[where] = '';
  queueMicrotask(() => (said[where] = text));
}

/** Shows a notice, for 10 s with an Undo, else 5. */
export const toast = (text, how) => toasts.add(text, how);
