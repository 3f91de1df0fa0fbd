// The words of the page in the viewer's language. Another language is one more file like words.en.js, named here.

import { language } from "./language.js";
import { words as en } from "./words.en.js";

export { language };
export const words = { en }[language];
