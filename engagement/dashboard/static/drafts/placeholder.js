// The one placeholder of a text, {first_name}: filled in as it will be sent, and counted at its longest.

export const PLACEHOLDER = "{first_name}";

// The comma before it goes too where no name is known: "Hi {first_name}, welcome" reads "Hi, welcome" then.
const WITH_WHAT_STANDS_BEFORE = /(,? )?\{first_name\}/g;

/** The text in pieces of {text} and {name}; with the name, or reading well without one. */
export function filled(text, firstName) {
  const pieces = [];
  let end = 0;
  for (const found of text.matchAll(WITH_WHAT_STANDS_BEFORE)) {
    pieces.push({ text: text.slice(end, found.index) + (firstName ? (found[1] ?? "") : "") });
    if (firstName) pieces.push({ name: firstName });
    end = found.index + found[0].length;
  }
  return [...pieces, { text: text.slice(end) }];
}

/** Characters that are left of `limit` (below 0: too many) when the name has `nameLength` of them. */
export function charactersLeft(text, limit, nameLength) {
  // By code point, as Python counts: an emoji is one character.
  return limit - [...text.replaceAll(PLACEHOLDER, "x".repeat(nameLength))].length;
}

/** The text with the placeholder put in place of what is selected, and where the cursor goes then. */
export function withPlaceholder(text, from, to) {
  const before = text.slice(0, from);
  const space = before && !/\s$/.test(before) ? " " : "";
  return { text: before + space + PLACEHOLDER + text.slice(to), cursor: from + space.length + PLACEHOLDER.length };
}
