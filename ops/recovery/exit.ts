/** What the commands of backups and restores end with; 2 is wrong usage. */
export const EXIT = { done: 0, failed: 1, refused: 3 } as const;
