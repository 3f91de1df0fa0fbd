// The language of the page: the first that the viewer's browser asks for and that there are words for.

const WRITTEN = ["en"]; // each has its words in words.<language>.js, see words.js

const wanted = (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2));
export const language = wanted.find((tag) => WRITTEN.includes(tag)) ?? WRITTEN[0];
