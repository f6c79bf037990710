// Who is signed in. Roles are those of keys: read, triage, content, admin, each of which may
// also do what those before it may.
const order = ['read', 'triage', 'content', 'admin'];
const path = '/api/gyoji/v1/session';

class Session {
  /** 'unknown' until the server has said, 'out', 'in', 'unreachable'. */
  state = $state('unknown');
  /** {id, label, name, role, version}, kept while a session that ended is renewed. */
  who = $state(null);
  /** A sentence about the last try to sign in. */
  problem = $state('');
  #waiting = [];

  may(role) {
    return this.who !== null && order.indexOf(this.who.role) >= order.indexOf(role);
  }

  /** Why an act is not offered: a sentence, '' where it is. */
  lacks(role) {
    return this.may(role) ? '' : `Your role (${this.who?.role ?? 'none'}) may not do this. Ask an admin for a key of the role ${role}.`;
  }

  get me() {
    return this.who?.name ?? '';
  }

  async look() {
    try {
      const answer = await fetch(path, { headers: { 'X-Requested-With': 'gyoji' }, cache: 'no-store' });
      const said = await answer.json();
      if (answer.ok && said.signedIn) this.#begin(said);
      else this.state = 'out';
    } catch {
      this.state = 'unreachable';
    }
  }

  /** Asks whether the session still is one; where it has ended, the page asks to sign in again. */
  async check() {
    if (this.state !== 'in') return;
    try {
      const answer = await fetch(path, { headers: { 'X-Requested-With': 'gyoji' }, cache: 'no-store' });
      if (answer.ok && !(await answer.json()).signedIn) this.state = 'out';
    } catch {
      // the server is away; the stream's own state says so
    }
  }

  #begin(said) {
    this.who = said;
    this.state = 'in';
    this.problem = '';
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Signs in by {access_id, access_key} or {token}. */
  async begin(by) {
    try {
      const answer = await fetch(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'gyoji' },
        body: JSON.stringify(by),
      });
      const said = await answer.json();
      if (answer.ok) {
        this.#begin(said);
        return true;
      }
      this.problem = said.message ? said.message[0].toUpperCase() + said.message.slice(1) + '.' : `The server answered ${answer.status}.`;
    } catch {
      this.problem = 'The server cannot be reached.';
    }
    if (this.state !== 'in') this.state = 'out';
    return false;
  }

  async end() {
    await fetch(path, { method: 'DELETE', headers: { 'X-Requested-With': 'gyoji' } }).catch(() => {});
    location.assign('/signin');
  }

  /** Waits until somebody has signed in again. */
  again() {
    this.state = 'out';
    return new Promise((go) => this.#waiting.push(go));
  }
}

export const session = new Session();
