/** Milliseconds by a clock that all processes of one machine share and nothing sets. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
