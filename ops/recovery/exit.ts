/** The exit codes of the commands for operators; 2 is wrong usage. */
export const EXIT = { done: 0, failed: 1, refused: 3 } as const;
