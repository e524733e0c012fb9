/** Added to every random test's own seed: 0 in the usual run, and another number with `build.py test --explore`. */
export const SEED = Number(process.env.SIDESTREAM_SEED ?? 0);
