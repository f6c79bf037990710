// The six entries, and the chunks of pages. A page is the file Page.svelte of a folder with
// its name; it is loaded when it is first opened.
const found = import.meta.glob('../*/Page.svelte');

export const entries = [
  ['triage', 'Triage', 't', 'M3 4h18v4H3zM3 10h12v4H3zM3 16h8v4H3z'],
  ['search', 'Search', 's', 'M10 4a6 6 0 1 0 3.7 10.7l5 5 1.6-1.6-5-5A6 6 0 0 0 10 4zm0 2.2a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6z'],
  ['entities', 'Entities', 'e', 'M12 3a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM4 21c0-4 3.5-7 8-7s8 3 8 7z'],
  ['content', 'Content', 'c', 'M5 3h10l4 4v14H5zM8 10h8v2H8zM8 14h8v2H8z'],
  ['coverage', 'Coverage', 'v', 'M3 3h5v5H3zM10 3h5v5h-5zM17 3h4v5h-4zM3 10h5v5H3zM10 10h5v5h-5zM3 17h5v4H3z'],
  ['health', 'Health', 'h', 'M3 13h4l2-6 4 12 3-8 1 2h4v-2h-3l-2-5-3 8-4-12-4 9H3z'],
];

/** Which entry a page belongs to. */
export const entryOf = (name) => ({ insight: 'triage', entity: 'entities' })[name] ?? name;

/** The pages that this build has. */
export const pages = Object.fromEntries(Object.entries(found).map(([path, load]) => [path.split('/')[1], load]));
