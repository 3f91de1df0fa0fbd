// The limits that whoever approves may go past, once they were told.

import { words } from "../shared/words.js";

/** Whether a code that says why something was not approved is a limit; to who may not be written to nobody may write. */
export const isLimit = (code) => Object.hasOwn(words.warnings, code ?? "");
