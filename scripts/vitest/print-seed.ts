/** Says once a run which seed its random tests have. */
export default function printSeed(): void {
  process.stdout.write(`seed of the random tests: FAULTLINE_SEED=${process.env['FAULTLINE_SEED']}\n`);
}
