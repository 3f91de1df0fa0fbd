// The codes of the contract in their order, as the server has them.

export const LABELS = ["high", "medium", "low", "unknown"];
export const TERMS = ["behind_pace", "low_quiz", "missed_session", "inactivity"];
