// What pages tell the frame around them.
class Frame {
  /** Title of the page one is at; the window's is made of it. */
  title = $state('');
  /** Open insights, and things that need an act; null while not known. */
  open = $state(null);
  care = $state(null);
  /** Said before the window's title, such as "1 new". */
  alert = $state('');
}
export const frame = new Frame();
