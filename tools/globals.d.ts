/** Replaced by the build: true in development and in tests, false in production. */
declare const CONTRACTS: boolean;
