// Ids that are unique within the shadow root, for labels and descriptions.

import { useState } from "../vendor/preact.js";

let used = 0;

export function useId(prefix) {
  const [id] = useState(() => `${prefix}-${(used += 1)}`);
  return id;
}
