// What a person has chosen, kept in this browser.
function kept(name, otherwise) {
  try {
    return localStorage.getItem('gyoji.' + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem('gyoji.' + name, value);
  } catch {
    // a browser that keeps nothing
  }
}

class Settings {
  /** 'UTC' or 'local'. */
  #zone = $state(kept('zone', 'UTC'));
  /** 'system', 'light' or 'dark'. */
  #theme = $state(kept('theme', 'system'));
  /** Whether single letters are keys (WCAG 2.1.4). */
  #letters = $state(kept('letters', 'on') === 'on');
  /** Whether a new Critical insight makes a sound. */
  #sound = $state(kept('sound', 'off') === 'on');

  constructor() {
    if (typeof document !== 'undefined') this.#apply();
  }
  get zone() {
    return this.#zone;
  }
  set zone(v) {
    this.#zone = v;
    keep('zone', v);
  }
  get theme() {
    return this.#theme;
  }
  set theme(v) {
    this.#theme = v;
    keep('theme', v);
    this.#apply();
  }
  get letters() {
    return this.#letters;
  }
  set letters(v) {
    this.#letters = v;
    keep('letters', v ? 'on' : 'off');
  }
  get sound() {
    return this.#sound;
  }
  set sound(v) {
    this.#sound = v;
    keep('sound', v ? 'on' : 'off');
  }
  #apply() {
    if (this.#theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.#theme;
  }
  /** Whether dark colours are shown now. */
  get dark() {
    return this.#theme === 'dark' || (this.#theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  }
}

export const settings = new Settings();
