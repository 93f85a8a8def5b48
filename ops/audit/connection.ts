/** A tool asks one thing after the other; a second connection looks at what happens meanwhile. */
export const ONE_CONNECTION = {
  DB_POOL_SIZE: 1,
  DB_POOL_OVERFLOW: 1,
  DB_POOL_TIMEOUT_SECONDS: 30,
  DB_POOL_RECYCLE_SECONDS: 24 * 3600,
};
